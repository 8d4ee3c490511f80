"""Parameters on the command line, and in files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest

from fairing_kfp.cli.parameters import given_parameters

YAML = """
depth: 6
rate: 1e-3
name: "2024"
day: 2024-05-01
sizes: [1, 2.5]
model: {lr: 0.1, when: 2024-05-01T10:00:00}
nothing:
fast: true
"""
JSON = '{"depth": 6, "sizes": [1, 2.5], "model": {"lr": 0.1}, "fast": true, "nothing": null}'
TOML = "depth = 6\nsizes = [1, 2.5]\nfast = true\nday = 2024-05-01\n[model]\nlr = 0.1\n"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("p.json", JSON, {"depth": 6, "sizes": [1, 2.5], "model": {"lr": 0.1}, "fast": True, "nothing": None}),
        ("p.toml", TOML, {"depth": 6, "sizes": [1, 2.5], "fast": True, "day": "2024-05-01", "model": {"lr": 0.1}}),
        (
            "p.YML",
            YAML,
            {
                "depth": 6,
                "rate": "1e-3",  # parsed as the parameter's type, as in -p rate=1e-3
                "name": "2024",
                "day": "2024-05-01",
                "sizes": [1, 2.5],
                "model": {"lr": 0.1, "when": "2024-05-01T10:00:00"},
                "nothing": None,
                "fast": True,
            },
        ),
        ("empty.yaml", "# nothing\n", {}),
    ],
)
def test_files_of_parameters(tmp_path: Path, name: str, text: str, expected: dict[str, Any]) -> None:
    (tmp_path / name).write_text(text)

    assert given_parameters([f"@{tmp_path / name}"]) == expected


def test_later_parameters_replace_earlier_ones(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("depth: 6\nwidth: 2\n")

    assert given_parameters(["depth=1", f"@{tmp_path}/p.yaml", "width=3=4"]) == {"depth": 6, "width": "3=4"}


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("p.yaml", "- 1\n", "does not map names of parameters to values"),
        ("p.yaml", "1: 2\n", "does not map names"),
        ("p.yaml", "a: [1\n", r"cannot read .*p.yaml: .*line 2"),
        ("p.json", "{", "cannot read .*p.json: Expecting"),
        ("p.toml", "a", "cannot read .*p.toml"),
        ("p.txt", "a=1", "is not a file of parameters: use .yaml, .yml, .json, .toml"),
        ("missing.yaml", None, "cannot read .*missing.yaml: No such file"),
        ("latin.yaml", b"a: \xfc", "cannot read .*latin.yaml"),
    ],
)
def test_what_is_no_file_of_parameters(tmp_path: Path, name: str, text: str | bytes | None, expected: str) -> None:
    if text is not None:
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(click.BadParameter, match=expected):
        given_parameters([f"@{tmp_path / name}"])
