"""File name suffixes of output artifacts in a local run, by which browsers and editors open them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairing_kfp.runtime.notebook import ARTIFACTS, STATUS

_SUFFIXES = {"system.HTML": ".html", "system.Markdown": ".md"}


def suffix(name: str, outputs: Mapping[str, Any]) -> str:
    """The suffix of an artifact's file; empty if its content is unknown.

    Args:
        name: its name.
        outputs: the outputs of its component (ComponentOutputsSpec).
    """
    artifacts = outputs.get("artifacts", {})
    of_notebook = {*ARTIFACTS} <= artifacts.keys() and STATUS in outputs.get("parameters", {})
    if of_notebook and name == ARTIFACTS[0]:
        return ".ipynb"
    return _SUFFIXES.get(artifacts[name]["artifactType"].get("schemaTitle", ""), "")
