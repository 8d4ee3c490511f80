"""What changed in a task, and whether that changes the key by which KFP looks up its earlier outputs.

The key (KFP 2.17, `backend/src/v2/driver/cache.go`) is made of the image's name, command and arguments, values of
parameters, ids of input artifacts, names and types of outputs, and names of persistent volume claims. With `cache_key=`
of the author, it is made of that and the component's name.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fairing_kfp.comparison.change import Cause, Change
from fairing_kfp.comparison.definitions import changed_definitions, changed_lines
from fairing_kfp.comparison.image_names import image_names, without_images
from fairing_kfp.comparison.task import Group, Origin, Task

_LONGEST = 60  # characters of a value in a sentence
_PARAMETER = re.compile(r"inputs\.parameter_values\['(?:pipelinechannel--)?([^']+)'\]")
_SHOWN = 3  # changes of arguments in a sentence


def task_changes(old: Task, new: Task) -> list[Change]:
    """The changes of a task, except those of its images."""
    keyed = is_keyed_by_kfp(old, new)
    found = [
        *_container_changes(old, new, keyed),
        *_origin_changes(old.parameters, new.parameters, keyed),
        *_origin_changes(old.artifacts, new.artifacts, keyed),
        *_output_changes(old, new, keyed),
        *_volume_changes(old, new, keyed),
    ]
    if old.cache_key != new.cache_key:
        found.append(Change("caching", f"its cache key: {_named(old.cache_key)} → {_named(new.cache_key)}", True))
    if old.is_cached != new.is_cached:
        found.append(Change("caching", f"caching: {_switch(old.is_cached)} → {_switch(new.is_cached)}", True))
    return [*found, *_other_changes(old, new)]


def is_keyed_by_kfp(old: Task, new: Task) -> bool:
    """Whether KFP makes the key of a task, and not its author, whose key is the same as before."""
    return not (old.cache_key and old.cache_key == new.cache_key and old.component == new.component)


def group_changes(old: Group, new: Group) -> list[Change]:
    """The changes of a condition, a loop or a nested pipeline: whether, and how often, its tasks run."""
    found = []
    conditions = [_condition(one) for one in (old, new)]
    if conditions[0] != conditions[1]:
        found.append(Change("condition", f"condition{_values(*conditions)}", False))
    loops = [_loop(one) for one in (old, new)]
    if loops[0] != loops[1]:
        found.append(Change("condition", f"loop{_values(*loops)}", False))
    return found


def _condition(group: Group) -> str | None:
    """The condition of a group, with the names of values as far as an author knows them."""
    text = group.spec.get("triggerPolicy", {}).get("condition")
    return _PARAMETER.sub(r"\1", text) if isinstance(text, str) else None


def _loop(group: Group) -> dict[str, Any]:
    """How a group loops, without its items, which its tasks get."""
    found = {key: group.spec[key] for key in ("parameterIterator", "artifactIterator") if key in group.spec}
    kept = {key: {**one, "items": None} for key, one in found.items()}
    return {**kept, **group.spec.get("iteratorPolicy", {})}


def image_pairs(old: Task, new: Task) -> list[tuple[str, str, str]]:
    """The images of a task that may differ: the kind of use, the old and the new name."""
    pairs = [("", old.container.get("image", ""), new.container.get("image", ""))]
    inner = [image_names(_texts(one)) for one in (old, new)]
    if len(inner[0]) == len(inner[1]):
        pairs += [("that it starts", one, other) for one, other in zip(*inner, strict=True)]
    return [(use, one, other) for use, one, other in dict.fromkeys(pairs) if one and other and one != other]


def _texts(task: Task) -> list[str]:
    return [str(one) for one in (*task.container.get("command", ()), *task.container.get("args", ()))]


def _container_changes(old: Task, new: Task, keyed: bool) -> Iterator[Change]:
    if old.executor.keys() != new.executor.keys():
        yield Change("command", f"{'/'.join(old.executor)} → {'/'.join(new.executor)}", keyed)
        return
    if "importer" in new.executor and old.executor != new.executor:
        uris = [one.executor["importer"].get("artifactUri") for one in (old, new)]
        yield Change("arguments", f"importer{_values(*uris) if uris[0] != uris[1] else ' changed'}", keyed)
    for field, kind in (("command", "command"), ("args", "arguments")):
        before, after = ([without_images(str(one)) for one in task.container.get(field, ())] for task in (old, new))
        if before != after:
            details = _argument_changes(before, after)
            causes = _source_causes(before, after)
            text = f"{kind}: {', '.join(details[:_SHOWN])}" if details and not causes else f"{kind} changed"
            yield Change(kind, text, keyed, causes)


def _argument_changes(before: list[str], after: list[str]) -> list[str]:
    """The arguments that differ, and of those in JSON their fields; empty if they are too different."""
    if len(before) != len(after):
        return []
    found = []
    for place, (old, new) in enumerate(zip(before, after, strict=True)):
        if old == new:
            continue
        parsed = [_object(one) for one in (old, new)]
        if parsed[0] and parsed[1]:
            found += _field_changes(parsed[0], parsed[1], "")
            continue
        option = after[place - 1] if place and after[place - 1].startswith("-") else ""
        found.append(f"{option}{_values(old, new)}" if option else _values(old, new).removeprefix(": "))
    return found


def _source_causes(before: list[str], after: list[str]) -> tuple[Cause, ...]:
    """What changed in source text among the arguments, as lightweight components of kfp have it."""
    causes = []
    for old, new in zip(before, after, strict=False):
        if old != new and "\n" in old and "\n" in new:
            lines = tuple(changed_lines(old, new))
            found = changed_definitions(old, new) or ["its source text changed"]
            causes += [Cause("function", text, "", lines) for text in found]
    return tuple(causes)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text.startswith("{") else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _field_changes(old: Mapping[str, Any], new: Mapping[str, Any], prefix: str) -> list[str]:
    found = []
    for key in sorted(old.keys() | new.keys()):
        before, after = old.get(key), new.get(key)
        if before == after:
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            found += _field_changes(before, after, f"{prefix}{key}.")
        else:
            found.append(f"{prefix}{key}{_values(before, after)}")
    return found


def _origin_changes(old: Mapping[str, Origin], new: Mapping[str, Origin], keyed: bool) -> Iterator[Change]:
    for name in [*old, *(name for name in new if name not in old)]:
        before, after = old.get(name), new.get(name)
        if before is None or after is None:
            verb = "was removed" if after is None else f"is new{_value(after)}"
            yield Change("input", f"the input {name} {verb}", keyed)
        elif (before.producers or after.producers) and _source(before) != _source(after):
            yield Change("input", f"the input {name} comes from {_source(after)}, not {_source(before)}", keyed)
        elif before.selector != after.selector or before.is_item != after.is_item:
            yield Change("input", f"the input {name} is another part of {_source(after)}", keyed)
        elif before.value != after.value and after.is_item:
            values = _values(_load(before), _load(after))
            yield Change("input", f"the items of the loop{values}; KFP reuses the outputs of equal items", False)
        elif before.value != after.value:
            source = f", {after.source}" if after.source else ""
            yield Change("input", f"the input {name}{_values(_load(before), _load(after))}{source}", keyed)


def _load(origin: Origin) -> Any:
    try:
        return json.loads(origin.value)
    except ValueError:
        return origin.value


def _value(origin: Origin) -> str:
    return f": {origin.value}" if origin.value and len(origin.value) <= _LONGEST else ""


def _source(origin: Origin) -> str:
    if not origin.producers:
        return origin.source or "a constant"
    return f"{origin.output} of {' or '.join(dict.fromkeys(path[-1] for path in origin.producers))}"


def _output_changes(old: Task, new: Task, keyed: bool) -> Iterator[Change]:
    for name in sorted(old.outputs.keys() | new.outputs.keys()):
        before, after = _type(old.outputs.get(name)), _type(new.outputs.get(name))
        if before != after:
            text = f"{'is new' if not before else 'was removed'}" if not (before and after) else f"{before} → {after}"
            yield Change("output", f"the output {name} {text}", keyed)


def _type(output: Any) -> str:
    """The type of an output as KFP's key has it; empty for none. The description is no part of it."""
    if output is None:
        return ""
    kind = output.get("parameterType") or output.get("artifactType", {})
    title = kind if isinstance(kind, str) else kind.get("schemaTitle") or json.dumps(kind, sort_keys=True)
    metadata = output.get("metadata")
    return f"{title} {json.dumps(metadata, sort_keys=True)}" if metadata else str(title)


