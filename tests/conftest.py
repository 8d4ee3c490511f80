"""What every test has: a cache of its own, and nobody's credentials."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairing_kfp.build.cache import Cache

_TESTS = Path(__file__).parent
_PIPELINES = (_TESTS / "pipelines", _TESTS / "scripts", _TESTS.parent / "samples")


@pytest.fixture(autouse=True)
def isolated(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keeps tests from the cache and the logins of whoever runs them, and from writing beside their files."""
    monkeypatch.setenv("FAIRING_KFP_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("FAIRING_KFP_LOCK", str(tmp_path_factory.mktemp("lock") / "fairing.lock"))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path_factory.mktemp("docker")))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
    for name in ("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(autouse=True, scope="module")
def unloaded_with_the_module() -> Iterator[None]:
    """Forgets what fixtures of a whole module loaded, too."""
    yield from _unloaded()


@pytest.fixture(autouse=True)
def unloaded() -> Iterator[None]:
    """Forgets the pipeline files that a test loaded, and their modules, whose short names others use too."""
    yield from _unloaded()


def _unloaded() -> Iterator[None]:
    path, before = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - before:
        file = Path(getattr(sys.modules[name], "__file__", None) or "")
        if any(file.is_relative_to(folder) for folder in _PIPELINES):
            del sys.modules[name]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")
