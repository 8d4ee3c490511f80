"""Suffixes of output artifacts."""

from __future__ import annotations

from typing import Any

from fairing_kfp.local.suffixes import suffix


def outputs(*parameters: str, **titles: str) -> dict[str, Any]:
    return {
        "parameters": {name: {} for name in parameters},
        "artifacts": {name: {"artifactType": {"schemaTitle": f"system.{title}"}} for name, title in titles.items()},
    }


def test_by_type() -> None:
    given = outputs(page="HTML", text="Markdown", model="Model", notebook="Artifact")

    assert [suffix(name, given) for name in given["artifacts"]] == [".html", ".md", "", ""]


def test_of_a_notebook() -> None:
    given = outputs("status", notebook="Artifact", report="HTML")

    assert [suffix(name, given) for name in given["artifacts"]] == [".ipynb", ".html"]
