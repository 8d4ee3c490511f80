"""Pipelines in a notebook: parameters and graph."""

import sys
from types import SimpleNamespace

import pytest
from google.protobuf import json_format
from kfp import dsl

from fairing_kfp import fairing_component
from fairing_kfp.display.graph import Node
from fairing_kfp.pipeline.graph import graph_of
from fairing_kfp.pipeline.pipeline_html import pipeline_html, register_pipelines


@fairing_component
def train(depth: int) -> float:
    return depth / 10


@fairing_component
def warn(value: float) -> None: ...


@dsl.pipeline(description="Trains <b>digits</b>.")
def digits(depth: int = 8, values: list = [1.0]):  # type: ignore[no-untyped-def, type-arg]  # noqa: B006
    data = dsl.importer(artifact_uri="gs://data", artifact_class=dsl.Dataset)
    trained = train(depth=depth).after(data)
    with dsl.If(trained.output < 0.5):
        warn(value=trained.output)
    with dsl.ParallelFor(values) as value:
        warn(value=value).after(trained)
    with dsl.ParallelFor([0.5]) as half:
        warn(value=half)


def test_the_graph_of_a_pipeline() -> None:
    assert graph_of(json_format.MessageToDict(digits.pipeline_spec)) == (
        Node("condition-1", ("train",), "if", "train-Output < 0.5", (Node("warn"),)),
        Node("for-loop-2", ("train",), "for", "each of values", (Node("warn-2"),)),
        Node("for-loop-4", (), "for", "each of [0.5]", (Node("warn-3"),)),
        Node("importer", (), "import"),
        Node("train", ("importer",)),
    )


def test_a_pipeline_in_a_notebook() -> None:
    html = pipeline_html(digits)

    assert "Trains &lt;b&gt;digits&lt;/b&gt;." in html
    assert "<td><b>depth</b></td><td><code>int</code></td><td><code>8</code></td>" in html
    assert "<code>[1.0]</code>" in html
    assert "train-Output &lt; 0.5" in html


def test_ipython_displays_pipelines_of_kfp(monkeypatch: pytest.MonkeyPatch) -> None:
    from IPython.core.formatters import DisplayFormatter

    formatter = DisplayFormatter()
    shell = SimpleNamespace(display_formatter=formatter)
    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: shell))
    register_pipelines()
    data, _ = formatter.format(digits)

    assert data["text/plain"] == "<Pipeline digits(depth, values)>"
    assert data["text/html"] == pipeline_html(digits)
