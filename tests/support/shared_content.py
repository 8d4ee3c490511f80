"""What the caches of all tests share: a test has a cache of its own, but nothing is packed twice."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_OF_CONTENT = (
    *("blobs", "trees", "roots", "seals", "python", "pycache"),
    *(
        f"records/{kind}"
        for kind in ("package-groups", "unpacked", "libc", "content", "outline", "compressed", "byte-code")
    ),
)
"""What depends on its key alone, and not on what ran before, or on what a registry or package index has."""

_UNUSED = sorted([("cache", False), ("records", False), *((Path(name).name, True) for name in _OF_CONTENT)])


def link_content(root: Path, shared: Path) -> None:
    """Lets a cache use what another one has unpacked, packed and compressed, and add to it."""
    (root / "records").mkdir(parents=True, mode=0o700)
    for name in _OF_CONTENT:
        (root / name).symlink_to(shared / name)


class Folders:
    """Folders of tests, each with a linked cache. Most tests leave theirs as it was: the next one gets it."""

    def __init__(self, parent: Path, shared: Path) -> None:
        self.parent, self._shared = parent, shared
        self._unused: Path | None = None

    def take(self) -> Path:
        """A folder with nothing but the folder `cache`, which `link_content` made."""
        folder, self._unused = self._unused, None
        if folder is None:
            # Not tmp_path_factory.mktemp: it lists all folders of the session each time.
            folder = Path(tempfile.mkdtemp(prefix="isolated-", dir=self.parent))
            link_content(folder / "cache", self._shared)
        return folder

    def give_back(self, folder: Path) -> None:
        """Says that a test has ended."""
        if sorted(entry for part in ("", "cache", "cache/records") for entry in _entries(folder / part)) == _UNUSED:
            self._unused = folder


def _entries(folder: Path) -> list[tuple[str, bool]]:
    """The names in a folder, and whether they are links."""
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return [(entry.name, entry.is_symlink()) for entry in entries]


def make_content(shared: Path) -> Path:
    """Makes the folders that `link_content` links to."""
    for name in _OF_CONTENT:
        (shared / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    return shared
