"""`diff`: YAML against the working tree and YAML, with images in the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import PipelineError
from tests.support.cached_images import PROJECT, put_base
from tests.support.small_images import layer
from tests.unit.comparison.conftest import Edited

SCRIPT = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--rate", type=int, default=1)
print(parser.parse_args().rate)
"""
FACTORY = """
def wrap(a):
    def inner(x: int) -> int:
        return a
    return inner
"""
PARTS = """
def scale(x: int, by: int) -> int:
    return x * by

part = fairing_component(functools.partial(scale, by=2), name="part")
inner = fairing_component(wrap(3), name="inner")
tool = fairing_component.from_script("tool.py")
"""
REGISTRY, _, NAME = PROJECT.rpartition("/")


def compare(edited: Edited, old: str, new: str, **settings: str) -> fairing_kfp.PipelineDiff:
    given = {"base_image": edited.base, "registry": REGISTRY, "project": NAME, "start": edited.folder, **settings}
    return fairing_kfp.diff(old, new, cache=edited.cache, **given)


def causes(found: fairing_kfp.PipelineDiff, step: str) -> list[str]:
    return [cause.text for change in found.by_name[step].changes for cause in change.causes]


def test_an_unchanged_tree_is_the_same(edited: Edited) -> None:
    found = compare(edited, edited.old, edited.target)

    assert not found.differs
    assert found.is_complete
    assert {(step.verdict, step.reuse) for step in found.steps} == {("same", "yes")}
    assert [step.name for step in found.steps] == ["scaled", "train", "evaluate"]


def test_each_edit_is_named(edited: Edited) -> None:
    edited.edit(
        "pipeline.py",
        ("RATE = 0.2", "RATE = 0.3"),
        ("make(3)", "make(4)"),
        ("* RATE", "* RATE + 1"),
        ("power=2", "power=3"),
        ("the first step", "the only step"),
        ("self.depth > 2", "self.depth > 1"),
        ("depth: int = 3", "depth: int = 4"),
        ("depth: int = 8", "depth: int = 9"),
    )
    edited.edit("lab/model.py", ("0.1", "0.5"), ("x * RATE", "x + RATE"))

    found = compare(edited, edited.old, edited.target)

    module = "lab/model.py changed"
    assert found.differs
    assert causes(found, "evaluate") == [module]
    assert causes(found, "scaled") == ["the closure's scale in make.<locals>.scaled(): 3 → 4", module]
    assert causes(found, "train") == [
        "helper() changed",
        "the default of power in helper(): 2 → 3",
        "the global RATE: 0.2 → 0.3",
        "Config.depth: 3 → 4",
        "Config.is_deep() changed",
        "train(): only its comments or layout changed",
        module,
    ]
    inputs = [change.text for change in found.by_name["train"].changes if change.kind == "input"]
    assert inputs == ["the input depth: 8 → 9, the parameter depth"]
    details = {cause.text: cause.details for change in found.by_name["train"].changes for cause in change.causes}
    assert details[module][:2] == ("RATE: 0.1 → 0.5", "fit() changed")
    assert details[module][2:] == ("-RATE = 0.1", "+RATE = 0.5", "-    return x * RATE", "+    return x + RATE")
    assert details["Config.is_deep() changed"] == ("-    return self.depth > 2", "+    return self.depth > 1")


def test_yaml_against_yaml_needs_no_code(edited: Edited) -> None:
    edited.edit("pipeline.py", ("Raises.", "Raises to a power."))
    new = edited.compile("new.yaml")

    found = compare(edited, edited.old, new)

    assert causes(found, "train") == ["the docstring of helper() changed"]
    assert [(step.name, step.verdict, step.reuse) for step in found.steps] == [
        ("scaled", "same", "yes"),
        ("train", "changed", "no"),
        ("evaluate", "same", "no"),
    ]
    assert found.by_name["evaluate"].why == "train makes its input model again"


