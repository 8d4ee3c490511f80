"""The text of fairing.lock: written, read back, and refused when it was damaged."""

import stat
import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.errors import LockError
from fairing_kfp.preprocess import lock_file
from fairing_kfp.preprocess.lock import Pin, Target
from fairing_kfp.preprocess.lock_file import Entry, Key, change, dumps, loads, read

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
def test_what_was_written_is_read_back(tmp_path_factory, found):
    text = dumps(found)
    assert loads(text, tmp_path_factory.getbasetemp()) == {entry.key: entry for entry in found}
    assert dumps(reversed(found)) == text


def test_its_form(tmp_path):
    change(tmp_path / "fairing.lock", lambda _: {ENTRY.key: ENTRY})
    assert (tmp_path / "fairing.lock").read_text().partition("version = 1\n")[2] == (
        "\n[[locked]]\n"
        'requirements = [\n    "ant",\n    "bee; python_version > \\"3\\"",\n]\n'
        'provided = ["cow"]\npython = "3.12"\nplatform = "linux/amd64"\nlibc = "manylinux_2_28"\n'
        'pipelines = ["digits"]\n\n[locked.packages]\n'
        f'ant = {{ version = "1.0", hashes = ["{HASH}"] }}\n'
    )


def test_no_file_has_no_entries(tmp_path):
    assert read(tmp_path / "fairing.lock") == {}


TEXT = dumps([ENTRY])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[[locked]]", "<<<<<<< HEAD\n[[locked]]", "line 5: two versions of the file were merged"),
        ("provided", "=======\nprovided", "line 10: two versions"),
        ("[locked.packages]", "[locked.packages", "is not valid TOML: .*line"),
        ("version = 1\n", "version = 2\n", "has the form 2, and this release"),
        ("version = 1\n", "", "has the form None"),
        ("[[locked]]", "[[unlocked]]", "holds something else"),
        ('python = "3.12"', 'python = "3"', "entry at line 5: '3' is no Python version"),
        ('python = "3.12"', "", "entry at line 5: it has not just"),
        ('platform = "linux/amd64"', "platform = 1", "platform is not a string"),
        ('provided = ["cow"]', 'provided = "cow"', "provided is not a list"),
        ('"1.0"', '"one"', "entry at line 5: ant has not just a version"),
        (HASH, "sha256:12", "ant has not just a version and hashes"),
        (f'["{HASH}"]', "[]", "ant has not just a version and hashes"),
        ("ant = {", "Ant = {", "Ant has not just a version"),
    ],
)
def test_a_damaged_file_is_told_with_its_line(tmp_path, old, new, message):
    assert old in TEXT
    with pytest.raises(LockError, match=message) as caught:
        loads(TEXT.replace(old, new, 1), tmp_path / "fairing.lock")
    assert str(tmp_path / "fairing.lock") in str(caught.value)
    assert caught.value.remedy


def test_two_entries_for_the_same_are_refused(tmp_path):
    with pytest.raises(LockError, match="entry at line 19: there is another"):
        loads(TEXT + TEXT.partition("version = 1\n")[2], tmp_path)


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "fairing.lock").write_bytes(b"\xff\xfe")
    with pytest.raises(LockError, match="is not text"):
        read(tmp_path / "fairing.lock")


def test_a_file_that_stays_the_same_is_not_written(tmp_path):
    path = tmp_path / "fairing.lock"
    change(path, lambda _: {})
    assert not path.exists()
    change(path, lambda _: {ENTRY.key: ENTRY})
    before = path.stat()
    change(path, lambda found: found)
    assert path.stat() == before


def test_its_mode_stays_and_nothing_is_left_beside(tmp_path):
    path = tmp_path / "fairing.lock"
    change(path, lambda _: {ENTRY.key: ENTRY})
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    path.chmod(0o664)
    change(path, lambda _: {})
    assert stat.S_IMODE(path.stat().st_mode) == 0o664
    assert [one.name for one in tmp_path.iterdir()] == ["fairing.lock"]


def test_a_failure_leaves_the_file_as_it_was(tmp_path, monkeypatch):
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


def test_changes_side_by_side_are_all_kept(tmp_path):
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
