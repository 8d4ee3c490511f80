"""Pipelines in a notebook: parameters and graph.

Pipelines are objects of kfp, so their display is registered with IPython by the name of their class.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fairing_kfp.display.html import Html

_CLASS = ("kfp.dsl.graph_component", "GraphComponent")


def register_pipelines() -> None:
    """Has a running IPython display pipelines of kfp; does nothing elsewhere."""
    find = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = find() if find else None
    formatters = getattr(getattr(shell, "display_formatter", None), "formatters", {})
    for mime_type, display in (("text/html", pipeline_html), ("text/plain", _print_pipeline)):
        if mime_type in formatters:
            formatters[mime_type].for_type_by_name(*_CLASS, display)


def pipeline_html(pipeline: Any) -> str:
    """A pipeline in a notebook.

    Args:
        pipeline: the result of `@dsl.pipeline`.
    """
    from fairing_kfp.display.html import element, fragment, title

    document = _document(pipeline)
    return fragment(
        title(pipeline.name, "pipeline"),
        element("div", pipeline.description or ""),
        *document_parts(document),
    )


def document_parts(document: Mapping[str, Any]) -> tuple[Html, Html]:
    """The parameters and the graph of a compiled pipeline (PipelineSpec)."""
    from fairing_kfp.display.graph_svg import graph_svg
    from fairing_kfp.display.html import element, table
    from fairing_kfp.pipeline.graph import graph_of
    from fairing_kfp.preprocess.kfp_errors import shown_type

    parameters = document["root"].get("inputDefinitions", {}).get("parameters", {})
    rows = [
        (
            element("b", name),
            element("code", shown_type(one.get("parameterType", ""))),
            element("code", _default(one)),
            one.get("description", ""),
        )
        for name, one in sorted(parameters.items())
    ]
    return table(["parameter", "type", "default", "description"], rows), graph_svg(graph_of(document))


def _print_pipeline(pipeline: Any, printer: Any, _: bool) -> None:
    """A pipeline in one line, for IPython's pretty printer."""
    inputs = ", ".join(pipeline.component_spec.inputs or {})
    printer.text(f"<Pipeline {pipeline.name}({inputs})>")


def _default(one: Mapping[str, Any]) -> str:
    from fairing_kfp.display.html import shortened

    value = one.get("defaultValue", "")
    if one.get("parameterType") == "NUMBER_INTEGER" and isinstance(value, float) and value.is_integer():
        value = int(value)
    return shortened(str(value) if value == "" else repr(value), 60)


def _document(pipeline: Any) -> Any:
    from google.protobuf import json_format

    return json_format.MessageToDict(pipeline.pipeline_spec)
