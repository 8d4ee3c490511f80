"""Where two values of pickles differ."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

from fairing_kfp.comparison.pickled import Made, Pairs
from fairing_kfp.comparison.values import Digests, mapping, name_of, shown

_MOST = 5  # differences that are named
_DEEPEST = 50
_UNNAMED = frozenset({"function", "line", "levels"})
"""Fields of our own classes on the way to what an author knows."""


def value_changes(old: Any, new: Any) -> tuple[str, ...]:
    """The places at which two values differ, such as `rate.default: 0.01 → 0.1`; the first few."""
    found = []
    digests = Digests(), Digests()
    for path, before, after in _differences(old, new, (), digests):
        texts = shown(before), shown(after)
        values = f": {texts[0]} → {texts[1]}" if all(texts) and texts[0] != texts[1] else " changed"
        found.append(f"{'.'.join(part for part in path if part and part not in _UNNAMED)}{values}".removeprefix(": "))
        if len(found) == _MOST:
            break
    return tuple(dict.fromkeys(found))


def _differences(
    old: Any, new: Any, path: tuple[str, ...], digests: tuple[Digests, Digests]
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    if digests[0].of(old) == digests[1].of(new):
        return
    inner = list(_inner(old, new)) if len(path) < _DEEPEST else []
    if not inner or (shown(old) and shown(new)):
        yield path, old, new
        return
    for name, before, after in inner:
        yield from _differences(before, after, (*path, name), digests)


def _inner(old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """The parts of two values of the same form, each with its name; none if the forms differ."""
    if type(old) is not type(new) or name_of(old) != name_of(new):
        return
    if isinstance(old, Made):
        if old.function == new.function:
            yield "", old.arguments, new.arguments
            yield "", old.state, new.state
            yield "", tuple(old.members), tuple(new.members)
    elif isinstance(old, Pairs):
        before, after = mapping(old), mapping(new)
        for key in [*before, *(key for key in after if key not in before)]:
            yield key, before.get(key), after.get(key)
    elif isinstance(old, tuple) and len(old) == len(new) == 2 and isinstance(old[0], str) and old[0] == new[0]:
        yield old[0], old[1], new[1]
    elif isinstance(old, (tuple, list)):
        for number, (before, after) in enumerate(zip_longest(old, new)):
            named = isinstance(before, tuple) and isinstance(after, tuple) and before[:1] == after[:1]
            yield "" if named or isinstance(before, Made) else f"{number}", before, after
