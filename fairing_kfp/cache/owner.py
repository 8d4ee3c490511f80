"""Who can change a cache: nothing in a folder that others can write gets into an image."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from fairing_kfp.errors import CacheError

TRUST = "FAIRING_KFP_TRUST_CACHE"
"""The variable that trusts all owners."""

_ROOT = 0  # the id of the user and of the group
_MOST_LINKS = 40


def check_owner(root: Path) -> None:
    """Checks that only this user and root can change or replace a cache, as far as its folder exists.

    The folders that contain it count, too; in those with the sticky bit, such as `/tmp`, only owners replace entries.
    Root, and processes in root's group as OpenShift runs them, accept folders of any owner, such as the mounted volumes
    of CI. Nothing is checked on systems without numeric owners, nor with `FAIRING_KFP_TRUST_CACHE=1`, for containers
    without other users, whose volumes everybody can write.

    Args:
        root: the cache.

    Raises:
        CacheError: somebody else can write a folder, or owns it, or this user cannot read one.
    """
    if not hasattr(os, "geteuid") or os.environ.get(TRUST) == "1":  # Windows has none
        return
    place = Path(os.path.abspath(root))  # noqa: PTH100 - does not follow links
    try:
        found = ((cause, folder) for folder in _folders(place) if (cause := _cause(folder, place)))
        cause, folder = next(found, ("", place))
    except OSError as error:
        raise CacheError(
            f"the cache {root} cannot be read: {error.strerror} ({error.filename})",
            "set FAIRING_KFP_CACHE to a folder of yours",
        ) from error
    if cause:
        raise CacheError(
            f"the cache {root} is not used, because {folder} {cause}, who could change what gets into images",
            f"set FAIRING_KFP_CACHE to a folder of yours, remove the cache and run chmod go-w {folder} as its owner, "
            f"or set {TRUST}=1 in a container without other users",
        )


def create(root: Path) -> None:
    """Creates a cache and the missing folders above it, for this user alone."""
    missing = [folder for folder in (root, *root.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700, exist_ok=True)


def _folders(place: Path, links: int = 0) -> Iterator[Path]:
    """The existing folders whose owners can change or replace a folder: those above it, and itself with its own."""
    for folder in (*reversed(place.parents), place):
        if folder.is_symlink() and links < _MOST_LINKS:
            yield from _folders(Path(os.path.abspath(folder.parent / folder.readlink())), links + 1)  # noqa: PTH100
        if not folder.is_dir():
            return
        yield folder
    if stat.S_IMODE(place.stat().st_mode) & 0o077:
        yield from (one for one in sorted(place.iterdir()) if one.is_dir())


def _cause(folder: Path, root: Path) -> str:
    """What lets others change a folder; empty if nothing does."""
    status = folder.stat()
    if status.st_uid not in (_ROOT, os.geteuid()) and not _is_root():
        return f"belongs to {_user(status.st_uid)}"
    holds_others = folder != root and root not in folder.parents
    if status.st_mode & stat.S_ISVTX and holds_others:
        return ""
    if status.st_mode & stat.S_IWOTH:
        return "can be written by everybody"
    if status.st_mode & stat.S_IWGRP and (others := _others(status.st_gid)):
        return f"can be written by {others}"
    return ""


def _is_root() -> bool:
    return os.geteuid() == _ROOT or _ROOT in (os.getegid(), *os.getgroups())


def _user(number: int) -> str:
    import pwd

    try:
        return f"the user {pwd.getpwuid(number).pw_name}"
    except KeyError:
        return f"the user {number}"


def _others(group: int) -> str:
    """Who else is in a group; empty for root's, and for those of one user alone, as most systems give each user."""
    import grp
    import pwd

    if group == _ROOT:
        return ""
    mine = {_ROOT, os.geteuid()}
    names = {one.pw_name for one in pwd.getpwall() if one.pw_gid == group and one.pw_uid not in mine}
    try:
        found = grp.getgrgid(group)
    except KeyError:
        return f"the group {group}, with {min(names)}" if names else ""
    own = {one.pw_name for one in pwd.getpwall() if one.pw_uid in mine}
    names |= set(found.gr_mem) - own
    return f"the group {found.gr_name}, with {min(names)}" if names else ""
