"""What the caches of all tests share: a test has a cache of its own, but nothing is packed twice."""

from __future__ import annotations

from pathlib import Path

_OF_CONTENT = (
    *("blobs", "trees", "roots", "seals", "python", "pycache"),
    *(f"records/{kind}" for kind in ("package-groups", "unpacked", "lock", "libc", "content", "outline", "compressed")),
)
"""What depends on its key alone, and not on what ran before or what a registry has."""


def link_content(root: Path, shared: Path) -> None:
    """Lets a cache use what another one has unpacked, packed and compressed, and add to it."""
    (root / "records").mkdir(parents=True, mode=0o700)
    for name in _OF_CONTENT:
        (root / name).symlink_to(shared / name)


def make_content(shared: Path) -> Path:
    """Makes the folders that `link_content` links to."""
    for name in _OF_CONTENT:
        (shared / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    return shared
