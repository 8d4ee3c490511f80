"""What changed in a layer: files and their definitions, packed functions, packages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fairing_kfp.builders.single_flight import SingleFlight
from fairing_kfp.comparison.change import Cause
from fairing_kfp.comparison.definitions import changed_definitions, changed_lines
from fairing_kfp.comparison.function_diff import function_causes
from fairing_kfp.comparison.image import ImageLayer
from fairing_kfp.comparison.layer_files import LayerFile, UnreadableLayerError, read_layer
from fairing_kfp.errors import FairingError, RegistryError, UnavailableError
from fairing_kfp.preprocess.image_paths import CODE, DEPENDENCIES, PICKLE, WORKING

_SOURCES = f"{CODE}/source/"
_DESCRIPTION = f"{CODE}/step.json"
_FOLDERS = (f"{CODE}/modules/", f"{WORKING}/", f"{CODE}/", f"{DEPENDENCIES}/")
"""Folders that the author does not know, the inner ones first."""

NOT_READ = (UnreadableLayerError, RegistryError, UnavailableError)
"""Errors of a layer that is not compared; the others are."""

_DISTRIBUTION = re.compile(r"(?:^|/)([^/]+)-([^/-]+)\.dist-info/METADATA$")


class Layers:
    """Compares layers, each pair once, since images share layers. Thread-safe."""

    def __init__(self) -> None:
        self._causes: SingleFlight[list[Cause]] = SingleFlight()
        self._packages: SingleFlight[tuple[str, ...]] = SingleFlight()

    def causes(self, old: ImageLayer, new: ImageLayer) -> list[Cause]:
        """What changed between the files of two layers."""
        return self._causes.get((old.diff_id, new.diff_id), lambda: _layer_causes(old, new))

    def packages(self, layer: ImageLayer) -> tuple[str, ...]:
        """The packages in a layer, as `name==version`; it is read only if they are not known.

        Raises:
            UnreadableLayerError: it is too large or damaged.
            RegistryError: it cannot be fetched.
            UnavailableError: it cannot be decompressed here.
        """
        if layer.packages is not None or "==" in layer.name:
            return layer.packages or (layer.name,)
        return self._packages.get(layer.diff_id, lambda: _packages_in(layer))


def _packages_in(layer: ImageLayer) -> tuple[str, ...]:
    """The packages whose metadata is among the files of a layer."""
    found = (_DISTRIBUTION.search(path) for path in read_layer(layer))
    return tuple(f"{re.sub(r'[-_.]+', '-', one[1]).lower()}=={one[2]}" for one in found if one)


def _layer_causes(old: ImageLayer, new: ImageLayer) -> list[Cause]:
    name = new.name
    try:
        before, after = read_layer(old), read_layer(new)
    except NOT_READ as error:
        return [not_compared(name, error)]
    found = list(_file_causes(before, after, name))
    return found or [Cause("layer", f"the layer {name} is packed in another way", name)]


def not_compared(name: str, error: Exception) -> Cause:
    """The cause of a layer that could not be read."""
    reason = f"{error.message} ({error.remedy})" if isinstance(error, FairingError) else str(error)
    return Cause("layer", f"the layer {name} changed; it was not compared: {reason}", name)


def package_causes(old: tuple[str, ...], new: tuple[str, ...], layer: str) -> list[Cause]:
    """The packages, as `name==version`, that were added, removed or changed."""
    before, after = _versions(old), _versions(new)
    causes = []
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            if name not in before:
                text = f"the package {name} {after[name]} is new"
            elif name not in after:
                text = f"the package {name} {before[name]} was removed"
            else:
                text = f"{name} {before[name]} → {after[name]}"
            causes.append(Cause("package", text, layer))
    return causes


def _versions(packages: tuple[str, ...]) -> dict[str, str]:
    return {name: version for name, _, version in (one.partition("==") for one in packages)}


def _file_causes(before: Mapping[str, LayerFile], after: Mapping[str, LayerFile], layer: str) -> Iterator[Cause]:
    own = {f"{CODE}/{PICKLE}", _DESCRIPTION} & before.keys() & after.keys()
    paths = {path for path in before.keys() | after.keys() if "/__pycache__/" not in path}  # follows from the sources
    changed = {path for path in paths if before.get(path) != after.get(path)}
    if own:
        yield from _step_causes(before, after, layer)
        changed = {path for path in changed - own if not path.startswith(_SOURCES)}
    for path in sorted(changed):
        old, new = before.get(path), after.get(path)
        text, details = _shown_path(path), tuple[str, ...]()
        if old is None:
            text = f"{text} is new"
        elif new is None:
            text = f"{text} was removed"
        elif old.digest == new.digest:
            text = f"{text}: mode {old.mode:o} → {new.mode:o}"
        else:
            text, details = f"{text} changed", _details(path, old, new)
        yield Cause("file", text, layer, details)


def _step_causes(before: Mapping[str, LayerFile], after: Mapping[str, LayerFile], layer: str) -> Iterator[Cause]:
    """What changed in the function and the description of a step."""
    old, new = before.get(f"{CODE}/{PICKLE}"), after.get(f"{CODE}/{PICKLE}")
    texts = _sources(before), _sources(after)
    if old and new and (old.digest != new.digest or texts[0] != texts[1]):
        if old.data is None or new.data is None:
            yield Cause("unknown", "the packed function changed; its pickle is too large to be compared", layer)
        else:
            yield from function_causes(old.data, new.data, *texts)
    described = _json(before.get(_DESCRIPTION)), _json(after.get(_DESCRIPTION))
    for key in sorted(described[0].keys() | described[1].keys()):
        values = [one.get(key) for one in described]
        if values[0] != values[1]:
            if key == "python":
                shown = " → ".join(".".join(map(str, one or ())) for one in values)
                yield Cause("setting", f"the author's Python {shown}", layer)
            elif key != "packed_modules":  # follows from the function
                yield Cause("setting", f"{key}: {json.dumps(values[0])} → {json.dumps(values[1])}", layer)


def _sources(files: Mapping[str, LayerFile]) -> dict[str, str]:
    """The source texts of packed functions and classes, by file below the step's code folder."""
    return {
        path.removeprefix(f"{CODE}/"): (file.data or b"").decode("utf-8", "replace")
        for path, file in files.items()
        if path.startswith(_SOURCES)
    }


