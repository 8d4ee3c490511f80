"""Caches that others could change."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from fairing_kfp.cache import owner
from fairing_kfp.cache.owner import check_owner
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import CacheError

ME, OTHER = 4001, 4002


@pytest.fixture
def owners() -> dict[Path, int]:
    """The owners of folders and of what they contain; root owns the others."""
    return {}


@pytest.fixture
def home(tmp_path: Path, owners: dict[Path, int], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user 4001, whose group has the same number; all that exists above it belongs to root."""
    place = tmp_path / "home"
    place.mkdir(mode=0o700)
    owners[place] = ME
    real = Path.stat

    def status(path: Path, **options: bool) -> object:
        found = real(path, **options)
        uid = next((owners[one] for one in (path, *path.parents) if one in owners), 0)
        mode = found.st_mode if path.is_relative_to(place) else 0o40755
        return SimpleNamespace(st_uid=uid, st_gid=uid, st_mode=mode)

    monkeypatch.setattr(owner.Path, "stat", status)
    monkeypatch.setattr(owner.os, "geteuid", lambda: ME)
    monkeypatch.setattr(owner.os, "getegid", lambda: ME)
    monkeypatch.setattr(owner.os, "getgroups", lambda: [ME])
    return place


def refusal(root: Path) -> str:
    with pytest.raises(CacheError) as caught:
        check_owner(root)
    assert "FAIRING_KFP_CACHE" in str(caught.value)
    return str(caught.value)


def folder(parent: Path, name: str = "cache", mode: int = 0o700) -> Path:
    (parent / name).mkdir()
    (parent / name).chmod(mode)
    return parent / name


def test_private_folders(home: Path) -> None:
    check_owner(home / "missing/cache")
    check_owner(folder(home))
    check_owner(folder(home, "readable", 0o755))


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o757])
def test_a_folder_that_everybody_can_write(home: Path, mode: int) -> None:
    root = folder(home, mode=mode)
    assert f"{root} can be written by everybody" in refusal(root)


def test_groups(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import grp
    import pwd

    root = folder(home, mode=0o770)
    me = SimpleNamespace(pw_name="me", pw_uid=ME, pw_gid=ME)
    other = SimpleNamespace(pw_name="other", pw_uid=OTHER, pw_gid=OTHER)
    monkeypatch.setattr(pwd, "getpwall", lambda: [me, other])
    monkeypatch.setattr(grp, "getgrgid", lambda _: SimpleNamespace(gr_name="team", gr_mem=["me"]))
    check_owner(root)
    monkeypatch.setattr(grp, "getgrgid", lambda _: SimpleNamespace(gr_name="team", gr_mem=["me", "other"]))
    assert "the group team, with other" in refusal(root)
    monkeypatch.setattr(grp, "getgrgid", lambda _: SimpleNamespace(gr_name="team", gr_mem=[]))
    other.pw_gid = ME
    assert "the group team, with other" in refusal(root)


def test_owners(home: Path, owners: dict[Path, int], monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder(folder(home, "shared"))
    owners[root] = OTHER
    assert f"{root} belongs to the user {OTHER}" in refusal(root)
    owners[root] = 0
    check_owner(root)
    owners[root.parent] = OTHER
    assert f"{root.parent} belongs to" in refusal(root / "missing")
    monkeypatch.setattr(owner.os, "geteuid", lambda: 0)  # root in a container, with the volume of another user
    check_owner(root)
    monkeypatch.setattr(owner.os, "geteuid", lambda: ME)
    monkeypatch.setattr(owner.os, "getgroups", lambda: [ME, 0])  # OpenShift
    check_owner(root)


def test_folders_above(home: Path) -> None:
    above = folder(home, "above", 0o777)
    root = folder(above)
    assert f"{above} can be written" in refusal(root)
    assert f"{above} can be written" in refusal(above / "missing")
    above.chmod(0o1777)  # as /tmp is
    check_owner(root)


def test_folders_within(home: Path) -> None:
    root = folder(home, mode=0o755)
    inner = folder(root, "trees", 0o777)
    assert f"{inner} can be written" in refusal(root)
    root.chmod(0o700)  # nobody else gets there
    check_owner(root)


def test_links(home: Path) -> None:
    above = folder(home, "above", 0o777)
    (home / "link").symlink_to(folder(above))
    assert f"{above} can be written" in refusal(home / "link")
    assert f"{above} can be written" in refusal(home / "link/inner")
    (home / "loop").symlink_to("loop")
    check_owner(home / "loop")
    (home / "hop").symlink_to("above/next")
    (above / "next").symlink_to("../safe")
    folder(home, "safe")
    assert f"{above} can be written" in refusal(home / "hop")


def test_systems_without_owners(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = folder(home, mode=0o777)
    monkeypatch.delattr(owner.os, "geteuid")
    check_owner(root)


def test_nothing_in_a_refused_cache_is_used(tmp_path: Path) -> None:
    root = tmp_path / "cache"
    digest = Cache(root).put_blob(b"x")
    Cache(root).put_record("kind", "key", 1)
    root.chmod(0o777)
    cache = Cache(root)
    for use in (
        lambda: cache.blob(digest),
        lambda: cache.blob_path(digest),
        lambda: cache.put_blob(b"y"),
        lambda: cache.record("kind", "key"),
        lambda: cache.put_record("kind", "key", 2),
        lambda: cache.folder("trees", "one", lambda scratch: scratch),
        lambda: cache.use("trees", "one"),
        lambda: cache.scratch().__enter__(),
        lambda: cache.writing().__enter__(),
    ):
        with pytest.raises(CacheError, match="can be written by everybody"):
            use()
    root.chmod(0o700)
    assert cache.record("kind", "key") == 1
    assert Cache.temporary(root).record("kind", "key") == 1


def test_new_caches_are_private(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        cache = Cache(tmp_path / "a/b/cache")
        cache.put_record("kind", "key", 1)
        cache.use("trees", "one")
    finally:
        os.umask(before)
    for path in (tmp_path / "a", tmp_path / "a/b", cache.root):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    files = [path for path in cache.root.rglob("*") if path.is_file()]
    assert files
    assert all(not stat.S_IMODE(path.stat().st_mode) & 0o077 for path in files)


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(owner.Path, "is_symlink", denied)
    assert "cannot be read: Permission denied (/)" in refusal(tmp_path / "cache")


def test_a_container_without_other_users_trusts_its_volumes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    volume = folder(home, "volume", 0o777)
    assert "can be written by everybody" in refusal(volume / "cache")
    monkeypatch.setenv(owner.TRUST, "1")
    check_owner(volume / "cache")
