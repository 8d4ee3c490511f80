"""Locks: what is asked for, resolved by uv itself from a folder of hand-made wheels."""

import os
import re
from pathlib import Path

import pytest

from fairing_kfp.build.cache import Cache
from fairing_kfp.errors import DependencyError, PlatformError
from fairing_kfp.preprocess.dependencies import Lock, Target, resolve, unpack
from fairing_kfp.preprocess.lock import Pin
from fairing_kfp.preprocess.requirements import Requirements

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


def test_a_lock_is_kept_when_a_newer_version_appears(shelf, cache):
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


def test_nothing_asked_for_is_an_empty_lock_and_tree(cache, no_uv):
    no_uv()
    lock = resolve([], IMAGE, cache)
    assert lock == Lock(IMAGE, "")
    assert not list(unpack(lock, cache).iterdir())


def test_a_lock_of_any_requirements_file_is_in_order():
    text = """
# how it was made
--index-url https://someone:hush@example.com/simple
bee==2 ; python_version >= "3.12" \\
    --hash=sha256:22 \\
    --hash=sha256:11
    # via ant
bee==1 ; python_version < "3.12" --hash=sha256:55
dog==1 ; sys_platform == "win32" --hash=sha256:66
ant==1 --hash=sha256:33
ant-hill==1 \\
    --hash=sha256:44
"""
    lock = Lock.of_requirements_file(IMAGE, text)
    assert lock.text == (
        "ant==1 \\\n    --hash=sha256:33\n"
        "ant-hill==1 \\\n    --hash=sha256:44\n"
        "bee==2 \\\n    --hash=sha256:11 \\\n    --hash=sha256:22\n"
    )
    assert Lock.of_requirements_file(Target.for_image((3, 11)), text).requirements[-1] == "bee==1"


PYLOCK = """
lock-version = "1.0"
[[packages]]
name = "bee"
version = "2"
index = "https://example.com/simple"
wheels = [
  { url = "https://example.com/bee-2-py3-none-any.whl", hashes = { sha256 = "22" } },
  { url = "https://example.com/bee-2-py2.py3-none-any.whl", hashes = { sha256 = "11" } },
]
[[packages]]
name = "ant-hill"
version = "1"
wheels = [{ url = "https://example.com/ant_hill-1-py3-none-any.whl", hashes = { sha256 = "33" } }]
"""


def test_a_lock_holds_sorted_pins_and_no_address():
    lock = Lock.of_pylock(IMAGE, PYLOCK)
    assert lock.text == (
        "ant-hill==1 \\\n    --hash=sha256:33\nbee==2 \\\n    --hash=sha256:11 \\\n    --hash=sha256:22\n"
    )
    assert lock.pins == {"ant-hill": Pin("1", ("sha256:33",)), "bee": Pin("2", ("sha256:11", "sha256:22"))}
    assert lock.requirements == ("ant-hill==1", "bee==2")
    assert lock.only("ant-hill").text == "ant-hill==1 \\\n    --hash=sha256:33\n"
    assert Lock.of_pins(IMAGE, lock.pins) == lock


def test_a_wheel_without_a_hash_is_refused():
    with pytest.raises(DependencyError, match="no hash of the files of bee 2"):
        Lock.of_pylock(IMAGE, PYLOCK.replace('{ sha256 = "22" }', "{}").replace('{ sha256 = "11" }', "{}"))


def test_only_the_hashes_of_wheels_that_fit_are_kept(shelf, cache):
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


def test_a_digest_stands_for_text_and_target():
    locks = [Lock(target, text) for target in (IMAGE, Target.for_image((3, 13)), HOST) for text in ("", "ant==1\n")]
    assert len({lock.digest for lock in locks}) == 6
    assert all(re.fullmatch("sha256:[0-9a-f]{64}", lock.digest) for lock in locks)


def test_targets_of_images():
    assert Target.for_image((3, 12), "linux/arm64/v8").platform == "linux/arm64"
    assert str(IMAGE) == "Python 3.12 on linux/amd64 (manylinux_2_28)"
    with pytest.raises(DependencyError, match="linux/s390x"):
        Target.for_image((3, 12), "linux/s390x")
    with pytest.raises(PlatformError):
        Target.for_image((3, 12), "amd64")


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
        ("ant @ https://someone:hush@example.com/ant-1.0-py3-none-any.whl", "direct address"),
        ("https://example.com/ant-1.0.tar.gz", "direct address"),
        ("ant @ file:///home/ant", "local path"),
        (".", "local path"),
        ("../ant", "local path"),
        ("~/ant", "local path"),
        ("packages/ant", "local path"),
        ("ant-1.0-py3-none-any.whl", "local path"),
        ("ant = 1", "not a requirement"),
        ("ant==", "not a requirement"),
        ("", "not a requirement"),
        ("ant; python_versoin>'3'", "not a requirement"),
    ],
)
def test_only_requirements_by_name_are_taken(requirement, kind, cache, no_uv):
    no_uv()
    with pytest.raises(DependencyError, match=kind) as caught:
        resolve(["bee", requirement], IMAGE, cache)
    assert "hush" not in str(caught.value)
    assert caught.value.remedy


