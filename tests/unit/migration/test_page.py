"""`docs/moving-from-fairing.md` shows the table of calls; `make golden` writes it."""

from __future__ import annotations

import importlib
import inspect
import os
import re
from collections.abc import Iterator, Sequence

import pytest
from kfp import dsl, kubernetes

import fairing_kfp
from fairing_kfp import distributed, mutators
from fairing_kfp.errors import ConfigError
from fairing_kfp.migration.check import is_in_classic
from fairing_kfp.migration.successor import Successor
from fairing_kfp.migration.table import SUCCESSORS, TABLES, successor_of
from tests.support.paths import TOP

PAGE = TOP / "docs" / "moving-from-fairing.md"


def table(header: tuple[str, ...], *others: tuple[str, ...]) -> str:
    lines = [header, ("---",) * len(header), *others]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def calls() -> str:
    return "\n".join(f"### {title}\n\n{table(*rows(successors))}" for title, successors in TABLES.items())


def rows(successors: Sequence[Successor]) -> Iterator[tuple[str, ...]]:
    yield "old call", "classic", "new way"
    for it in successors:
        yield ", ".join(f"`{name}`" for name in (it.call, *it.others)), it.classic, it.new


def faults() -> str:
    found = ((f"`{it.call}`", it.fault, it.now) for it in SUCCESSORS if it.fault)
    return table(("call", "in Fairing 1.0.2", "now"), *found)


@pytest.mark.parametrize(("name", "expected"), [("calls", calls()), ("faults", faults())])
def test_golden_table_is_that_of_the_page(name: str, expected: str) -> None:
    text = PAGE.read_text("utf-8")
    section = re.compile(rf"(?<=<!-- {name} -->\n)(.*?)(?=<!-- end -->)", re.DOTALL)
    if os.environ.get("WRITE_GOLDEN"):
        text = section.sub(lambda _: expected, text, count=1)
        PAGE.write_text(text, "utf-8")
    found = section.search(text)

    assert found is not None
    assert found[0] == expected


def test_each_call_has_one_row_with_a_successor() -> None:
    keys = [(name, it.option) for it in SUCCESSORS for name in it.names]

    assert len(set(keys)) == len(keys)
    assert all(it.new and bool(it.fault) == bool(it.now) for it in SUCCESSORS)
    assert all("|" not in it.new + it.fault + it.now + it.classic for it in SUCCESSORS)


@pytest.mark.parametrize(
    ("name", "option", "row"),
    [
        ("config.set_builder", "docker", 'config.set_builder("docker")'),
        ("config.set_builder", "mine", "config.set_builder"),
        ("builders.cluster.cluster.ClusterBuilder", "", "builders.cluster"),
        ("TrainJob.submit", "", "TrainJob.submit"),
        ("ml_tasks.tasks.BaseTask", "", "ml_tasks"),
    ],
)
def test_the_row_of_a_call_is_its_own_or_that_of_what_contains_it(name: str, option: str, row: str) -> None:
    found = successor_of(name, option)

    assert found is not None
    assert found.call == row


def test_an_unknown_name_has_no_row() -> None:
    assert successor_of("strategies.BasicTrainingStrategy") is None


OWNERS = (
    fairing_kfp,
    fairing_kfp.fairing_component,
    fairing_kfp.Endpoint,
    mutators,
    distributed,
    kubernetes,
    dsl,
    dsl.PipelineTask,
)


@pytest.mark.parametrize(
    "text", sorted({text for it in SUCCESSORS for text in re.findall(r"`([\w.]+\(.+?)`", it.new)}), ids=str
)
def test_functions_and_options_of_the_new_way_exist(text: str) -> None:
    for name, arguments in re.findall(r"(\w+)\(((?:\w+=|[^()=])*)", text):
        function = next(getattr(owner, name) for owner in OWNERS if hasattr(owner, name))
        accepted = set(inspect.signature(function).parameters)
        if "options" in accepted:  # of a typed dictionary
            source = inspect.getsource(function)
            typed = re.findall(r"\*\*options: Unpack\[(\w+)\]", source)
            accepted |= {key for one in typed for key in getattr(fairing_kfp, one).__annotations__}
        assert set(re.findall(r"(\w+)=", arguments)) <= accepted, name


REFUSED = [name for it in SUCCESSORS if it.classic == "refused" for name in it.names]


@pytest.mark.parametrize("name", REFUSED)
def test_classic_refuses_what_the_table_says(name: str) -> None:
    module, _, member = name.rpartition(".")
    function = getattr(importlib.import_module(f"fairing_kfp.classic.{module}"), member)
    signature = inspect.signature(function)
    required = [
        it for it in signature.parameters.values() if it.default is it.empty and it.kind is it.POSITIONAL_OR_KEYWORD
    ]

    with pytest.raises(ConfigError, match="is not available any more"):
        function(*["x"] * len(required))


def test_classic_has_what_the_table_names() -> None:
    assert [name for it in SUCCESSORS for name in it.names if not is_in_classic(name)] == []
