"""Newer versions that are passed over for lack of a wheel are named, with the reason; uv itself resolves."""

import pytest

from fairing_kfp.dependencies.pipeline_lock import PipelineLock
from fairing_kfp.dependencies.requirements import Requirements
from fairing_kfp.dependencies.resolve import resolve
from fairing_kfp.dependencies.target import Target

IMAGE = Target.for_image((3, 12))


@pytest.fixture
def needs_source(shelf):
    """A package whose newer versions need one without a wheel, and one whose own newest has none."""
    shelf.wheel("ant", "1.0")
    shelf.wheel("ant", "1.2", needs=["nut>=2"])
    shelf.wheel("ant", "2.0", needs=["nut"])
    shelf.source("nut", "1.0")
    shelf.source("nut", "2.0")
    shelf.wheel("ant", "3.0rc1")
    shelf.wheel("own", "1.0")
    shelf.source("own", "1.5")


def test_newer_versions_that_need_a_package_without_a_wheel_are_named(needs_source, cache):
    (note,) = resolve(["ant"], IMAGE, cache).notes

    assert note == (
        "packages for Python 3.12 on linux/amd64 (manylinux_2_28): ant 1.0 was chosen, not 2.0: for newer versions nut "
        'has no wheel for it, only a source distribution; require "ant==2.0" with build=True to build it here, or '
        '"ant==1.0" if that is the right one'
    )
    assert resolve(["ant"], IMAGE, cache).notes == (note,)  # of the cached lock, too


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["own"], ["own 1.0 was chosen, not 1.5: for newer versions own has no wheel"]),
        (["ant<2"], ["ant 1.0 was chosen, not 1.2: for newer versions nut has no wheel"]),
        (["ant>=1", "own>=1"], ["ant 1.0 was chosen, not 2.0", "own 1.0 was chosen, not 1.5"]),
        (["ant==1.0", "own==1.0"], []),
        (["ant<1.1"], []),
        (["bee"], []),
        (["bee<2"], []),
        (["cow", "bee"], []),
        (["ant; python_version < '3.9'", "bee"], []),
    ],
)
def test_what_is_reported(needs_source, shelf, cache, lines, expected):
    for version in ("1.0", "2.0"):
        shelf.wheel("bee", version)
    shelf.wheel("cow", needs=["bee<2"])

    notes = resolve(lines, IMAGE, cache).notes
    assert len(notes) == len(expected)
    assert all(part in note for part, note in zip(expected, notes, strict=True)), notes


def test_constraints_and_preferred_versions_are_respected(needs_source, cache):
    assert not resolve(Requirements.parse(["ant"], constraints=["ant<1.1"]), IMAGE, cache).notes
    assert not resolve(["ant"], IMAGE, cache, {"ant": "1.0"}).notes


def test_a_lock_file_is_written_with_notes_and_read_without(needs_source, cache, tmp_path):
    for expected in (1, 0):
        lock = PipelineLock(cache, tmp_path / "fairing.lock", "line")
        lock.lock(Requirements.parse(["ant"]), IMAGE)
        lock.save()
        assert len(lock.notes) == expected


def test_exact_pins_cost_no_call(needs_source, cache, monkeypatch):
    from fairing_kfp.dependencies import uv

    calls = []
    run = uv.run_pip
    monkeypatch.setattr(uv, "run_pip", lambda command, *given, **more: calls.append(command) or run(command, *given))
    resolve(["ant==1.0", "own==1.0"], IMAGE, cache)
    assert calls == ["compile"]
    resolve(["ant<1.1"], IMAGE, cache)
    assert calls == ["compile", "compile", "list", "compile"]
