"""The kinds of inputs and outputs of components, and their names in Python, in KFP and in the format before KFP 2."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

ParameterKind = Literal["str", "int", "float", "bool", "list", "dict"]
"""A value, which KFP passes as JSON."""

ArtifactKind = Literal["artifact", "dataset", "model", "metrics", "html"]
"""A file or folder, or a set of scalars."""

Kind: TypeAlias = ParameterKind | ArtifactKind


@dataclass(frozen=True)
class Parameter:
    """A kind of parameters.

    Attributes:
        type: its type in Python.
        classic: its name in the format before KFP 2.
        shown: its name on KFP's page.
    """

    type: type
    classic: str
    shown: str


PARAMETERS: Mapping[str, Parameter] = {
    "str": Parameter(str, "String", "String"),
    "int": Parameter(int, "Integer", "Integer"),
    "float": Parameter(float, "Float", "Double"),
    "bool": Parameter(bool, "Boolean", "Boolean"),
    "list": Parameter(list, "JsonArray", "List"),
    "dict": Parameter(dict, "JsonObject", "Struct"),
}

ARTIFACTS: Mapping[str, str] = {
    "artifact": "Artifact",
    "dataset": "Dataset",
    "model": "Model",
    "metrics": "Metrics",
    "html": "HTML",
}
"""Names of the classes in `kfp.dsl`, by kind."""
