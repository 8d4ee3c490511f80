"""Isolation of every test: its own cache and lock file, and no credentials of the user. KFP without its slow parts."""

from __future__ import annotations

import gc
import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from fairing_kfp.cache.store import Cache
from fairing_kfp.component.kfp_import import import_kfp
from tests.support.paths import TESTS, TOP
from tests.support.shared_content import Folders, make_content

import_kfp()  # without its client, whichever test module comes first

from kfp.dsl import pipeline_task  # noqa: E402

pytest_plugins = ["fairing_kfp.testing.plugin", "tests.support.caches", "tests.support.shelf"]

# A busy machine makes examples slow; this is no failure. CI tries the same examples each time.
settings.register_profile(
    "few",
    deadline=None,
    max_examples=20,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=os.environ.get("CI") == "true",
)
settings.register_profile("many", settings.get_profile("few"), max_examples=300)
settings.load_profile("few")

_UNSET = [
    change(name)
    for name in ("REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    for change in (str.upper, str.lower)
]
_LONG = (
    "integration/test_build_in_cluster",
    "integration/test_classic",
    "integration/test_digits",
    "integration/test_train_",
    "integration/test_vertex_in_docker",
    "unit/preprocess/pickle/test_corpus",
    "unit/serving/server/test_connections",
    "unit/serving/start/test_start",
    "unit/train/vertex/test_step",
)
_PIPELINES = (TESTS / "pipelines", TESTS / "scripts", TESTS / "corpus", TOP / "samples", TOP / "pipelines")


def _stack() -> list[tuple[types.FrameType | None, str, int, str]]:
    """The caller and its caller, as `inspect.stack` has them, without files and lines."""
    here = sys._getframe(1)
    there = here.f_back
    return [(here, "", 0, here.f_code.co_name), (there, "", 0, there.f_code.co_name if there else "")]


# For the name of a method in an error, each setter of a task looks for the files of the stack, which is deep here.
pipeline_task.inspect = types.SimpleNamespace(stack=_stack)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--exhaustive", action="store_true", help="also run the tests that are marked exhaustive")


def pytest_configure(config: pytest.Config) -> None:
    """Lets exhaustive runs try more examples."""
    if config.getoption("exhaustive"):
        settings.load_profile("many")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collects without looking for garbage, and never looks for it later among the modules and tests, which stay."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out exhaustive tests unless they are asked for, and orders the files."""
    if not config.getoption("exhaustive"):
        config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("exhaustive")])
        items[:] = [item for item in items if not item.get_closest_marker("exhaustive")]
    _order(items)


def _order(items: list[pytest.Item]) -> None:
    """Spreads the files of integration tests, which often wait, among those of unit tests, which keep a core busy.

    Files that take long come first, so that no worker ends long after the others.
    """
    files: dict[Path, list[pytest.Item]] = {}
    for item in items:
        files.setdefault(item.path, []).append(item)
    long_first = sorted(files, key=lambda path: not str(path.relative_to(TESTS)).startswith(_LONG))
    waiting = [path for path in long_first if path.is_relative_to(TESTS / "integration")]
    busy = [path for path in long_first if not path.is_relative_to(TESTS / "integration")]
    places = {path: place / len(group) for group in (waiting, busy) for place, path in enumerate(group)}
    items[:] = [item for path in sorted(files, key=places.__getitem__) for item in files[path]]


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory, shared_content: Path) -> Folders:
    return Folders(tmp_path_factory.getbasetemp(), shared_content)


@pytest.fixture(autouse=True)
def isolated(folders: Folders) -> Iterator[None]:
    """Keeps tests away from the user's cache and logins, and from writing next to their files; unloads what they load.

    Pipeline files and their modules are unloaded, since other tests use their short names too.
    """
    folder = folders.take()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FAIRING_KFP_CACHE", f"{folder}/cache")
        patch.setenv("FAIRING_KFP_LOCK", f"{folder}/fairing.lock")
        patch.setenv("DOCKER_CONFIG", f"{folder}/docker")
        patch.setenv("XDG_CONFIG_HOME", f"{folder}/config")
        for name in _UNSET:
            patch.delenv(name, raising=False)
        yield from _unloaded(folders.parent)
    folders.give_back(folder)


@pytest.fixture(autouse=True, scope="module")
def unloaded_with_the_module(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Unloads what fixtures of a module loaded."""
    yield from _unloaded(tmp_path_factory.getbasetemp())


def _unloaded(temporary: Path) -> Iterator[None]:
    path, before = list(sys.path), sys.modules.copy()
    yield
    sys.path[:] = path
    if len(sys.modules) == len(before) and next(reversed(sys.modules)) == next(reversed(before)):
        return  # a new module comes last
    folders = tuple(f"{folder}/" for folder in (*_PIPELINES, temporary))
    for name in sys.modules.keys() - before.keys():
        module = sys.modules[name]
        places = [getattr(module, "__file__", None) or "", *getattr(module, "__path__", ())]  # a namespace has no file
        if any(f"{place}/".startswith(folders) for place in places):
            del sys.modules[name]


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture(scope="session")
def shared_content(shared_cache: Cache) -> Path:
    """The folder with what the caches of all tests share, so that packages and our own image are packed once."""
    return make_content(shared_cache.root)


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """A cache for all tests and pytest-xdist's workers."""
    folder = tmp_path_factory.getbasetemp()
    return Cache((folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "shared-cache")
