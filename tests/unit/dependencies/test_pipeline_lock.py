"""The lock of a pipeline: resolved by uv itself from hand-made wheels."""

import os
from pathlib import Path

import pytest

from fairing_kfp.cache.store import Cache
from fairing_kfp.dependencies.lock import Pin
from fairing_kfp.dependencies.lock_file import Entry, Key, dumps, read
from fairing_kfp.dependencies.pipeline_lock import PipelineLock
from fairing_kfp.dependencies.requirements import Requirements
from fairing_kfp.dependencies.target import Target
from fairing_kfp.errors import DependencyError

AMD, ARM = Target.for_image((3, 12)), Target.for_image((3, 12), "linux/arm64")


class Desk:
    """An author with a lock file, and a new cache each time."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "fairing.lock"
        self._folder = folder
        self._times = 0

    def locks(self, upgrade=False, pipeline="digits") -> PipelineLock:
        self._times += 1
        return PipelineLock(Cache(self._folder / f"cache-{self._times}"), self.path, pipeline, upgrade)

    def compile(self, *requirements, pipeline="digits") -> tuple[str, ...]:
        locks = self.locks(pipeline=pipeline)
        lock = locks.lock(Requirements.parse(requirements), AMD)
        assert locks.save() == ""
        return lock.requirements

    def lock(self, *sets, upgrade=False, pipeline="digits") -> set[str]:
        locks = self.locks(upgrade, pipeline)
        for requirements in sets:
            locks.lock(Requirements.parse(requirements), AMD)
        locks.rewrite()
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
    lock = locks.lock(Requirements.parse(["ant"]), AMD)
    locks.save()
    assert desk.locks().lock(Requirements.parse(["ant"]), AMD) == lock


def test_new_requirements_prefer_locked_versions(shelf, desk):
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
    assert locks.lock(Requirements.parse(["bee", "ant"]), AMD).requirements == ("ant==1.0", "bee==1.0")
    assert locks.lock(Requirements.parse(["ant"]), AMD).requirements == ("ant==1.0",)
    assert locks.lock(Requirements.parse(["ant"]), ARM).requirements == ("ant==1.1",)  # another platform


def test_entries_per_platform_and_provided_packages(shelf, desk):
    shelf.wheel("ant")
    shelf.wheel("bee")
    locks = desk.locks()
    for provided, target in [((), AMD), ((), ARM), (("bee",), AMD), ((), Target.for_image((3, 13)))]:
        locks.lock(Requirements.parse(["ant"], provided=provided), target)
    locks.save()
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


def test_an_upgrade_ignores_the_cache(shelf, desk, cache):
    shelf.wheel("ant", "1.0")
    PipelineLock(cache, desk.path, "digits").lock(Requirements.parse(["ant"]), AMD)
    shelf.wheel("ant", "1.1")
    assert PipelineLock(cache, desk.path, "digits").lock(Requirements.parse(["ant"]), AMD).requirements == ("ant==1.0",)
    assert PipelineLock(cache, desk.path, "digits", True).lock(Requirements.parse(["ant"]), AMD).requirements == (
        "ant==1.1",
    )


def test_unused_entries_are_removed(shelf, desk):
    for name in ("ant", "bee", "cow"):
        shelf.wheel(name)
    desk.lock(["ant"], ["bee"])
    desk.lock(["bee"], ["cow"], pipeline="letters")
    assert desk.lock(["ant"]) == {"ant==1.0", "bee==1.0", "cow==1.0"}  # the pipeline "letters" also uses bee
    assert desk.lock(["cow"], pipeline="letters") == {"ant==1.0", "cow==1.0"}


def test_entries_for_another_python_stay(shelf, desk):
    shelf.wheel("ant")
    shelf.wheel("bee")
    other = desk.locks()
    other.lock(Requirements.parse(["ant"]), Target.for_image((3, 13)))
    other.save()
    assert desk.lock(["bee"]) == {"ant==1.0", "bee==1.0"}
    assert [entry.pipelines for entry in read(desk.path).values()] == [("digits",), ("digits",)]


def test_compiling_removes_no_entries(shelf, desk):
    shelf.wheel("ant")
    shelf.wheel("bee")
    desk.compile("ant")
    desk.compile("bee")
    assert len(read(desk.path)) == 2


def test_entries_of_another_process_are_kept(shelf, desk):
    shelf.wheel("ant")
    shelf.wheel("bee")
    slow, fast = desk.locks(), desk.locks(pipeline="letters")
    slow.lock(Requirements.parse(["ant"]), AMD)
    fast.lock(Requirements.parse(["bee"]), AMD)
    fast.save()
    slow.save()
    assert [(key.requirements, entry.pipelines) for key, entry in sorted(read(desk.path).items(), key=str)] == [
        (("ant",), ("digits",)),
        (("bee",), ("letters",)),
    ]


def test_a_folder_that_cannot_be_written_is_a_warning(shelf, tmp_path):
    shelf.wheel("ant")
    locks = PipelineLock(Cache(tmp_path / "cache"), tmp_path / "nowhere" / "fairing.lock", "digits")
    locks.lock(Requirements.parse(["ant"]), AMD)
    assert "nowhere/fairing.lock (No such file" in locks.save()


def test_a_complete_lock_is_not_written(shelf, desk, monkeypatch):
    shelf.wheel("ant")
    desk.compile("ant")

    def read_only(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "fdopen", read_only)
    locks = desk.locks(pipeline="letters")
    locks.lock(Requirements.parse(["ant"]), AMD)
    assert locks.save() == ""


def test_index_urls_are_not_recorded(shelf, desk):
    shelf.wheel("ant")
    desk.compile("ant")
    assert "://" not in desk.path.read_text()
    assert str(shelf.folder) not in desk.path.read_text()


def test_locked_versions_for_a_run_on_this_machine(shelf, desk):
    shelf.wheel("ant")
    here = Target.for_image(Target.for_host().python)
    locks = desk.locks()
    locks.lock(Requirements.parse(["ant"]), here)
    locks.save()
    assert desk.locks().locked_versions(Requirements.parse(["ant"])) == {"ant": "1.0"}
    assert desk.locks().locked_versions(Requirements.parse(["ant", "bee"])) == {}


def test_constraints_are_part_of_an_entry(shelf, desk):
    for version in ("1.0", "1.1"):
        shelf.wheel("ant", version)
    locks = desk.locks()
    assert locks.lock(Requirements.parse(["ant"], constraints=["ant<1.1"]), AMD).requirements == ("ant==1.0",)
    locks.save()
    assert [key.requirements for key in read(desk.path)] == [("ant", "-c ant<1.1")]


def test_files_with_hashes_are_locks_themselves(shelf, desk):
    shelf.wheel("ant")
    (pin,) = desk.locks().lock(Requirements.parse(["ant"]), AMD).pins.values()
    locks = desk.locks()
    locks.lock(Requirements.parse(["ant==1.0"], hashes={"ant==1": pin.hashes}), AMD)
    locks.save()
    assert not desk.path.exists()


def test_locked_builds_are_used_only_with_build_enabled(shelf, desk):
    shelf.source("ant")
    pins = {"ant": Pin("1.0", (f"sha256:{'1' * 64}",), built=True)}
    key = Key(("ant",), (), AMD)
    desk.path.write_text(dumps([Entry(key, pins)]))
    assert desk.locks().lock(Requirements.parse(["ant"], build=True), AMD).built == ("ant",)
    with pytest.raises(DependencyError, match="only a source distribution"):
        desk.locks().lock(Requirements.parse(["ant"]), AMD)
