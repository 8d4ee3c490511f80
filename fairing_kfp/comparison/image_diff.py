"""What made an image change: its base, its layers, its settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from fairing_kfp.comparison.change import Cause
from fairing_kfp.comparison.image import ComparedImage, ImageLayer, PlatformImage
from fairing_kfp.comparison.layer_diff import NOT_READ, Layers, not_compared, package_causes

_LONGEST = 60  # characters of a value in a sentence
_VERSION = "PYTHON_VERSION"
_SETTINGS = {
    "User": "the user",
    "WorkingDir": "the working folder",
    "Cmd": "the command",
    "Entrypoint": "the entrypoint",
}
_PACKAGES = ("dependencies", "server packages")
"""Layers of packages; a large package has a layer of its own, named `name==version`, which counts as the first."""

_OURS = {
    "runtime": "the runtime of fairing-kfp changed: another packing format",
    "server": "the server of fairing-kfp changed: another packing format",
    "fairing-kfp": "fairing-kfp itself changed: another release, or an edited one",
}
"""Layers with files of fairing-kfp, which its users did not change."""

_ORDER = ("code", "files", "dependencies")
"""Layers whose changes are named first; other layers follow, and the base is last."""


def image_causes(old: ComparedImage, new: ComparedImage, layers: Layers) -> tuple[Cause, ...]:
    """Why two images differ; empty if they do not. A cause on several platforms is named once.

    Args:
        old: the old image.
        new: the new image.
        layers: compares layers that differ.
    """
    if old.digest and old.digest == new.digest:
        return ()
    common = [name for name in new.platforms if name in old.platforms]
    causes: dict[Cause, None] = {}
    if set(old.platforms) != set(new.platforms):
        shown = " → ".join(", ".join(one.platforms) for one in (old, new))
        causes[Cause("platform", f"the platforms: {shown}")] = None
    for name in common:
        causes.update(dict.fromkeys(_platform_causes(old.platforms[name], new.platforms[name], layers)))
    if not causes and old.digest and new.digest:
        causes[Cause("unknown", "only the manifest differs, such as its annotations")] = None
    return tuple(sorted(causes, key=_rank))


def _rank(cause: Cause) -> int:
    name = cause.layer.partition("==")[0]
    if name in _ORDER:
        return _ORDER.index(name)
    return len(_ORDER) + (cause.kind in ("base", "setting"))


def _platform_causes(old: PlatformImage, new: PlatformImage, layers: Layers) -> Iterator[Cause]:
    yield from _layer_causes(old.layers, new.layers, layers)
    if old.base and new.base and old.base != new.base:
        yield _base_cause(old, new)
    if old.settings and new.settings:
        yield from _setting_causes(old, new)
    if old.media_type and new.media_type and old.media_type != new.media_type:
        yield Cause("setting", f"the media type: {old.media_type} → {new.media_type}")


def _base_cause(old: PlatformImage, new: PlatformImage) -> Cause:
    shared = len([one for one in zip(old.base, new.base, strict=False) if one[0] == one[1]])
    versions = [one.env.get(_VERSION, "") for one in (old, new)]
    details = [f"Python {versions[0]} → {versions[1]}"] if all(versions) and versions[0] != versions[1] else []
    details.append(f"{shared} of its {len(new.base)} layers are as before")
    named = f" to {new.base_name}" if new.base_name else ""
    return Cause("base", f"the base image changed{named}", "base", tuple(details))


def _layer_causes(old: tuple[ImageLayer, ...], new: tuple[ImageLayer, ...], layers: Layers) -> Iterator[Cause]:
    if [one.diff_id for one in old] == [one.diff_id for one in new]:
        for one, other in zip(old, new, strict=True):
            if one.digest != other.digest:
                yield Cause("layer", f"the layer {other.name} is compressed in another way", other.name)
        return
    shared = {one.diff_id for one in old} & {one.diff_id for one in new}
    if shared == {one.diff_id for one in old} == {one.diff_id for one in new}:
        yield Cause("layer", "the order of the layers changed")
    before = [one for one in old if one.diff_id not in shared]
    after = [one for one in new if one.diff_id not in shared]
    packages = [[one for one in its if _has_packages(one)] for its in (before, after)]
    causes = list(_package_causes(packages[0], packages[1], layers))
    yield from causes
    others = [[one for one in its if not (causes and _has_packages(one))] for its in (before, after)]
    for name in dict.fromkeys(_stem(one) for one in (*others[1], *others[0])):
        pair = [next((one for one in its if _stem(one) == name), None) for its in others]
        if pair[0] and pair[1]:
            known = _OURS.get(name)
            yield from [Cause("layer", known, name)] if known else layers.causes(pair[0], pair[1])
        else:
            yield Cause("layer", f"the layer {name} {'is new' if pair[1] else 'was removed'}", name)


def _has_packages(layer: ImageLayer) -> bool:
    return "==" in layer.name or layer.name in _PACKAGES


def _stem(layer: ImageLayer) -> str:
    """The name of a layer, without the version of its package."""
    return layer.name.partition("==")[0]


def _package_causes(old: list[ImageLayer], new: list[ImageLayer], layers: Layers) -> Iterator[Cause]:
    """Packages that changed, over all layers: a package that grows gets a layer of its own."""
    found: list[dict[str, str]] = []
    for listed in (old, new):
        place: dict[str, str] = {}
        for layer in listed:
            try:
                its = layers.packages(layer)
            except NOT_READ as error:
                yield not_compared(layer.name, error)
                return
            place.update(dict.fromkeys(its, layer.name if layer.name in _PACKAGES else _PACKAGES[0]))
        found.append(place)
    for kind in _PACKAGES:
        its_old, its_new = (tuple(one for one, layer in place.items() if layer == kind) for place in found)
        yield from package_causes(its_old, its_new, kind)


def _setting_causes(old: PlatformImage, new: PlatformImage) -> Iterator[Cause]:
    before, after = old.env, new.env
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name) and not (name == _VERSION and old.base != new.base):
            yield Cause("setting", f"the variable {name} of the image{_values(before.get(name), after.get(name))}")
    for key, label in _SETTINGS.items():
        if (old.settings.get(key) or None) != (new.settings.get(key) or None):
            yield Cause("setting", f"{label} of the image{_values(old.settings.get(key), new.settings.get(key))}")
    labels = [one.settings.get("Labels") or {} for one in (old, new)]
    for name in sorted(_differing(*labels)):
        yield Cause("setting", f"the label {name}{_values(labels[0].get(name), labels[1].get(name))}")


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> set[str]:
    return {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}


def _values(old: Any, new: Any) -> str:
    texts = ["none" if one is None else " ".join(one) if isinstance(one, list) else str(one) for one in (old, new)]
    return f": {texts[0]} → {texts[1]}" if max(map(len, texts)) <= _LONGEST else " changed"
