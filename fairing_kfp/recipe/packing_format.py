"""The version of the packing format: in one version equal code gives equal layers.

They do not depend on the releases of fairing-kfp, kfp and cloudpickle that pack them: the runtime layer contains files
of kfp and cloudpickle at the releases in `runtime.lock`. `CHANGELOG.md` says what each version changed.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

PACKING_FORMAT = 2
"""A new number for each release that changes the bytes of layers of unchanged code."""

LOCK = Path(__file__).with_name("runtime.lock")
"""The releases of this format."""


def package_folder(name: str) -> Path:
    """The folder of a package at the release of this format: the installed one if it is that, else from its wheel.

    Args:
        name: `kfp` or `cloudpickle`.

    Raises:
        DependencyError: another release is installed, and the wheel cannot be fetched.
        CacheError: the cache cannot be written.
    """
    text = LOCK.read_text("utf-8")
    if _is_installed(name, text):
        return installed_folder(name)
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.dependencies.lock import Lock
    from fairing_kfp.dependencies.target import Target
    from fairing_kfp.dependencies.unpacked import unpack_each

    lock = Lock.from_requirements_file(Target.for_host(), text).only(name)
    return unpack_each(lock, Cache())[name] / name


def _is_installed(name: str, lock: str) -> bool:
    """Whether the installed release of a package is that of a lock."""
    locked = re.search(rf"^{name}==(\S+)", lock, re.MULTILINE)
    release = locked[1] if locked else ""
    if installed_folder(name).with_name(f"{name}-{release}.dist-info").is_dir():  # as installed from a wheel
        return True
    from importlib import metadata  # slow to import

    return metadata.version(name) == release


def installed_folder(name: str) -> Path:
    """The folder of an installed package, found without importing it.

    Raises:
        ModuleNotFoundError: it is not installed.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{name}, which fairing-kfp depends on, is not installed", name=name)
    return Path(spec.origin).parent