def _json(file: LayerFile | None) -> dict[str, Any]:
    try:
        found = json.loads((file.data if file else None) or b"{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _shown_path(path: str) -> str:
    return next((path.removeprefix(folder) for folder in _FOLDERS if path.startswith(folder)), f"/{path}")


def _details(path: str, old: LayerFile, new: LayerFile) -> tuple[str, ...]:
    """What changed in a file: definitions of Python, cells of a notebook, lines of text."""
    if old.data is None or new.data is None or b"\0" in old.data or b"\0" in new.data:
        return (f"{old.size} → {new.size} bytes",)
    before, after = old.data.decode("utf-8", "replace"), new.data.decode("utf-8", "replace")
    if path.endswith(".ipynb") and (cells := _changed_cells(old, new)):
        return cells
    definitions = changed_definitions(before, after) if path.endswith(".py") else []
    lines = [] if definitions and all("→" in one for one in definitions) else changed_lines(before, after)
    return (*definitions, *lines)


def _changed_cells(old: LayerFile, new: LayerFile) -> tuple[str, ...]:
    before, after = _cells(_json(old)), _cells(_json(new))
    if len(before) != len(after):
        return (f"{len(before)} → {len(after)} cells",)
    pairs = enumerate(zip(before, after, strict=True), 1)
    return tuple(f"cell {number} changed" for number, (one, other) in pairs if one != other)


def _cells(document: Mapping[str, Any]) -> list[str]:
    """The source texts of a notebook's cells."""
    cells = document.get("cells")
    listed = [cell.get("source", "") for cell in cells if isinstance(cell, dict)] if isinstance(cells, list) else []
    return ["".join(map(str, source)) if isinstance(source, list) else str(source) for source in listed]
