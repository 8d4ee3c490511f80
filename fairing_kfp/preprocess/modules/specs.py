"""Specs of modules, found without importing them."""

from __future__ import annotations

import importlib.machinery
import sys
from pathlib import Path


def find_spec(name: str) -> importlib.machinery.ModuleSpec | None:
    """The spec of a module: the imported module's, else one found without importing."""
    search: list[str] | None = None
    spec = None
    parts = name.split(".")
    for depth in range(1, len(parts) + 1):
        dotted = ".".join(parts[:depth])
        imported = getattr(sys.modules.get(dotted), "__spec__", None)
        spec = imported if imported is not None and imported.name == dotted else first_spec(dotted, search)
        if spec is None:
            return None
        search = list(spec.submodule_search_locations) if spec.submodule_search_locations is not None else []
    return spec


def first_spec(dotted: str, search: list[str] | None) -> importlib.machinery.ModuleSpec | None:
    """The spec from the first finder that has one: Python's for `sys.path`, or an editable installation's."""
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        try:
            spec: importlib.machinery.ModuleSpec | None = find(dotted, search) if find else None
        except (ImportError, ValueError, AttributeError):
            continue
        except KeyError:  # Python finds nested namespaces only if the outer one is imported
            spec = importlib.machinery.ModuleSpec(dotted, None, is_package=True)
            last = dotted.rpartition(".")[2]
            spec.submodule_search_locations = [str(Path(place, last)) for place in search or () if place]
        if spec is not None:
            return spec
    return None


def python_spec(name: str) -> importlib.machinery.ModuleSpec | None:
    """The spec of a top-level module that a new Python with this `sys.path` would import, whatever is imported here."""
    finders = (importlib.machinery.BuiltinImporter, importlib.machinery.FrozenImporter, importlib.machinery.PathFinder)
    return next((spec for finder in finders if (spec := finder.find_spec(name))), None)
