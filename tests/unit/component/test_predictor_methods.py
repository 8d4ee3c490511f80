"""Methods of predictors: their input types, and classes that are not predictors."""

from __future__ import annotations

import sys
import types
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from fairing_kfp import fairing_component
from fairing_kfp.errors import ComponentError


class Plain:
    def load(self, model_path: str) -> None:
        self.path = model_path

    def predict(self, instances):
        return [self.path, *instances]


def takes(predict: Any, **methods: Any) -> dict[str, str]:
    made = type("Made", (Plain,), {"predict": predict, **methods})
    return dict(fairing_component(made).takes)


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
def test_the_annotation_selects_the_input_type(annotation, kind):
    def predict(self, instances):
        return instances

    predict.__annotations__["instances"] = annotation
    assert takes(predict) == {"predict": kind}


def test_the_annotation_of_preprocess_applies_to_predict_and_explain():
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
        (NoLoad, "the class NoLoad is not a predictor: it has no method load"),
        (NoPredict, "has no method predict"),
        (Attribute, "has no method predict"),
        (AttributeCalled, "AttributeCalled.predict is not a method"),
        (Wants, "the server cannot instantiate Wants: missing a required argument: 'path' of __init__"),
        (Async, "Async.predict is an async function"),
        (Unknown, "Unknown.predict takes builtins.set, and a request cannot be converted to it"),
        (
            TwoArguments,
            "TwoArguments.predict cannot be called with self and instances: missing a required argument: 'two'",
        ),
        (NoArgument, "NoArgument.load cannot be called with self and model_path: too many positional arguments"),
        (Ready, "Ready.ready cannot be called with self: missing a required argument: 'wait'"),
    ],
)
def test_invalid_classes_are_rejected(plain, says):
    with pytest.raises(ComponentError) as caught:
        fairing_component(plain)

    assert says in caught.value.message
    assert caught.value.remedy


def test_a_kserve_model_keeps_its_own_server(monkeypatch):
    module = types.ModuleType("kserve")
    exec("class Model:\n    def __init__(self, name): self.name = name", vars(module))
    monkeypatch.setitem(sys.modules, "kserve", module)

    class Theirs(module.Model):  # type: ignore[name-defined]
        async def predict(self, payload, headers=None): ...

    assert dict(fairing_component(Theirs).takes) == {"kserve": "Model"}
