"""Files and folders left out of images by default: version control, environments, caches, editors and credentials."""

from __future__ import annotations

from collections.abc import Iterable

from fairing_kfp.preprocess.files.ignore import Pattern
from fairing_kfp.preprocess.secrets.file_names import is_file_name

_REPOSITORIES = (
    ".git",
    ".hg",
    ".svn",
    ".gitignore",
    ".gitattributes",
    ".gitmodules",
    ".dockerignore",
    ".fairingignore",
)
_ENVIRONMENTS = (".venv", ".virtualenv", ".conda", ".direnv")
_CACHES = (
    "__pycache__",
    "*.py[co]",
    ".mypy_cache",
    ".pytest_cache",
    ".ruff_cache",
    ".ipynb_checkpoints",
    ".hypothesis",
    ".tox",
    ".nox",
    ".cache",
    ".eggs",
    "*.egg-info",
    "node_modules",
)
_EDITORS_AND_TOOLS = (
    ".ds_store",
    "thumbs.db",
    ".#*",
    "*.swp",
    "*~",
    ".idea",
    ".vscode",
    "local_outputs",
    ".fairing",
)
_NAMES = (*_REPOSITORIES, *_ENVIRONMENTS, *_CACHES, *_EDITORS_AND_TOOLS, "id_*.pub")
_EXACT = frozenset(name for name in _NAMES if not Pattern(name).is_wild())
_WILD = tuple(Pattern(name) for name in _NAMES if name not in _EXACT)
_ENVIRONMENT_MARKERS = {"pyvenv.cfg", "conda-meta"}


def is_ignored(name: str) -> bool:
    """Whether a file or folder of this name is left out. Case does not matter, as on some file systems."""
    name = name.lower()
    return name in _EXACT or any(pattern.matches(name) for pattern in _WILD) or is_file_name(name)


def is_environment(names: Iterable[str]) -> bool:
    """Whether a folder with these entries is a virtual environment or a conda environment."""
    return not _ENVIRONMENT_MARKERS.isdisjoint(names)
