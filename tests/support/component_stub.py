"""The stub of `fairing_kfp.components`, generated from the declarations of the components."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from fairing_kfp.components.declaration import Input, ReusableComponent

_HEAD = '''\
"""The reusable components as type checkers see them; `make golden` writes this file from their declarations.

A parameter takes a value, or what kfp gives out in a pipeline. An artifact always comes from another task.
"""

from typing import Any

from kfp.dsl.pipeline_channel import PipelineChannel

from fairing_kfp.components.embedded import embed_source as embed_source
from fairing_kfp.preprocess.task import Task
'''


def stub_of(components: Iterable[ReusableComponent]) -> str:
    """The text of the stub."""
    return "\n".join([_HEAD, *map(_function, components)])


def _function(component: ReusableComponent) -> str:
    inputs = "".join(f"    {_parameter(one)},\n" for one in component.inputs)
    entries = [f"{one.name}: {one.description}" for one in component.inputs]
    outputs = ", ".join(f"`{one.name}`" for one in component.all_outputs)
    sections = [
        *textwrap.wrap(component.description, 100),
        *(["", "Args:", *(line for entry in entries for line in _entry(entry))] if entries else []),
        "",
        "Returns:",
        *_entry(f"A task with the outputs {outputs}."),
    ]
    body = "\n".join(f"    {line}".rstrip() for line in sections).lstrip()
    return f'def {component.identifier}(\n    *,\n{inputs}) -> Task:\n    """{body}\n    """\n'


def _entry(text: str) -> list[str]:
    return textwrap.wrap(text, 100, initial_indent="    ", subsequent_indent="        ")


def _parameter(one: Input) -> str:
    kind = "Any" if one.is_artifact else f"{one.kind}{'[Any]' * (one.kind == 'list')} | PipelineChannel"
    kind = kind.replace("dict |", "dict[str, Any] |")
    given = one.default
    default = f'"{given}"' if isinstance(given, str) else repr(given) if isinstance(given, (int, float)) else "..."
    return f"{one.name}: {kind}{'' if one.is_required else f' = {default}'}"
