"""`fairing-kfp diff`: what it prints, its exit codes, and runs on Kubeflow Pipelines."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import fairing_kfp as package
from fairing_kfp.remote import run
from tests.support.command_line import fairing_kfp
from tests.support.kfp_stand_in import serve_kfp
from tests.support.paths import TESTS
from tests.support.remote_pipelines import digits
from tests.support.stand_in_builder import StandInBuilder

GOLDEN = str(TESTS / "golden/digits.yaml")
OLD, NEW = (f"localhost:1/me/digits@sha256:{digit * 64}" for digit in "01")


def edited(folder: Path, name: str, *changes: tuple[str, str]) -> str:
    text = Path(GOLDEN).read_text("utf-8")
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    path = folder / name
    path.write_text(text, "utf-8")
    return str(path)


def test_equal_pipelines_end_with_0() -> None:
    code, output = fairing_kfp("diff", GOLDEN, GOLDEN)

    assert code == 0
    assert output.splitlines() == [
        "predict: unchanged, runs again unless serve-digits returns the same endpoint",
        "same: check-serve-digits, load, train, evaluate, serve-digits",
    ]


def test_different_ones_end_with_1_and_the_verdict_comes_first(tmp_path: Path) -> None:
    env = "        image: REGISTRY/PROJECT@sha256:DIGEST\n    exec-load:"
    new = edited(
        tmp_path,
        "new.yaml",
        ("defaultValue: 10.0", "defaultValue: 12.0"),
        (env, f"        env: [{{name: MODE, value: fast}}]\n{env}"),
    )
    code, output = fairing_kfp("diff", GOLDEN, new)

    assert code == 1
    assert output.splitlines() == [
        "train: the input depth: 10 → 12, the parameter depth",
        "evaluate: environment: MODE: none → fast *",
        "    runs again: train makes its input model again",
        "predict: unchanged, runs again unless serve-digits returns the same endpoint",
        "same: check-serve-digits, load, serve-digits",
        "* is not in the key of the cache of KFP 2.17, so that alone does not make a step run again",
    ]

    code, output = fairing_kfp("diff", GOLDEN, new, "--json")
    found = json.loads(output)
    steps = {step["name"]: step for step in found["steps"]}
    assert (code, found["differs"], found["complete"]) == (1, True, True)
    assert (steps["train"]["verdict"], steps["train"]["reuse"]) == ("changed", "no")
    assert steps["evaluate"]["changes"][0]["in_cache_key"] is False


def test_without_a_registry_the_yaml_says_what_it_can_and_a_line_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    image = "REGISTRY/PROJECT@sha256:DIGEST"
    code, output = fairing_kfp(
        "diff",
        *(edited(tmp_path, f"{name[-1]}.yaml", (image, name)) for name in (OLD, NEW)),
        "--insecure",
        "localhost:1",
    )

    *lines, missing = output.splitlines()
    assert code == 1
    assert "train: image changed" in lines
    assert missing.startswith("missing: what changed in the images of localhost:1: ")
    assert output.count("localhost:1") == missing.count("localhost:1")


def test_names_in_yaml_of_others_do_not_control_the_terminal(tmp_path: Path) -> None:
    image = "        image: REGISTRY/PROJECT@sha256:DIGEST\n    exec-load:"
    new = edited(tmp_path, "new.yaml", (image, f'        env: [{{name: "\\e[31m[red]", value: a}}]\n{image}'))
    code, output = fairing_kfp("diff", GOLDEN, new)

    assert code == 1
    assert output.splitlines()[0] == r"evaluate: environment: \x1b[31m[red]: none → a *"


def test_a_run_is_compared_with_its_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_PAUSES", (0.0, 0.0))
    monkeypatch.setenv("KUBECONFIG", "/nonexistent")
    with serve_kfp() as kfp:
        runs = [package.submit(digits, {"depth": depth}, host=kfp.url, builder=StandInBuilder()) for depth in (6, 7)]
        compiled = tmp_path / "digits.yaml"
        package.compile(digits, compiled, builder=StandInBuilder())

        same = fairing_kfp("diff", runs[0].id, str(compiled), "--host", kfp.url)
        different = fairing_kfp("diff", runs[0].id, runs[1].id, "--host", kfp.url)
        unknown = fairing_kfp("diff", "00000000-0000-0000-0000-000000000000", str(compiled), "--host", kfp.url)

    assert same[0] == 0, same[1]
    assert different[0] == 1
    assert different[1].splitlines()[0] == "train: the input depth: 6 → 7, the parameter depth"
    assert unknown[0] == 3


@pytest.mark.parametrize(
    ("old", "message"),
    [
        ("missing.yaml", "cannot read missing.yaml: No such file or directory"),
        ("missing.py", "the file missing.py does not exist"),
    ],
)
def test_wrong_names_end_with_2(old: str, message: str) -> None:
    code, output = fairing_kfp("diff", old, GOLDEN)

    assert code == 2
    assert f"error: {message}" in output
