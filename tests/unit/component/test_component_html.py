"""What a terminal and a notebook display of components and predictors."""

from __future__ import annotations

from typing import Any

from kfp import dsl

from fairing_kfp import fairing_component


@fairing_component(packages=["scikit-learn==1.7.*"], base_image="python:3.12-slim", env={"TOKEN_NAME": "value of it"})
def train(depth: int, model: dsl.Output[dsl.Model], note: str = "<i>\n") -> float:
    """Trains <b>a</b> model.

    Args:
        depth: how deep the trees are.
    """
    return depth / 10


@fairing_component(packages=["numpy"])
class Digits:
    def load(self, model_path: str) -> None: ...

    def predict(self, instances: list) -> Any: ...  # type: ignore[type-arg]


def test_a_component_is_one_line() -> None:
    assert repr(train) == "<Component train(depth: int, note: str = '<i>\\n') -> model: dsl.Model, Output: float>"


def test_a_component_in_a_notebook() -> None:
    html = train._repr_html_()  # type: ignore[attr-defined]

    for text in ("<b>train</b>", "how deep the trees are.", "dsl.Model", "python:3.12-slim", "scikit-learn==1.7.*"):
        assert text in html
    assert "Trains &lt;b&gt;a&lt;/b&gt; model." in html
    assert "&#x27;&lt;i&gt;\\n&#x27;" in html
    assert "TOKEN_NAME" in html
    assert "value of it" not in html


def test_a_predictor() -> None:
    assert repr(Digits) == f"Predictor('digits', {__name__}.Digits)"
    html = Digits._repr_html_()

    assert "<b>digits</b>" in html
    assert "<td>predict</td><td><code>list</code></td>" in html
    assert "<code>numpy</code>" in html
