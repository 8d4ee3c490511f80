"""Locks that are kept: resolved by uv itself from hand-made wheels."""

import os
from pathlib import Path

import pytest

from fairing_kfp.build.cache import Cache
from fairing_kfp.errors import DependencyError
from fairing_kfp.preprocess.dependencies import Target
from fairing_kfp.preprocess.lock import Pin
from fairing_kfp.preprocess.lock_file import Entry, Key, dumps, read
from fairing_kfp.preprocess.locks import Locks
from fairing_kfp.preprocess.requirements import Requirements

AMD, ARM = Target.for_image((3, 12)), Target.for_image((3, 12), "linux/arm64")


class Desk:
    """Somebody with a lock file, and a new cache every time."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "fairing.lock"
        self._folder = folder
        self._times = 0

    def locks(self, upgrade=False, pipeline="digits") -> Locks:
        self._times += 1
        return Locks(Cache(self._folder / f"cache-{self._times}"), self.path, pipeline, upgrade)

    def compile(self, *requirements, pipeline="digits") -> tuple[str, ...]:
        locks = self.locks(pipeline=pipeline)
        lock = locks.lock(Requirements.of(requirements), AMD)
        assert locks.keep() == ""
        return lock.requirements

    def lock(self, *sets, upgrade=False, pipeline="digits") -> set[str]:
        locks = self.locks(upgrade, pipeline)
        for requirements in sets:
            locks.lock(Requirements.of(requirements), AMD)
        locks.replace()
        return {pin for entry in read(self.path).values() for pin in entry.lock.requirements}


@pytest.fixture
def desk(tmp_path):
    folder = tmp_path / "desk"
    folder.mkdir()
    return Desk(folder)


def test_an_open_requirement_is_resolved_once(shelf, desk, no_uv):
    shelf.wheel("ant", "1.0")
    assert desk.compile("ant") == ("ant==1.0",)
    shelf.wheel("ant", "1.1")
    no_uv()
    assert desk.compile("ant") == ("ant==1.0",)
    assert desk.compile("Ant") == ("ant==1.0",)


def test_the_lock_is_the_same_as_when_it_was_resolved(shelf, desk):
    shelf.wheel("ant", needs=["bee"])
    shelf.wheel("bee")
    locks = desk.locks()
    lock = locks.lock(Requirements.of(["ant"]), AMD)
    locks.keep()
    assert desk.locks().lock(Requirements.of(["ant"]), AMD) == lock


def test_new_requirements_keep_to_the_versions_that_are_there(shelf, desk):
    for name in ("ant", "bee", "cow"):
        shelf.wheel(name, "1.0")
    desk.compile("ant", "bee")
    for name in ("ant", "bee", "cow"):
        shelf.wheel(name, "1.1")
    assert desk.compile("ant", "cow") == ("ant==1.0", "cow==1.1")
    assert desk.compile("ant>1", "bee") == ("ant==1.1", "bee==1.0")


def test_components_that_are_locked_together_agree(shelf, desk):
    shelf.wheel("ant", "1.0")
    shelf.wheel("ant", "1.1")
    shelf.wheel("bee", needs=["ant<1.1"])
    locks = desk.locks()
    assert locks.lock(Requirements.of(["bee", "ant"]), AMD).requirements == ("ant==1.0", "bee==1.0")
    assert locks.lock(Requirements.of(["ant"]), AMD).requirements == ("ant==1.0",)
    assert locks.lock(Requirements.of(["ant"]), ARM).requirements == ("ant==1.1",)  # its own matter


def test_platforms_and_what_is_provided_have_entries_of_their_own(shelf, desk):
    shelf.wheel("ant")
    shelf.wheel("bee")
    locks = desk.locks()
    for provided, target in [((), AMD), ((), ARM), (("bee",), AMD), ((), Target.for_image((3, 13)))]:
        locks.lock(Requirements.of(["ant"], provided=provided), target)
    locks.keep()
    assert len(read(desk.path)) == 4


def test_upgrades_of_all_or_of_some(shelf, desk):
    for name in ("ant", "bee"):
        shelf.wheel(name, "1.0")
    wanted = ("ant", "bee")
    assert desk.lock(wanted) == {"ant==1.0", "bee==1.0"}
    for name in ("ant", "bee"):
        shelf.wheel(name, "1.1")
    assert desk.lock(wanted) == {"ant==1.0", "bee==1.0"}
    assert desk.lock(wanted, upgrade={"bee"}) == {"ant==1.0", "bee==1.1"}
    assert desk.lock(wanted, upgrade=True) == {"ant==1.1", "bee==1.1"}


def test_an_upgrade_asks_the_index_though_the_cache_remembers(shelf, desk, cache):
    shelf.wheel("ant", "1.0")
    Locks(cache, desk.path, "digits").lock(Requirements.of(["ant"]), AMD)
    shelf.wheel("ant", "1.1")
    assert Locks(cache, desk.path, "digits").lock(Requirements.of(["ant"]), AMD).requirements == ("ant==1.0",)
    assert Locks(cache, desk.path, "digits", True).lock(Requirements.of(["ant"]), AMD).requirements == ("ant==1.1",)


def test_what_is_not_used_any_more_is_dropped(shelf, desk):
    for name in ("ant", "bee", "cow"):
        shelf.wheel(name)
    desk.lock(["ant"], ["bee"])
    desk.lock(["bee"], ["cow"], pipeline="letters")
    assert desk.lock(["ant"]) == {"ant==1.0", "bee==1.0", "cow==1.0"}  # bee is of letters, too
    assert desk.lock(["cow"], pipeline="letters") == {"ant==1.0", "cow==1.0"}


def test_entries_for_another_python_stay(shelf, desk):
    shelf.wheel("ant")
    shelf.wheel("bee")
    other = desk.locks()
    other.lock(Requirements.of(["ant"]), Target.for_image((3, 13)))
    other.keep()
    assert desk.lock(["bee"]) == {"ant==1.0", "bee==1.0"}
    assert [entry.pipelines for entry in read(desk.path).values()] == [("digits",), ("digits",)]


def test_compiling_drops_nothing(shelf, desk):
    shelf.wheel("ant")
    shelf.wheel("bee")
    desk.compile("ant")
    desk.compile("bee")
    assert len(read(desk.path)) == 2


def test_what_another_process_wrote_meanwhile_stays(shelf, desk):
    shelf.wheel("ant")
    shelf.wheel("bee")
    slow, fast = desk.locks(), desk.locks(pipeline="letters")
    slow.lock(Requirements.of(["ant"]), AMD)
    fast.lock(Requirements.of(["bee"]), AMD)
    fast.keep()
    slow.keep()
    assert [(key.requirements, entry.pipelines) for key, entry in sorted(read(desk.path).items(), key=str)] == [
        (("ant",), ("digits",)),
        (("bee",), ("letters",)),
    ]


def test_a_folder_that_cannot_be_written_is_a_warning(shelf, tmp_path):
    shelf.wheel("ant")
    locks = Locks(Cache(tmp_path / "cache"), tmp_path / "nowhere" / "fairing.lock", "digits")
    locks.lock(Requirements.of(["ant"]), AMD)
    assert "nowhere/fairing.lock cannot be written" in locks.keep()


def test_a_lock_that_is_whole_needs_no_writing(shelf, desk, monkeypatch):
    shelf.wheel("ant")
    desk.compile("ant")

    def read_only(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "fdopen", read_only)
    locks = desk.locks(pipeline="letters")
    locks.lock(Requirements.of(["ant"]), AMD)
    assert locks.keep() == ""


def test_no_address_of_an_index_is_kept(shelf, desk):
    shelf.wheel("ant")
    desk.compile("ant")
    assert "://" not in desk.path.read_text()
    assert str(shelf.folder) not in desk.path.read_text()


def test_kept_versions_for_a_run_here(shelf, desk):
    shelf.wheel("ant")
    here = Target.for_image(Target.for_host().python)
    locks = desk.locks()
    locks.lock(Requirements.of(["ant"]), here)
    locks.keep()
    assert desk.locks().versions(Requirements.of(["ant"])) == {"ant": "1.0"}
    assert desk.locks().versions(Requirements.of(["ant", "bee"])) == {}


def test_constraints_are_part_of_what_is_asked_for(shelf, desk):
    for version in ("1.0", "1.1"):
        shelf.wheel("ant", version)
    locks = desk.locks()
    assert locks.lock(Requirements.of(["ant"], constraints=["ant<1.1"]), AMD).requirements == ("ant==1.0",)
    locks.keep()
    assert [key.requirements for key in read(desk.path)] == [("ant", "-c ant<1.1")]


def test_files_with_hashes_are_locks_themselves(shelf, desk):
    shelf.wheel("ant")
    (pin,) = desk.locks().lock(Requirements.of(["ant"]), AMD).pins.values()
    locks = desk.locks()
    locks.lock(Requirements.of(["ant==1.0"], hashes={"ant==1": pin.hashes}), AMD)
    locks.keep()
    assert not desk.path.exists()


def test_what_is_kept_as_built_is_built_for_those_alone_who_ask_for_it(shelf, desk):
    shelf.source("ant")
    pins = {"ant": Pin("1.0", (f"sha256:{'1' * 64}",), built=True)}
    key = Key(("ant",), (), AMD)
    desk.path.write_text(dumps([Entry(key, pins)]))
    assert desk.locks().lock(Requirements.of(["ant"], build=True), AMD).built == ("ant",)
    with pytest.raises(DependencyError, match="only a source distribution"):
        desk.locks().lock(Requirements.of(["ant"]), AMD)
