"""Resolving: uv itself resolves from a folder of hand-made wheels."""

import os
import re
from pathlib import Path

import pytest

from fairing_kfp.cache.store import Cache
from fairing_kfp.dependencies.lock import Lock
from fairing_kfp.dependencies.requirements import Requirements
from fairing_kfp.dependencies.resolve import resolve
from fairing_kfp.dependencies.target import Target
from fairing_kfp.dependencies.unpacked import unpack
from fairing_kfp.errors import DependencyError

IMAGE = Target.for_image((3, 12))
HOST = Target.for_host()


# --- resolve


def test_a_lock_pins_everything_with_hashes_and_nothing_else(shelf, cache):
    shelf.wheel("Zebra_x", needs=["ant>=1"])
    shelf.wheel("ant", "1.4")
    lock = resolve(["Zebra.X"], IMAGE, cache)
    assert lock.requirements == ("ant==1.4", "zebra-x==1.0")
    assert re.fullmatch(r"(?:[a-z-]+==[\d.]+ \\\n    --hash=sha256:[0-9a-f]{64}\n){2}", lock.text)


def test_settings_do_not_show_in_a_lock(shelf, cache, monkeypatch):
    shelf.wheel("ant")
    plain = resolve(["ant"], IMAGE, cache)
    settings = Path(os.environ["UV_CONFIG_FILE"])
    noisy = "[pip]\nemit-find-links = true\nemit-index-url = true\nno-annotate = false\nemit-build-options = true\n"
    settings.write_text(settings.read_text() + noisy)
    assert resolve(["ant"], IMAGE, Cache(cache.root / "other")) == plain


def test_order_and_spelling_of_requirements_do_not_matter(shelf, cache, no_uv):
    shelf.wheel("ant")
    shelf.wheel("bee_hive")
    lock = resolve(["bee-hive >=1,<3", "ant"], IMAGE, cache)
    no_uv()
    assert resolve(["Ant", "bee_hive<3,>=1", "ant"], IMAGE, cache) == lock


def test_a_newer_version_does_not_change_a_lock(shelf, cache):
    shelf.wheel("ant", "1.0")
    first = resolve(["ant"], IMAGE, cache)
    shelf.wheel("ant", "1.1")
    assert resolve(["ant"], IMAGE, cache) == first
    assert resolve(["ant"], IMAGE, Cache(cache.root / "other")).requirements == ("ant==1.1",)


def test_markers_are_those_of_the_target(shelf, cache):
    shelf.wheel("ant", needs=["bee; python_version>='3.12'", "cow; platform_machine=='aarch64'"])
    shelf.wheel("bee")
    shelf.wheel("cow")
    assert resolve(["ant"], IMAGE, cache).requirements == ("ant==1.0", "bee==1.0")
    assert resolve(["ant"], Target.for_image((3, 11), "linux/arm64"), cache).requirements == ("ant==1.0", "cow==1.0")


def test_no_requirements_give_an_empty_lock_and_tree(cache, no_uv):
    no_uv()
    lock = resolve([], IMAGE, cache)
    assert lock == Lock(IMAGE, "")
    assert not list(unpack(lock, cache).iterdir())


def test_only_hashes_of_compatible_wheels(shelf, cache):
    for tag in ("cp312-cp312-manylinux_2_28_x86_64", "cp312-cp312-win_amd64", "cp311-cp311-manylinux_2_17_x86_64"):
        shelf.wheel("ant", files={"ant.py": tag}, tag=tag)
    assert len(resolve(["ant"], IMAGE, cache).pins["ant"].hashes) == 1


def test_preferred_versions_are_kept_where_they_fit(shelf, cache):
    for version in ("1.0", "1.1", "2.0"):
        shelf.wheel("ant", version)
        shelf.wheel("bee", version, needs=["ant<2"])
    preferred = {"ant": "1.0", "bee": "1.1", "cow": "3.0"}
    assert resolve(["ant", "bee"], IMAGE, cache, preferred).requirements == ("ant==1.0", "bee==1.1")
    assert resolve(["ant", "bee>=2"], IMAGE, cache, preferred).requirements == ("ant==1.0", "bee==2.0")
    assert resolve(["ant", "bee"], IMAGE, cache).requirements == ("ant==1.1", "bee==2.0")


def test_a_preferred_version_without_a_fitting_wheel_gives_way(shelf, cache):
    shelf.wheel("ant", "1.0")
    shelf.wheel("ant", "1.1", tag="cp312-cp312-win_amd64")
    assert resolve(["ant"], IMAGE, cache, {"ant": "1.1"}).requirements == ("ant==1.0",)


# --- bad input


@pytest.mark.parametrize(
    ("requirement", "kind"),
    [
        ("-e .", "editable"),
        ("--editable=./ant", "editable"),
        ("-r requirements.txt", "option"),
        ("--extra-index-url https://someone:hush@example.com", "option"),
        ("git+https://someone:hush@example.com/ant", "version control"),
        ("ant @ git+ssh://git@example.com/ant", "version control"),
        ("ant @ https://someone:hush@example.com/ant-1.0-py3-none-any.whl", "direct URL"),
        ("https://example.com/ant-1.0.tar.gz", "direct URL"),
        ("ant @ file:///home/ant", "local path"),
        (".", "local path"),
        ("../ant", "local path"),
        ("~/ant", "local path"),
        ("packages/ant", "local path"),
        ("ant-1.0-py3-none-any.whl", "local path"),
        ("ant = 1", "not a valid requirement"),
        ("ant==", "not a valid requirement"),
        ("", "not a valid requirement"),
        ("ant; python_versoin>'3'", "not a valid requirement"),
    ],
)
def test_only_requirements_by_name_are_accepted(requirement, kind, cache, no_uv):
    no_uv()
    with pytest.raises(DependencyError, match=kind) as caught:
        resolve(["bee", requirement], IMAGE, cache)
    assert "hush" not in str(caught.value)
    assert caught.value.remedy


