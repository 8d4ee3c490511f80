"""Locks: parsed, filtered and identified by their digest."""

from __future__ import annotations

import re

import pytest

from fairing_kfp.dependencies.lock import Lock, Pin
from fairing_kfp.dependencies.target import Target
from fairing_kfp.errors import DependencyError

IMAGE = Target.for_image((3, 12))
HOST = Target.for_host()


def test_requirements_file_is_parsed_and_sorted() -> None:
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
    lock = Lock.from_requirements_file(IMAGE, text)
    assert lock.text == (
        "ant==1 \\\n    --hash=sha256:33\n"
        "ant-hill==1 \\\n    --hash=sha256:44\n"
        "bee==2 \\\n    --hash=sha256:11 \\\n    --hash=sha256:22\n"
    )
    assert Lock.from_requirements_file(Target.for_image((3, 11)), text).requirements[-1] == "bee==1"


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


def test_pylock_becomes_sorted_pins_without_urls() -> None:
    lock = Lock.from_pylock(IMAGE, PYLOCK)
    assert lock.text == (
        "ant-hill==1 \\\n    --hash=sha256:33\nbee==2 \\\n    --hash=sha256:11 \\\n    --hash=sha256:22\n"
    )
    assert lock.pins == {"ant-hill": Pin("1", ("sha256:33",)), "bee": Pin("2", ("sha256:11", "sha256:22"))}
    assert lock.requirements == ("ant-hill==1", "bee==2")
    assert lock.only("ant-hill").text == "ant-hill==1 \\\n    --hash=sha256:33\n"
    assert Lock.from_pins(IMAGE, lock.pins) == lock


def test_a_wheel_without_a_hash_is_refused() -> None:
    with pytest.raises(DependencyError, match="no hashes of the files of bee 2"):
        Lock.from_pylock(IMAGE, PYLOCK.replace('{ sha256 = "22" }', "{}").replace('{ sha256 = "11" }', "{}"))


def test_digest_depends_on_text_and_target() -> None:
    locks = [Lock(target, text) for target in (IMAGE, Target.for_image((3, 13)), HOST) for text in ("", "ant==1\n")]
    assert len({lock.digest for lock in locks}) == 6
    assert all(re.fullmatch("sha256:[0-9a-f]{64}", lock.digest) for lock in locks)


def test_built_packages() -> None:
    lock = Lock.from_pins(IMAGE, {"ant": Pin("1", ("sha256:11",), built=True), "bee": Pin("1", ("sha256:22",))})
    assert lock.built == ("ant",)
    assert Lock.from_pins(IMAGE, lock.pins) == lock
    assert lock.requirements == ("ant==1", "bee==1")
