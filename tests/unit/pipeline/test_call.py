"""Calls of `run`, `compile` and the like with wrong arguments."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl

import fairing_kfp
from fairing_kfp import RecurringRun, explain, run, submit, upload
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import ConfigError
from tests.support.command_line import fairing_kfp as command
from tests.support.small_pipelines import mixed, names_an_image, two
from tests.support.stand_in_builder import StandInBuilder


@dsl.pipeline(name="two-words")
def two_words(depth: int = 3, word: str = "x"):
    two(image=word)


@pytest.mark.parametrize(
    ("call", "message", "remedy"),
    [
        (lambda: run(two_words, depth=4), "run: depth is a parameter", 'write run(two_words, {"depth": 4})'),
        (lambda: submit(two_words, depth=4, word="y"), "submit: depth is a", '{"depth": 4, "word": \'y\'})'),
        (lambda: fairing_kfp.compile(two_words, depth=4), "compile takes none", 'write run(two_words, {"depth": 4})'),
        (lambda: run(two_words, dept=4), "run: unknown option 'dept'", "use one of"),
        (lambda: run(two_words, outptu="x"), "run: unknown option 'outptu'", "did you mean output?"),
        (lambda: fairing_kfp.compile(two_words, registy="x"), "compile: unknown option", "did you mean registry?"),
        (lambda: fairing_kfp.compile(two_words, insecure="host"), "insecure = 'host'", 'insecure=["host"]'),
        (lambda: run(two_words, [4]), "run: arguments=[4] is not a dictionary", "use a dictionary"),
        (lambda: run(two_words, "depth=4"), "arguments='depth=4'", 'write it like {"depth": 4}'),
        (lambda: run(two_words, reuse="no"), "run: reuse='no' is not True or False", "use True or False"),
        (lambda: run(two_words, output=3), "run: output=3 is not a string or a path", 'output="3"'),
        (lambda: run(two_words, docker="host"), "docker='host' is not a dictionary", "use a dictionary"),
        (lambda: run(two_words, on_event=3), "on_event=3 is not a function", "use a function"),
        (lambda: submit(two_words, name=3), "submit: name=3 is not a string", 'name="3"'),
        (lambda: upload(two_words, tags=["a"]), "upload: tags=['a'] is not a dictionary", "strings by name"),
        (lambda: RecurringRun.create(two_words, cron="* * * * * *", depth=1), "is a parameter", '"depth": 1'),
        (lambda: explain(two_words, registry=5), "registry = 5", 'registry="5"'),
    ],
    ids=range(17),
)  # fmt: skip
def test_a_wrong_argument_is_named_before_anything_is_done(call: Callable[[], Any], message: str, remedy: str) -> None:
    with pytest.raises(ConfigError) as raised:
        call()

    assert message in raised.value.message
    assert remedy in raised.value.remedy


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> StandInBuilder:
    builder = StandInBuilder()
    monkeypatch.setattr("fairing_kfp.builders.append.AppendBuilder", lambda *_, **__: builder)
    return builder


@pytest.mark.parametrize(
    ("pipeline", "builder", "planned"),
    [
        (names_an_image, "dry-run", ("one", "two")),
        (mixed, "dry-run", ("one", "planned")),
        (mixed, None, ("planned",)),
        (names_an_image, None, ()),
    ],
)
def test_a_dry_run_writes_no_yaml(
    pipeline: Any, builder: str | None, planned: tuple[str, ...], registry: StandInBuilder, tmp_path: Path, cache: Cache
) -> None:
    output = tmp_path / "out.yaml"
    compiled = fairing_kfp.compile(pipeline, output, builder=builder, registry="registry.example.com", cache=cache)

    assert compiled.planned == planned
    assert output.exists() is not bool(planned)
    assert len(registry.published) == 2 - len(planned)


def test_the_command_says_that_nothing_was_sent(
    registry: StandInBuilder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    target = f"{Path(__file__).parents[2]}/support/small_pipelines.py"
    options = ("--registry", "registry.example.com", "-o", "out.yaml")
    code, output = command("compile", f"{target}:names_an_image", *options, "--builder", "dry-run")

    assert (code, (tmp_path / "out.yaml").exists(), registry.published) == (0, False, [])
    assert output.count(" (planned)") == 2
    assert output.endswith("dry run: nothing was sent, and out.yaml was not written, since it could not run\n")
    code, output = command("compile", f"{target}:mixed", *options)
    assert "dry run: the planned images were not sent, and out.yaml was not written" in output
    code, output = command("compile", f"{target}:names_an_image", *options)
    assert output.startswith("✔ one → ")
    assert (tmp_path / "out.yaml").exists()