def _volume_changes(old: Task, new: Task, keyed: bool) -> Iterator[Change]:
    before, after = _claims(old), _claims(new)
    if before != after:
        yield Change("volume", f"persistent volume claims: {', '.join(before)} → {', '.join(after)}", keyed)


def _claims(task: Task) -> list[str]:
    mounts = task.platform.get("pvcMount", [])
    names = [{key: value for key, value in one.items() if key not in ("mountPath", "subPath")} for one in mounts]
    return sorted({str(one.get("constant") or json.dumps(one, sort_keys=True)) for one in names}) or ["none"]


def _other_changes(old: Task, new: Task) -> Iterator[Change]:
    """Changes that KFP's cache key does not contain."""
    before, after = _env(old), _env(new)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            yield Change("environment", f"environment: {name}{_values(before.get(name), after.get(name))}", False)
    if old.container.get("resources") != new.container.get("resources"):
        yield Change("resources", "resources changed", False)
    kept = [{key: value for key, value in one.platform.items() if key != "pvcMount"} for one in (old, new)]
    if changed := sorted(key for key in kept[0].keys() | kept[1].keys() if kept[0].get(key) != kept[1].get(key)):
        yield Change("kubernetes", f"settings for Kubernetes: {', '.join(changed)}", False)
    if old.spec.get("retryPolicy") != new.spec.get("retryPolicy"):
        yield Change("retry", "retries changed", False)
    added, removed = _only_order(new) - _only_order(old), _only_order(old) - _only_order(new)
    if added or removed:
        said = [f"now after {', '.join(sorted(added))}"] * bool(added)
        said += [f"no longer after {', '.join(sorted(removed))}"] * bool(removed)
        yield Change("order", f"order: {', '.join(said)}", False)
    if old.spec.get("triggerPolicy") != new.spec.get("triggerPolicy"):
        yield Change("condition", "the condition to run changed", False)


def _only_order(task: Task) -> set[str]:
    """The tasks that a task waits for without an input from them."""
    inputs = [one for kind in task.spec.get("inputs", {}).values() for one in kind.values()]
    sources = [one.get("taskOutputParameter") or one.get("taskOutputArtifact") or {} for one in inputs]
    return set(task.spec.get("dependentTasks", ())) - {one.get("producerTask") for one in sources}


def _env(task: Task) -> dict[str, str]:
    return {str(one.get("name")): str(one.get("value", "")) for one in task.container.get("env", ())}


def _named(key: str) -> str:
    return repr(key) if key else "KFP's"


def _switch(on: bool) -> str:
    return "on" if on else "off"


def _values(old: Any, new: Any) -> str:
    """`: OLD → NEW`, or that it changed if that is long."""
    texts = ["none" if one is None else one if isinstance(one, str) else json.dumps(one) for one in (old, new)]
    short = all(len(text) <= _LONGEST and text.isprintable() for text in texts)
    return f": {texts[0] or repr('')} → {texts[1] or repr('')}" if short else " changed"
