"""What `@fairing_component` makes of classes, and of functions that are served."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import textwrap
import types
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from fairing_kfp import Predictor, fairing_component
from fairing_kfp.errors import ComponentError, PackError, PipelineError, SecretError
from fairing_kfp.loading import load_predictor
from fairing_kfp.source import placeholders


class Plain:
    """Digits."""

    labels = ("a", "b")

    def load(self, model_path: str) -> None:
        self.path = model_path

    def predict(self, instances):
        return [self.path, *instances]


def takes(predict: Any, **methods: Any) -> dict[str, str]:
    made = type("Made", (Plain,), {"predict": predict, **methods})
    return dict(fairing_component(made).takes)


def test_a_class_becomes_a_predictor_that_still_is_the_class():
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


def test_a_function_becomes_one_where_it_is_said():
    @fairing_component(serve=True)
    def double(instances: np.ndarray):
        return instances * 2

    assert (double.name, dict(double.takes)) == ("double", {"predict": "ndarray"})
    assert double(np.array([1])).tolist() == [2]


@pytest.mark.parametrize(
    ("annotation", "kind"),
    [
        (list, "list"),
        (list[float], "list"),
        (list[bytes], "list[bytes]"),
        (dict, "dict"),
        (dict[str, Any], "dict"),
        (bytes, "bytes"),
        (np.ndarray, "ndarray"),
        (npt.NDArray[np.float32], "ndarray"),
        (pd.DataFrame, "dataframe"),
        (Any, "any"),
        (object, "any"),
        ("np.ndarray", "ndarray"),
        ("numpy_that_is_not_here.ndarray", "ndarray"),
        ("pandas.DataFrame", "dataframe"),
        ("list[bytes]", "list[bytes]"),
    ],
)
def test_the_annotation_is_what_it_takes(annotation, kind):
    def predict(self, instances):
        return instances

    predict.__annotations__["instances"] = annotation
    assert takes(predict) == {"predict": kind}


def test_preprocess_takes_for_predict_and_explain():
    def preprocess(self, rows: pd.DataFrame): ...
    def explain(self, instances: list): ...
    def predict(self, instances: np.ndarray): ...

    assert takes(predict, explain=explain) == {"predict": "ndarray", "explain": "list"}
    assert takes(predict, explain=explain, preprocess=preprocess) == {"predict": "dataframe", "explain": "dataframe"}


def test_methods_may_be_static_and_have_further_defaults():
    assert takes(staticmethod(lambda instances: 1)) == {"predict": "any"}
    assert takes(classmethod(lambda cls, instances: 1)) == {"predict": "any"}
    assert takes(lambda self, instances, threshold=0.5: 1) == {"predict": "any"}
    assert takes(lambda self, *instances: 1) == {"predict": "any"}


class NoLoad:
    def predict(self, instances): ...


class NoPredict:
    def load(self, model_path): ...


class Wants(Plain):
    def __init__(self, path): ...


class Async(Plain):
    async def predict(self, instances): ...


class Unknown(Plain):
    def predict(self, instances: set): ...


class TwoArguments(Plain):
    def predict(self, one, two): ...


class NoArgument(Plain):
    def load(self): ...


class Attribute(Plain):
    predict = 3


class AttributeCalled(Plain):
    predict = print


class Ready(Plain):
    def ready(self, wait): ...


@pytest.mark.parametrize(
    ("plain", "says"),
    [
        (NoLoad, "the class NoLoad has no method load, so that it is no predictor"),
        (NoPredict, "has no method predict"),
        (Attribute, "has no method predict"),
        (AttributeCalled, "AttributeCalled.predict is not a method"),
        (Wants, "the server cannot make a Wants: missing a required argument: 'path' of __init__"),
        (Async, "Async.predict is a coroutine or generator function"),
        (Unknown, "Unknown.predict takes builtins.set, of which no request can be made"),
        (
            TwoArguments,
            "TwoArguments.predict cannot be called with self and instances: missing a required argument: 'two'",
        ),
        (NoArgument, "NoArgument.load cannot be called with self and model_path: too many positional arguments"),
        (Ready, "Ready.ready cannot be called with self: missing a required argument: 'wait'"),
    ],
)
def test_what_is_no_predictor(plain, says):
    with pytest.raises(ComponentError) as caught:
        fairing_component(plain)

    assert says in caught.value.message
    assert caught.value.remedy


def test_what_does_not_go_with_a_predictor():
    for options, says in [
        ({"embedded_artifact_path": "x"}, "is a predictor, which is no step"),
        ({"files": {"a": "b"}}, "a predictor has no working folder"),
        ({"modules": "text"}, "is a string"),
        ({"unknown": 1}, "there is no option 'unknown'"),
    ]:
        with pytest.raises(ComponentError, match=says):
            fairing_component(**options)(Plain)
    with pytest.raises(ComponentError, match="neither a class nor a function"):
        fairing_component(serve=True, name="x")(3)
    with pytest.raises(SecretError):
        fairing_component(env={"TOKEN": "ghp_" + "a1B2" * 9})(Plain)


def test_a_class_of_kserves_is_its_own_servers(monkeypatch):
    module = types.ModuleType("kserve")
    exec("class Model:\n    def __init__(self, name): self.name = name", vars(module))
    monkeypatch.setitem(sys.modules, "kserve", module)

    class Theirs(module.Model):  # type: ignore[name-defined]
        async def predict(self, payload, headers=None): ...

    assert dict(fairing_component(Theirs).takes) == {"kserve": "Model"}


def test_the_bundle_says_what_the_server_is_to_know(author):
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


def test_what_looks_like_a_credential_is_refused(author):
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
    with pytest.raises(PackError, match="holds"):
        module.Digits.source.bundle()


ONE = """
    from fairing_kfp import fairing_component

    @fairing_component
    class One:
        def load(self, model_path): ...
        def predict(self, instances): ...
    """


def test_a_file_names_its_predictor(tmp_path):
    path = tmp_path / "one_predictor.py"
    path.write_text(textwrap.dedent(ONE))
    assert load_predictor(str(path)).name == "one"
    assert load_predictor(f"{path}:One").name == "one"
    with pytest.raises(PipelineError, match="has no predictor 'Other'") as caught:
        load_predictor(f"{path}:Other")
    assert caught.value.remedy == "name one: One"
    path.write_text(textwrap.dedent(ONE) + "\nTwo = fairing_component(One.plain)\n")
    with pytest.raises(PipelineError, match="has 2 predictors: One, Two"):
        load_predictor(str(path))
    path.write_text("import fairing_kfp")
    with pytest.raises(PipelineError, match="has no predictor") as caught:
        load_predictor(str(path))
    assert caught.value.remedy == "decorate a class with @fairing_component"
