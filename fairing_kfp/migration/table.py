"""The table of Fairing's calls and their successors, which `docs/moving-from-fairing.md` shows as well."""

from __future__ import annotations

from fairing_kfp.migration import helpers, stages
from fairing_kfp.migration.successor import Successor

TABLES = {
    "Tasks": stages.TASKS,
    "Configuration": stages.CONFIG,
    "Preprocessors": stages.PREPROCESSORS,
    "Builders": stages.BUILDERS,
    "Deployers": stages.DEPLOYERS,
    "Backends": helpers.BACKENDS,
    "Kubernetes": helpers.KUBERNETES,
    "Clouds": helpers.CLOUDS,
    "Other modules": helpers.OTHERS,
}
SUCCESSORS = tuple(successor for table in TABLES.values() for successor in table)
_BY_NAME = {(name, successor.option): successor for successor in SUCCESSORS for name in successor.names}


def successor_of(name: str, option: str = "") -> Successor | None:
    """The successor of a class, function or module of Fairing, or of what contains it.

    Args:
        name: its path below `kubeflow.fairing`.
        option: the value of its first argument.
    """
    found = _BY_NAME.get((name, option)) or _BY_NAME.get((name, ""))
    parent = name.rpartition(".")[0]
    return found or (successor_of(parent) if parent else None)
