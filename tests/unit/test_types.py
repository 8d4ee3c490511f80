"""Types and options as stubs, notebooks and `help` show them."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import pydoc
import re
import typing

import jedi
import pytest
from kfp import dsl
from kfp.dsl import PipelineTask

import fairing_kfp
from fairing_kfp import BuilderSettingOptions, ImageOptions, JobOptions, SettingOptions, Settings
from tests.support.paths import TOP

PACKAGE = TOP / "fairing_kfp"


def test_settings_are_options_of_calls() -> None:
    assert {*SettingOptions.__annotations__, "builder"} == {
        *(one.name for one in dataclasses.fields(Settings)),
        "start",
    }
    assert {*BuilderSettingOptions.__annotations__} == {*SettingOptions.__annotations__, "builder"}
    for name, kind in typing.get_type_hints(SettingOptions).items():
        assert type(None) in typing.get_args(kind), f"{name}: None leaves a setting"


def test_a_task_has_the_methods_of_kfp() -> None:
    stub = ast.parse((PACKAGE / "preprocess" / "task.pyi").read_text("utf-8")).body[-1]
    assert isinstance(stub, ast.ClassDef)
    declared = {one.name: one for one in stub.body if isinstance(one, ast.FunctionDef)}
    chained = {
        name: value
        for name, value in vars(PipelineTask).items()
        if inspect.isfunction(value) and inspect.signature(value).return_annotation == "PipelineTask" and name[0] != "_"
    }

    assert set(declared) == {*chained, "output", "outputs"}
    for name, method in chained.items():
        arguments = declared[name].args
        names = [one.arg for one in (*arguments.args, *filter(None, [arguments.vararg]))]
        assert names == list(inspect.signature(method).parameters), name


@fairing_kfp.fairing_component
def train(depth: int, rate: float = 0.1, model: dsl.Output[dsl.Model] = fairing_kfp.OUTPUT) -> float:
    """Trains."""
    return rate


NAMESPACE = {"train": train, "trained": fairing_kfp.job(train), "fairing_kfp": fairing_kfp}


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("train(", {"depth=", "rate="}),
        ("trained(ra", {"rate="}),
        ("fairing_kfp.fairing_component(pack", {"packages="}),
        ("fairing_kfp.fairing_component.from_script('a.py', lib", {"libc="}),
        ("fairing_kfp.job(train, node", {"nodes="}),
        ("fairing_kfp.run(None, regis", {"registry="}),
    ],
)
def test_notebooks_complete_parameters_and_options(code: str, names: set[str]) -> None:
    completed = {one.name for one in jedi.Interpreter(code, [NAMESPACE]).complete()}

    assert {name for name in completed if name.endswith("=")} == names


def test_help_lists_options_with_their_descriptions() -> None:
    component, run, job = (
        pydoc.plain(pydoc.render_doc(one)) for one in (fairing_kfp.fairing_component, fairing_kfp.run, fairing_kfp.job)
    )
    for name in ImageOptions.__annotations__:
        assert f"{name}: " in component
    assert "packages: packages to install as layers of wheels" in component
    assert "registry: where images are pushed" in run
    assert "start: the folder in which the search for pyproject.toml starts" in run
    for name in JobOptions.__annotations__:
        assert re.search(rf"^        {name}: ", job, re.MULTILINE), name
    assert re.search(r"retries: how many .*\n.*Returns:", job.replace("\n            ", " "), re.DOTALL)


def test_a_component_shows_its_inputs_and_its_docstring() -> None:
    @fairing_kfp.fairing_component
    def at_exit(text: str, status: dsl.PipelineTaskFinalStatus):
        print(text, status)

    assert str(inspect.signature(train)) == str(inspect.signature(fairing_kfp.job(train)))
    assert str(inspect.signature(train)) == "(*, depth: int, rate: float = 0.1)"
    assert str(inspect.signature(at_exit)) == "(*, text: str)"
    assert fairing_kfp.job(train).__doc__ == "Trains."
    assert "Trains." in pydoc.plain(pydoc.render_doc(train))


def test_the_default_of_an_output_changes_nothing() -> None:
    @fairing_kfp.fairing_component(name="train")
    def without(depth: int, model: dsl.Output[dsl.Model], rate: float = 0.1) -> float:
        """Trains."""
        return rate

    assert train.component_spec.inputs == without.component_spec.inputs
    assert train.component_spec.outputs == without.component_spec.outputs
