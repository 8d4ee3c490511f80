"""What changed in the pickles of two steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from fairing_kfp.comparison.change import Cause
from fairing_kfp.comparison.definitions import COMMENTS, changed_definitions, changed_lines
from fairing_kfp.comparison.packed_code import MODULES, Part, parts_of
from fairing_kfp.comparison.pickled import UnreadablePickleError, read_pickle
from fairing_kfp.comparison.value_changes import value_changes

_UNTOLD = "the packed function changed in another way, such as the order of its values"


def function_causes(
    old: bytes, new: bytes, old_sources: Mapping[str, str], new_sources: Mapping[str, str]
) -> list[Cause]:
    """What changed between two pickles of a step. Neither is loaded.

    Args:
        old: the old `function.pickle`.
        new: the new one.
        old_sources: the old source texts of its functions and classes, by file below the step's code folder.
        new_sources: the new ones.
    """
    try:
        payloads = read_pickle(old), read_pickle(new)
        before, after = (parts_of(payload) for payload in payloads)
    except UnreadablePickleError as error:
        return [Cause("unknown", f"the packed function changed; its pickle cannot be read: {error}", "code")]
    found = sorted(_causes(before, after, old_sources, new_sources), key=lambda one: one[0].text.endswith(COMMENTS))
    if chosen := [cause for cause, derived in found if not derived] or [cause for cause, _ in found]:
        return chosen
    others = value_changes(*payloads) or (_UNTOLD,)
    return [Cause("attribute", text, "code") for text in others]


def _causes(
    before: Mapping[str, Part],
    after: Mapping[str, Part],
    old_sources: Mapping[str, str],
    new_sources: Mapping[str, str],
) -> Iterator[tuple[Cause, bool]]:
    """Causes, and whether each follows from others."""
    for label in [*before, *(label for label in after if label not in before)]:
        old, new = before.get(label), after.get(label)
        one = new or old
        if one is None:
            continue
        if old is None or new is None:
            verb = "is no longer used" if new is None else "is new"
            yield Cause(one.kind, f"{label} {verb}", "code"), one.derived
            continue
        texts = old_sources.get(old.file, ""), new_sources.get(new.file, "")
        if old.digest != new.digest:
            yield _changed(old, new, *texts), old.derived
        elif texts[0] != texts[1] and old.file and new.file:
            details = tuple(changed_lines(*texts))
            only_comments = old.kind == "function" or changed_definitions(*texts) == [COMMENTS]
            text = f"{label}: {COMMENTS}" if only_comments else f"{label} changed"
            yield Cause(old.kind, text, "code", details), old.kind == "class"  # whose methods have their own


def _changed(old: Part, new: Part, old_text: str, new_text: str) -> Cause:
    if old.kind != "function":
        if old.shown and new.shown and old.shown != new.shown:
            return Cause(old.kind, f"{old.label}: {old.shown} → {new.shown}", "code")
        return Cause(old.kind, f"{old.label} changed", "code", value_changes(old.value, new.value))
    if new.file.startswith(MODULES):
        return Cause("function", f"{old.label} changed, in {new.file.removeprefix(MODULES)}", "code")
    if not old_text or not new_text:
        return Cause("function", f"the code of {old.label} changed; its source is not packed", "code")
    if old_text == new_text:
        return Cause("function", f"the byte code of {old.label} changed, its source did not: another Python", "code")
    details = tuple(changed_lines(old_text, new_text))
    only = changed_definitions(old_text, new_text)
    if len(only) == 1 and only[0].startswith("the docstring of "):
        return Cause("function", only[0], "code", details)
    return Cause("function", f"{old.label} changed", "code", details)