def test_a_string_instead_of_a_list_is_refused(cache):
    with pytest.raises(DependencyError, match=r"packages=\['ant'\]"):
        resolve("ant", IMAGE, cache)


def wrong_python(shelf):
    shelf.wheel("ant", tag="cp311-cp311-manylinux_2_28_x86_64")


def wrong_machine(shelf):
    shelf.wheel("ant", tag="cp312-cp312-manylinux_2_28_aarch64")


def newer_libc(shelf):
    shelf.wheel("ant", tag="cp312-cp312-manylinux_2_35_x86_64")


@pytest.mark.parametrize("only", [wrong_python, wrong_machine, newer_libc])
def test_a_package_without_a_fitting_wheel(only, shelf, cache):
    only(shelf)
    shelf.wheel("bee", needs=["ant"])
    with pytest.raises(DependencyError) as caught:
        resolve(["bee"], IMAGE, cache)
    assert f"packages for {IMAGE}: ant has no wheel for it\n" in str(caught.value)
    assert "UV_FIND_LINKS" in caught.value.remedy


def test_a_package_with_only_a_source_distribution(shelf, cache):
    shelf.source("ant")
    with pytest.raises(DependencyError, match="ant has no wheel for it, only a source distribution\n"):
        resolve(["ant"], IMAGE, cache)


def test_a_package_that_needs_another_python(shelf, cache):
    shelf.wheel("ant", python=">=3.13")
    with pytest.raises(DependencyError, match=r"ant==1.0 requires Python >=3\.13\n"):
        resolve(["ant"], IMAGE, cache)


def test_a_version_that_does_not_exist(shelf, cache):
    shelf.wheel("ant")
    with pytest.raises(DependencyError, match="no version satisfies ant==99\n"):
        resolve(["ant==99"], IMAGE, cache)


def test_a_package_that_does_not_exist(shelf, cache):
    with pytest.raises(DependencyError, match="there is no package ant\n"):
        resolve(["ant"], IMAGE, cache)


def test_conflict(shelf, cache):
    shelf.wheel("ant", needs=["cow<2"])
    shelf.wheel("bee", needs=["cow>=2"])
    shelf.wheel("cow", "1.0")
    shelf.wheel("cow", "2.0")
    shelf.source("ant", "0.9")  # does not resolve the conflict, so it is not the reason
    with pytest.raises(DependencyError, match="the requirements conflict\n") as caught:
        resolve(["ant", "bee"], IMAGE, cache)
    assert "depends on cow<2" in str(caught.value)
    assert "unsatisfiable" not in str(caught.value)


def test_an_index_that_does_not_answer(cache, monkeypatch, tmp_path):
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://someone:hush@127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    with pytest.raises(DependencyError, match="the package index does not answer") as caught:
        resolve(["ant"], IMAGE, cache)
    assert "hush" not in str(caught.value)


def test_failures_are_not_cached(shelf, cache):
    with pytest.raises(DependencyError):
        resolve(["ant"], IMAGE, cache)
    shelf.wheel("ant")
    assert resolve(["ant"], IMAGE, cache).requirements == ("ant==1.0",)


# --- packages in the base image


@pytest.fixture
def zoo(shelf):
    shelf.wheel("fox", needs=["gnu", "hen", "ibis"])
    shelf.wheel("gnu", "1.0", needs=["hen", "jay"])
    shelf.wheel("gnu", "2.0", needs=["hen"])
    for name in ("hen", "ibis", "jay"):
        shelf.wheel(name)
    return shelf


def test_provided_packages_and_their_dependencies_are_omitted(zoo, cache):
    wanted = Requirements.parse(["fox"], provided=["gnu==1.0"])
    assert resolve(wanted, IMAGE, cache).requirements == ("fox==1.0", "ibis==1.0")


def test_a_run_on_this_machine_includes_provided_packages(zoo, cache):
    wanted = Requirements.parse(["fox"], provided=["gnu==1.0"])
    assert resolve(wanted, HOST, cache).requirements == ("fox==1.0", "gnu==1.0", "hen==1.0", "ibis==1.0", "jay==1.0")
    assert resolve(Requirements.parse([], provided=["hen"]), HOST, cache).requirements == ("hen==1.0",)
    assert resolve(Requirements.parse([], provided=["hen"]), IMAGE, cache) == Lock(IMAGE, "")


def test_provided_packages_limit_versions(zoo, cache):
    zoo.wheel("kid", needs=["gnu>=2"])
    with pytest.raises(DependencyError, match="the requirements conflict\n"):
        resolve(Requirements.parse(["kid"], provided=["gnu==1.0"]), IMAGE, cache)


def test_constraints_add_no_packages(zoo, cache):
    wanted = Requirements.parse(["fox"], constraints=["gnu<2", "never-there==1"])
    assert "gnu==1.0" in resolve(wanted, IMAGE, cache).requirements


def test_provided_packages_need_no_hash(zoo, cache):
    pins = resolve(["fox"], IMAGE, cache).pins
    hashes = {f"{name}=={pins[name].version[0]}": pins[name].hashes for name in ("fox", "ibis")}
    wanted = Requirements.parse(["fox==1.0", "ibis==1.0"], provided=["gnu"], hashes=hashes)
    assert resolve(wanted, IMAGE, cache).requirements == ("fox==1.0", "ibis==1.0")
    with pytest.raises(DependencyError, match=r"(gnu|hen)==\S+ is required, but"):
        resolve(Requirements.parse(["fox==1.0", "ibis==1.0"], hashes=hashes), IMAGE, cache)
