"""What stays out of images unless it is named: what versions, tools and machines keep beside code, and credentials."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from fairing_kfp.preprocess.ignore import Pattern

_VERSIONS = (".git", ".hg", ".svn", ".gitignore", ".gitattributes", ".gitmodules", ".dockerignore", ".fairingignore")
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
_MACHINE = (".ds_store", "thumbs.db", ".#*", "*.swp", "*~", ".idea", ".vscode", "local_outputs", ".fairing")
_CREDENTIALS = (
    ".env",
    ".env.*",
    ".envrc",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "*.ppk",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    ".netrc",
    "_netrc",
    ".pypirc",
    ".npmrc",
    ".pgpass",
    ".my.cnf",
    ".htpasswd",
    ".s3cfg",
    ".boto",
    ".databrickscfg",
    ".git-credentials",
    ".vault-token",
    ".aws",
    ".azure",
    ".gcloud",
    ".gnupg",
    ".ssh",
    ".docker",
    ".dockercfg",
    ".dockerconfigjson",
    ".kube",
    "kubeconfig",
    "*.kubeconfig",
    ".kaggle",
    "kaggle.json",
    ".huggingface",
    ".terraform",
    "*.tfstate",
    "credentials.json",
    "application_default_credentials.json",
    "client_secret*.json",
    "secrets.toml",
)
_NAMES = (*_VERSIONS, *_ENVIRONMENTS, *_CACHES, *_MACHINE, *_CREDENTIALS)
_EXACT = frozenset(name for name in _NAMES if not Pattern(name).is_wild())
_WILD = tuple(Pattern(name) for name in _NAMES if name not in _EXACT)
_MARKS_OF_AN_ENVIRONMENT = {"pyvenv.cfg", "conda-meta"}
_LONGEST_KEY_FILE = 32_768


def is_left_out(name: str) -> bool:
    """Whether a file or folder of this name stays out; upper and lower case are one, as on some file systems."""
    name = name.lower()
    return name in _EXACT or any(pattern.matches(name) for pattern in _WILD)


def is_environment(names: Iterable[str]) -> bool:
    """Whether a folder that holds these names is a virtual environment or one of conda's."""
    return not _MARKS_OF_AN_ENVIRONMENT.isdisjoint(names)


def is_key_file(path: Path, size: int) -> bool:
    """Whether a JSON file holds a private key, such as a cloud's service account."""
    if path.suffix.lower() != ".json" or size > _LONGEST_KEY_FILE:
        return False
    try:
        return re.search(rb'"private_key"\s*:\s*"', path.read_bytes()) is not None
    except OSError:  # whoever packs it says so
        return False
