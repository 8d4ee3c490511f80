"""Predictors: made from classes and functions, packed, and loaded from files."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import textwrap
import types

import numpy as np
import pytest

from fairing_kfp import Predictor, fairing_component
from fairing_kfp.component.load import load_predictor
from fairing_kfp.errors import ComponentError, PackError, PipelineError, SecretError
from fairing_kfp.preprocess.source import placeholders


class Plain:
    """Digits."""

    labels = ("a", "b")

    def load(self, model_path: str) -> None:
        self.path = model_path

    def predict(self, instances):
        return [self.path, *instances]


def test_a_class_becomes_a_predictor_that_behaves_like_the_class():
    predictor = fairing_component(packages=["numpy"], name="My Digits")(Plain)

    assert isinstance(predictor, Predictor)
    assert (predictor.name, predictor.plain, predictor.labels) == ("my-digits", Plain, ("a", "b"))
    made = predictor()
    made.load("m")
    assert made.predict([1]) == ["m", 1]
    assert copy.copy(predictor).plain is Plain
    assert issubclass(types.new_class("Better", (predictor,)), Plain)
    with pytest.raises(AttributeError, match="nothing"):
        predictor.nothing  # noqa: B018


def test_it_is_found_by_its_placeholder():
    predictor = fairing_component(Plain)

    assert placeholders(f"image: {predictor.placeholder}\n") == {predictor.placeholder: predictor.source}


def test_decorating_it_imports_nothing_heavy(tmp_path):
    (tmp_path / "flow.py").write_text(
        textwrap.dedent(
            """
            from fairing_kfp import fairing_component

            @fairing_component
            class Digits:
                def load(self, model_path): ...
                def predict(self, instances): ...
            """
        )
    )
    heavy = ["kfp", "kubernetes", "rich", "starlette", "uvicorn", "urllib3", "cloudpickle", "numpy"]
    code = f"import sys, flow; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)

    assert done.stdout == "[]\n"


def test_serve_makes_a_predictor_from_a_function():
    @fairing_component(serve=True)
    def double(instances: np.ndarray):
        return instances * 2

    assert (double.name, dict(double.takes)) == ("double", {"predict": "ndarray"})
    assert double(np.array([1])).tolist() == [2]


def test_invalid_options_of_a_predictor_are_rejected():
    for options, says in [
        ({"embedded_artifact_path": "x"}, "is a predictor, not a step"),
        ({"files": {"a": "b"}}, "a predictor has no working folder"),
        ({"modules": "text"}, "modules='text' is not a list of strings or modules"),
        ({"unknown": 1}, "unknown option 'unknown'"),
    ]:
        with pytest.raises(ComponentError, match=says):
            fairing_component(**options)(Plain)
    with pytest.raises(ComponentError, match="neither a class nor a function"):
        fairing_component(serve=True, name="x")(3)
    with pytest.raises(SecretError):
        fairing_component(env={"TOKEN": "ghp_" + "a1B2" * 9})(Plain).source.bundle()


def test_the_bundle_has_the_input_types_for_the_server(author):
    module = author(
        flow="""
            import fairing_kfp
            from fairing_kfp import fairing_component
            from shelf_lab import half

            @fairing_component
            class Digits:
                \"\"\"Refers to itself, and to a component.\"\"\"
                limit = 3
                def load(self, model_path): self.made = Digits
                def predict(self, instances: list): return half(Digits.limit), step
                def explain(self, instances): return super().__repr__()

            @fairing_component
            def step(a: int) -> str:
                return Digits().predict([1])
        """,
        shelf_lab="def half(x):\n    return x / 2\n",
    )
    bundle = module.Digits.source.bundle()
    files = {file.path.removeprefix("opt/fairing/code/"): file.data for file in bundle.files}

    assert bundle.serves
    assert json.loads(files["step.json"])["serve"] == {"predict": "list", "explain": "any"}
    assert "modules/shelf_lab.py" in files
    assert not bundle.captures
    assert module.Digits.source.bundle() == bundle
    (used,) = placeholders(str(module.step.component_spec.implementation)).values()
    assert not used.bundle().serves


def test_credentials_are_rejected(author):
    module = author(
        secretive="""
            from fairing_kfp import fairing_component

            @fairing_component
            class Digits:
                token = "ghp_" + "a" * 36
                def load(self, model_path): ...
                def predict(self, instances): return self.token
        """
    )
    with pytest.raises(PackError, match="contains"):
        module.Digits.source.bundle()


ONE = """
    from fairing_kfp import fairing_component

    @fairing_component
    class One:
        def load(self, model_path): ...
        def predict(self, instances): ...
    """


def test_a_predictor_is_loaded_from_its_file(tmp_path):
    path = tmp_path / "one_predictor.py"
    path.write_text(textwrap.dedent(ONE))
    assert load_predictor(str(path)).name == "one"
    assert load_predictor(f"{path}:One").name == "one"
    with pytest.raises(PipelineError, match="has no predictor 'Other'") as caught:
        load_predictor(f"{path}:Other")
    assert caught.value.remedy == "choose one: One"
    path.write_text(textwrap.dedent(ONE) + "\nTwo = fairing_component(One.plain)\n")
    with pytest.raises(PipelineError, match="has 2 predictors: One, Two"):
        load_predictor(str(path))
    path.write_text("import fairing_kfp")
    with pytest.raises(PipelineError, match="has no predictor") as caught:
        load_predictor(str(path))
    assert caught.value.remedy == "decorate a class with @fairing_component"