def test_a_text_instead_of_a_list_is_refused(cache):
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
    with pytest.raises(DependencyError, match="there is no ant==99\n"):
        resolve(["ant==99"], IMAGE, cache)


def test_a_package_that_does_not_exist(shelf, cache):
    with pytest.raises(DependencyError, match="there is no package ant\n"):
        resolve(["ant"], IMAGE, cache)


def test_a_conflict_is_told_in_short(shelf, cache):
    shelf.wheel("ant", needs=["cow<2"])
    shelf.wheel("bee", needs=["cow>=2"])
    shelf.wheel("cow", "1.0")
    shelf.wheel("cow", "2.0")
    shelf.source("ant", "0.9")  # which would be no way out, so not the reason either
    with pytest.raises(DependencyError, match="the requirements contradict each other\n") as caught:
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


def test_a_failure_is_not_remembered(shelf, cache):
    with pytest.raises(DependencyError):
        resolve(["ant"], IMAGE, cache)
    shelf.wheel("ant")
    assert resolve(["ant"], IMAGE, cache).requirements == ("ant==1.0",)


# --- what the base image provides


@pytest.fixture
def zoo(shelf):
    shelf.wheel("fox", needs=["gnu", "hen", "ibis"])
    shelf.wheel("gnu", "1.0", needs=["hen", "jay"])
    shelf.wheel("gnu", "2.0", needs=["hen"])
    for name in ("hen", "ibis", "jay"):
        shelf.wheel(name)
    return shelf


def test_what_is_provided_is_not_shipped_nor_what_it_needs(zoo, cache):
    wanted = Requirements.of(["fox"], provided=["gnu==1.0"])
    assert resolve(wanted, IMAGE, cache).requirements == ("fox==1.0", "ibis==1.0")


def test_a_run_here_has_what_is_provided(zoo, cache):
    wanted = Requirements.of(["fox"], provided=["gnu==1.0"])
    assert resolve(wanted, HOST, cache).requirements == ("fox==1.0", "gnu==1.0", "hen==1.0", "ibis==1.0", "jay==1.0")
    assert resolve(Requirements.of([], provided=["hen"]), HOST, cache).requirements == ("hen==1.0",)
    assert resolve(Requirements.of([], provided=["hen"]), IMAGE, cache) == Lock(IMAGE, "")


def test_what_is_provided_has_a_say_in_versions(zoo, cache):
    zoo.wheel("kid", needs=["gnu>=2"])
    with pytest.raises(DependencyError, match="the requirements contradict each other\n"):
        resolve(Requirements.of(["kid"], provided=["gnu==1.0"]), IMAGE, cache)


def test_constraints_hold_without_asking_for_anything(zoo, cache):
    wanted = Requirements.of(["fox"], constraints=["gnu<2", "never-there==1"])
    assert "gnu==1.0" in resolve(wanted, IMAGE, cache).requirements


def test_what_is_provided_needs_no_hash(zoo, cache):
    pins = resolve(["fox"], IMAGE, cache).pins
    hashes = {f"{name}=={pins[name].version[0]}": pins[name].hashes for name in ("fox", "ibis")}
    wanted = Requirements.of(["fox==1.0", "ibis==1.0"], provided=["gnu"], hashes=hashes)
    assert resolve(wanted, IMAGE, cache).requirements == ("fox==1.0", "ibis==1.0")
    with pytest.raises(DependencyError, match=r"(gnu|hen)==\S+ is needed, but"):
        resolve(Requirements.of(["fox==1.0", "ibis==1.0"], hashes=hashes), IMAGE, cache)


def test_a_lock_tells_what_is_built():
    lock = Lock.of_pins(IMAGE, {"ant": Pin("1", ("sha256:11",), built=True), "bee": Pin("1", ("sha256:22",))})
    assert lock.built == ("ant",)
    assert Lock.of_pins(IMAGE, lock.pins) == lock
    assert lock.requirements == ("ant==1", "bee==1")
