"""The file fairing.lock: written, read, and refused if damaged."""

import stat
import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.dependencies import lock_file
from fairing_kfp.dependencies.base_lock import LockedBase
from fairing_kfp.dependencies.lock import Pin
from fairing_kfp.dependencies.lock_file import Entry, Key, change, dumps, loads, read, read_bases
from fairing_kfp.dependencies.target import Target
from fairing_kfp.errors import LockError

HASH = f"sha256:{'0' * 64}"
TARGET = Target((3, 12))
ENTRY = Entry(Key(("ant", 'bee; python_version > "3"'), ("cow",), TARGET), {"ant": Pin("1.0", (HASH,))}, ("digits",))

texts = st.lists(st.text(min_size=1), max_size=3).map(lambda found: tuple(sorted(set(found))))
pins = st.builds(
    Pin,
    st.from_regex(r"\A[0-9]{1,3}(\.[0-9]{1,3}){0,2}(\+cu12)?\Z"),
    st.lists(st.from_regex(r"\Asha256:[0-9a-f]{64}\Z"), min_size=1, max_size=3).map(lambda some: tuple(sorted(some))),
)
targets = st.builds(Target, st.tuples(st.just(3), st.integers(10, 20)), st.sampled_from(["linux/amd64", "linux/arm64"]))
entries = st.builds(
    Entry,
    st.builds(Key, texts, texts, targets),
    st.dictionaries(st.from_regex(r"\A[a-z0-9]+(-[a-z0-9]+)?\Z"), pins, max_size=3),
    texts,
)


@given(st.lists(entries, max_size=4, unique_by=lambda entry: entry.key))
def test_round_trip(tmp_path_factory, found):
    text = dumps(found)
    assert loads(text, tmp_path_factory.getbasetemp()) == {entry.key: entry for entry in found}
    assert dumps(reversed(found)) == text


def test_format(tmp_path):
    change(tmp_path / "fairing.lock", lambda _: {ENTRY.key: ENTRY})
    assert (tmp_path / "fairing.lock").read_text().partition("version = 1\n")[2] == (
        "\n[[locked]]\n"
        'requirements = [\n    "ant",\n    "bee; python_version > \\"3\\"",\n]\n'
        'provided = ["cow"]\npython = "3.12"\nplatform = "linux/amd64"\nlibc = "manylinux_2_28"\n'
        'pipelines = ["digits"]\n\n[locked.packages]\n'
        f'ant = {{ version = "1.0", hashes = ["{HASH}"] }}\n'
    )


def test_missing_file_has_no_entries(tmp_path):
    assert read(tmp_path / "fairing.lock") == {}


BASES = {
    "docker.io/library/python:3.11": LockedBase("docker.io/library/python:3.11", HASH, ("digits", "other")),
    "registry.example.com/cuda:12": LockedBase("registry.example.com/cuda:12", HASH, ("digits",)),
}


def test_base_images_are_kept_beside_the_entries(tmp_path):
    path = tmp_path / "fairing.lock"
    assert change(path, lambda _: {ENTRY.key: ENTRY}, lambda _: BASES)
    assert (read_bases(path), read(path)) == (BASES, {ENTRY.key: ENTRY})
    assert "version = 2\n" in path.read_text()
    assert not change(path, lambda entries: entries)
    assert read_bases(path) == BASES
    assert change(path, lambda entries: entries, lambda _: {})
    assert path.read_text() == TEXT


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (HASH, "sha256:12", "does not consist of an image, its digest and a list"),
        ('pipelines = ["digits"]', 'pipelines = "digits"', "and a list of pipelines"),
        ("digest = ", "hash = ", "its keys are not image, digest and pipelines"),
        ("[[base]]", "[base]", "a base image is malformed"),
    ],
)
def test_malformed_base_images_are_refused(old, new, message, tmp_path):
    path = tmp_path / "fairing.lock"
    path.write_text(dumps([], list(BASES.values())[1:]).replace(old, new))
    with pytest.raises(LockError, match=message):
        read_bases(path)


TEXT = dumps([ENTRY])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[[locked]]", "<<<<<<< HEAD\n[[locked]]", "line 5: the file has a merge conflict"),
        ("provided", "=======\nprovided", "line 10: the file has a merge"),
        ("[locked.packages]", "[locked.packages", "is not valid TOML: .*line"),
        ("version = 1\n", "version = 3\n", "has version 3, and this release of fairing-kfp supports version 2"),
        ("version = 1\n", "", "has version None"),
        ("[[locked]]", "[[unlocked]]", "contains more than"),
        ('python = "3.12"', 'python = "3"', "entry at line 5: '3' is not a Python version"),
        ('python = "3.12"', "", "entry at line 5: its keys are not"),
        ('platform = "linux/amd64"', "platform = 1", "platform is not a string"),
        ('provided = ["cow"]', 'provided = "cow"', "provided is not a list"),
        ('"1.0"', '"one"', "entry at line 5: ant does not consist of a version"),
        (HASH, "sha256:12", "ant does not consist of a version and hashes"),
        (f'["{HASH}"]', "[]", "ant does not consist of a version and hashes"),
        ("ant = {", "Ant = {", "Ant does not consist of a version"),
    ],
)
def test_damaged_file_is_reported_with_its_line(tmp_path, old, new, message):
    assert old in TEXT
    with pytest.raises(LockError, match=message) as caught:
        loads(TEXT.replace(old, new, 1), tmp_path / "fairing.lock")
    assert str(tmp_path / "fairing.lock") in str(caught.value)
    assert caught.value.remedy


def test_duplicate_entries(tmp_path):
    with pytest.raises(LockError, match="entry at line 19: another entry"):
        loads(TEXT + TEXT.partition("version = 1\n")[2], tmp_path)


def test_invalid_utf8(tmp_path):
    (tmp_path / "fairing.lock").write_bytes(b"\xff\xfe")
    with pytest.raises(LockError, match="is not UTF-8 text"):
        read(tmp_path / "fairing.lock")


def test_unchanged_file_is_not_written(tmp_path):
    path = tmp_path / "fairing.lock"
    change(path, lambda _: {})
    assert not path.exists()
    change(path, lambda _: {ENTRY.key: ENTRY})
    before = path.stat()
    change(path, lambda found: found)
    assert path.stat() == before


def test_mode_is_kept_and_no_temporary_file_remains(tmp_path):
    path = tmp_path / "fairing.lock"
    change(path, lambda _: {ENTRY.key: ENTRY})
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    path.chmod(0o664)
    change(path, lambda _: {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o664
    assert [one.name for one in tmp_path.iterdir()] == ["fairing.lock"]


def test_a_failure_leaves_the_file_unchanged(tmp_path, monkeypatch):
    path = tmp_path / "fairing.lock"
    change(path, lambda _: {ENTRY.key: ENTRY})
    before = path.read_text()

    def fail(*arguments):
        raise OSError(28, "No space left")

    monkeypatch.setattr(lock_file.Path, "replace", fail)
    with pytest.raises(OSError, match="No space"):
        change(path, lambda _: {})
    assert path.read_text() == before
    assert [one.name for one in tmp_path.iterdir()] == ["fairing.lock"]


def test_concurrent_changes_are_all_kept(tmp_path):
    path = tmp_path / "fairing.lock"
    keys = [Key((f"p{number}",), (), TARGET) for number in range(12)]
    begin = threading.Barrier(len(keys))

    def add(key):
        begin.wait()
        change(path, lambda found: {**found, key: replace(ENTRY, key=key)})

    threads = [threading.Thread(target=add, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read(path).keys() == set(keys)