def test_the_base_image_and_its_settings_are_named(edited: Edited) -> None:
    base = put_base(edited.cache, layer("base"), layer("more"), LANG="C")
    edited.edit("pipeline.py", ('"fast"', '"slow"'))

    found = compare(edited, edited.old, edited.target, base_image=base)

    changed = f"the base image changed to {base.partition(':')[0]}:{base.partition(':')[2][:12]}"
    lang = "the variable LANG of the image: none → C"
    assert causes(found, "evaluate") == [changed, lang]
    assert causes(found, "train") == [changed, lang, "the variable MODE of the image: fast → slow"]
    assert found.by_name["evaluate"].changes[0].causes[0].details == ("1 of its 2 layers are as before",)


def test_values_that_are_long_are_named_by_the_place_that_differs(edited: Edited) -> None:
    names = 'NAMES = {"first": [1, {"x": 3}], "a name that is longer than a line of text": 2}'
    edited.edit("pipeline.py", ('NAMES = ["a", "b"]', names))
    old = edited.compile("long.yaml")
    edited.edit("pipeline.py", ('"x": 3', '"x": 4'))

    (change,) = compare(edited, old, edited.target).by_name["train"].changes

    assert [(cause.text, cause.details) for cause in change.causes] == [
        ("the global NAMES changed", ("first: [1, {'x': 3}] → [1, {'x': 4}]",))
    ]


def test_partials_scripts_and_closures_of_modules_are_read(edited: Edited) -> None:
    (edited.folder / "lab/factory.py").write_text(FACTORY)
    (edited.folder / "tool.py").write_text(SCRIPT)
    edited.edit(
        "pipeline.py",
        ("from lab.model", "from lab.factory import wrap\nfrom lab.model"),
        ("scaled = make(3)", PARTS),
        ("    scaled(x=2.5)", "    part(x=1)\n    inner(x=1)\n    tool()"),
    )
    old = edited.compile("parts.yaml")
    edited.edit("pipeline.py", ("by=2", "by=5"))
    edited.edit("lab/factory.py", ("return a", "return a + 1"))
    (edited.folder / "tool.py").write_text(SCRIPT.replace("default=1", "default=7"))

    found = compare(edited, old, edited.target)

    assert "the bound argument by: 2 → 5" in causes(found, "part")
    assert "wrap.<locals>.inner() changed, in lab/factory.py" in causes(found, "inner")
    assert causes(found, "tool")[:2] == ["rate.default: 1 → 7", "tool.py changed"]


def test_without_the_base_image_an_unchanged_tree_is_not_called_the_same(edited: Edited) -> None:
    (edited.folder / "Dockerfile").write_text("FROM python")
    found = compare(edited, edited.old, edited.target, base_image=f"dockerfile:{edited.folder / 'Dockerfile'}")

    assert {step.verdict for step in found.steps} == {"unknown"}
    assert not found.is_complete
    (line,) = found.missing
    assert line.startswith("the base image of ")


def test_another_repository_changes_the_key(edited: Edited) -> None:
    found = compare(edited, edited.old, edited.target, project="other")

    (change,) = found.by_name["train"].changes
    assert change.text == f"image moved: {PROJECT} → {REGISTRY}/other; its content is the same"
    assert change.in_cache_key


def test_two_working_trees_are_refused(edited: Edited) -> None:
    with pytest.raises(PipelineError, match="both pipelines of the working tree"):
        compare(edited, edited.target, edited.target)


@pytest.mark.parametrize("text", ["", "a: b", "- a", "{", "pipelineInfo: {name: a}\nroot: {dag: {tasks: {a: {}}}}"])
def test_other_yaml_is_refused(tmp_path: Path, cache: Cache, text: str) -> None:
    path = tmp_path / "some.yaml"
    path.write_text(text)

    with pytest.raises(PipelineError, match=r"some\.yaml is not a compiled pipeline"):
        fairing_kfp.diff(str(path), str(path), cache=cache)
