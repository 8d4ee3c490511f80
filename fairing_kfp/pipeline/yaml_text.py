"""Documents as YAML: the bytes that `yaml.dump` of PyYAML writes, by libyaml where both write the same.

libyaml is ten times as fast. It folds long texts in double quotes at other places, so PyYAML writes what needs them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

_FAST = getattr(yaml, "CDumper", yaml.Dumper)
_KEY = "x"
_LONGEST_KEY = 100


def yaml_text(document: dict[str, Any]) -> str:
    """A document of dictionaries with texts as keys, lists, texts, numbers, booleans and None.

    No dictionary and no list occurs in it twice. Keys are sorted.
    """
    return "".join(_blocks(document, 0)) if document else _dump(document, _FAST, 0)


def _blocks(mapping: dict[str, Any], depth: int) -> Iterator[str]:
    """The lines of a mapping that is not empty, in as few blocks as possible.

    Args:
        mapping: the mapping.
        depth: in how many others it is.
    """
    simple: dict[str, Any] = {}
    for key, value in sorted(mapping.items()):
        if _is_simple_key(key) and _is_simple(value):
            simple[key] = value
            continue
        if simple:
            yield _dump(simple, _FAST, depth)
            simple = {}
        if isinstance(value, dict) and value and _is_simple_key(key):
            yield _dump({key: None}, _FAST, depth).replace(": null\n", ":\n")
            yield from _blocks(value, depth + 1)
        else:
            yield _dump({key: value}, yaml.Dumper, depth)
    if simple:
        yield _dump(simple, _FAST, depth)


def _dump(value: Any, dumper: Any, depth: int) -> str:
    """The lines of a value that is in other mappings, without theirs."""
    for _ in range(depth):
        value = {_KEY: value}
    text: str = yaml.dump(value, Dumper=dumper, sort_keys=True)
    for _ in range(depth):
        text = text.partition("\n")[2]
    return text


def _is_simple(value: Any) -> bool:
    """Whether libyaml writes it as PyYAML does."""
    if isinstance(value, str):
        return value.isascii() and value.isprintable()
    if isinstance(value, dict):
        return all(_is_simple_key(key) and _is_simple(inner) for key, inner in value.items())
    return not isinstance(value, list) or all(map(_is_simple, value))


def _is_simple_key(key: str) -> bool:
    return 0 < len(key) <= _LONGEST_KEY and _is_simple(key)
