"""The comments at the beginning of a compiled pipeline, as kfp writes them, but each on one line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

_TYPES = {
    "STRING": "str",
    "NUMBER_INTEGER": "int",
    "NUMBER_DOUBLE": "float",
    "BOOLEAN": "bool",
    "LIST": "list",
    "STRUCT": "dict",
    "TASK_FINAL_STATUS": "PipelineTaskFinalStatus",
    "TASK_CONFIG": "TaskConfig",
}
_INDENT = "             "


def yaml_header(document: Mapping[str, Any], description: str | None) -> str:
    """The name, description, inputs and outputs of a pipeline as comments.

    Args:
        document: the pipeline (PipelineSpec).
        description: its description.
    """
    lines = ["PIPELINE DEFINITION", f"Name: {document['pipelineInfo']['name']}"]
    if description:
        first, *others = description.splitlines() or [""]
        lines += [f"Description: {first}", *(f"{_INDENT}{line}" for line in others)]
    for key, heading in (("inputDefinitions", "Inputs:"), ("outputDefinitions", "Outputs:")):
        if key in document["root"]:
            lines += [heading, *(f"   {name}: {kind}" for name, kind in sorted(_definitions(document["root"][key])))]
    return "".join(f"# {_on_one_line(line)}\n" for line in lines)


def _definitions(definitions: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, parameter in definitions.get("parameters", {}).items():
        kind = _TYPES.get(parameter["parameterType"], parameter["parameterType"])
        default = parameter.get("defaultValue")
        shown = f"'{default}'" if isinstance(default, str) else str(default)
        yield name, f"{kind} [Default: {shown}]" if "defaultValue" in parameter else kind
    for name, artifact in definitions.get("artifacts", {}).items():
        yield name, artifact["artifactType"].get("schemaTitle", "")


def _on_one_line(text: str) -> str:
    """Text with escaped line separators and control characters, which would end a comment of YAML."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
