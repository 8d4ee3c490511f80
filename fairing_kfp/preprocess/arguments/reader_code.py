"""Code that reads a command line: `--name value`; lists, dicts and bools as JSON."""

from __future__ import annotations

from collections.abc import Sequence

from fairing_kfp.frozen import dataclass

READERS = {
    int: "int",
    float: "float",
    bool: "_json.loads",
    list: "_json.loads",
    dict: "_json.loads",
    str: "str",
}
"""The functions that read values, by type."""

PATH = "_pathlib.Path"
"""The function that reads a path."""


@dataclass(frozen=True)
class Option:
    """An option of the command line.

    Attributes:
        name: its name, an identifier.
        reader: the function that reads its value: one of `READERS`, or `PATH`.
        required: whether it must be given.
        help: its description.
    """

    name: str
    reader: str
    required: bool = False
    help: str = ""


def reader_code(options: Sequence[Option], then: str = "") -> str:
    """Code that reads the options that are given into the dict `_given`; empty without options.

    Args:
        options: the options.
        then: code that follows.
    """
    if not options:
        return ""
    used = {option.reader for option in options}
    lines = ["import argparse as _argparse"]
    lines += [f"import {name} as _{name}" for name in ("json", "pathlib") if any(f"_{name}." in one for one in used)]
    lines += ["", "_parser = _argparse.ArgumentParser(argument_default=_argparse.SUPPRESS, allow_abbrev=False)"]
    for option in options:
        words = [f'"--{option.name}"', f"type={option.reader}"]
        words += ["required=True"] if option.required else []
        words += [f"help={option.help.replace('%', '%%')!r}"] if option.help else []
        lines.append(f"_parser.add_argument({', '.join(words)})")
    return "\n".join([*lines, "_given = vars(_parser.parse_args())", *([then] if then else []), ""])
