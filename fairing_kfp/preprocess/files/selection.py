"""The files of a folder that go into an image."""

from __future__ import annotations

import difflib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import field
from itertools import islice
from pathlib import Path

from fairing_kfp.errors import PackError
from fairing_kfp.frozen import dataclass
from fairing_kfp.preprocess.files.default_ignores import is_environment, is_ignored
from fairing_kfp.preprocess.files.ignore import Ignore, Matched, Pattern, clean
from fairing_kfp.preprocess.secrets.file_names import is_key_file

IGNORE_FILES = (".dockerignore", ".fairingignore")
_MAX_BYTES = 1_000_000_000  # a layer needs four times that in memory, and each edit uploads all of them
_MAX_FILES = 100_000
_MAX_SUGGESTIONS = 5_000  # names to compare with a misspelt one


@dataclass(frozen=True)
class Selection:
    """Files of a folder.

    Files found by folders and globs are taken unless an ignore file or a default leaves them out; files that are named
    are always taken. Symbolic links are followed.

    Attributes:
        root: the folder; its `.dockerignore` and `.fairingignore` apply.
        include: files, folders and globs (see `ignore.Pattern`), relative to `root`. A folder that a glob matches is
            taken in full; `.` is the whole folder.
        exclude: patterns as in an ignore file. They also apply to files that are named.
    """

    root: Path
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def files(self) -> dict[str, Path]:
        """The files by their paths relative to `root`, in order. Reads only ignore files and small JSON files.

        Raises:
            PackError: an item of `include` finds nothing or is outside the folder, a pattern is malformed, a link
                points outside the folder, a file is a socket or device, or the files are too many or too large.
        """
        search = _Search(self.root.resolve(), ignored_in(self.root), Ignore.of(self.exclude))
        for item in self.include:
            search.add(item)
        search.check_size()
        return {place: search.found[place][0] for place in sorted(search.found)}


def ignored_in(root: Path) -> Ignore:
    """Reads the ignore files of a folder.

    Raises:
        PackError: one cannot be read, or a pattern is malformed.
    """
    ignore = Ignore()
    for name in IGNORE_FILES:
        try:
            ignore += Ignore.parse((root / name).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise PackError(f"cannot read {root / name}: {error}", "make it a readable UTF-8 file") from error
        except PackError as error:
            raise PackError(f"{root / name}: {error.message}", error.remedy) from None
    return ignore


@dataclass(frozen=True)
class _Folder:
    """A folder of a walk.

    Attributes:
        place: its path relative to the root.
        path: its real path.
        above: the folders above it.
        ignored: the patterns of ignore files that match it.
        excluded: the patterns of `exclude` that match it.
        wanted: whether its files are selected, unless a rule leaves them out.
    """

    place: str
    path: Path
    above: tuple[_Folder, ...] = ()
    ignored: Matched = ()
    excluded: Matched = ()
    wanted: bool = True

    def child(self, name: str) -> str:
        """The path of an entry, relative to the root."""
        return f"{self.place}/{name}" if self.place else name


@dataclass
class _Search:
    """A search for files in a folder.

    Attributes:
        root: the folder's real path.
        ignore: the patterns of its ignore files.
        exclude: the patterns of `exclude`, which also apply to files that are named.
        found: the files with their sizes, by paths relative to the root.
    """

    root: Path
    ignore: Ignore
    exclude: Ignore
    found: dict[str, tuple[Path, int]] = field(default_factory=dict)
    _left_out: str = ""

    def add(self, item: str) -> None:
        """Adds a file, the files of a folder, or the matches of a glob."""
        place = clean(item)
        if item.startswith("/") or place.split("/")[0] == "..":
            raise PackError(
                f"{item!r} is an absolute path, or outside {self.root}",
                'use a path relative to that folder; for files from elsewhere, use files={"…": "…"}',
            )
        self._left_out = ""
        taken = self._add_named(place) if os.path.lexists(self.root / place) else self._add_glob(place)
        if not taken:
            raise self._nothing(item, place)

    def _add_named(self, place: str) -> bool:
        """Adds a file, or the files of a folder. Returns whether there was any."""
        real = self._real(self.root / place)
        if real.is_dir():
            return self._take(self._walk(self._enter(place, real)))
        if self.exclude.ignores(place):
            self._left_out = f"{place} (by exclude=)"
            return False
        return self._take(iter([(place, real)]))

    def _add_glob(self, place: str) -> bool:
        """Adds the matches of a glob. Returns whether there was any. Walks only folders that may contain some."""
        glob = Pattern(place)
        start = glob.start.rpartition("/")[0]
        folder = self.root / start
        if not glob.is_wild() or not folder.is_dir():
            return False
        return self._take(self._walk(self._enter(start, self._real(folder), wanted=False), glob))

    def _enter(self, place: str, path: Path, *, wanted: bool = True) -> _Folder:
        """The folder in which a walk starts, with the patterns that match it or a folder above it."""
        ignored: Matched = ()
        excluded: Matched = ()
        parts = place.split("/") if place else []
        for depth in range(1, len(parts) + 1):
            ignored = self.ignore.match("/".join(parts[:depth]), ignored)[1]
            excluded = self.exclude.match("/".join(parts[:depth]), excluded)[1]
        return _Folder(place, path, (), ignored, excluded, wanted)

    def _take(self, files: Iterator[tuple[str, Path]]) -> bool:
        taken = False
        for place, path in files:
            if not path.is_file():
                raise PackError(
                    f"{self.root / place} is neither a file nor a folder", "leave it out: an image cannot contain it"
                )
            if not os.access(path, os.R_OK):
                raise PackError(
                    f"cannot read {self.root / place}: permission denied", "make it readable, or leave it out"
                )
            self.found[place] = path, path.stat().st_size
            taken = True
            if len(self.found) > _MAX_FILES:
                raise PackError(f"more than {_MAX_FILES:,} files in {self.root} are selected", self._remedy())
        return taken

    def _walk(self, folder: _Folder, glob: Pattern | None = None) -> Iterator[tuple[str, Path]]:
        """The files below a folder that match a glob and that no rule leaves out."""
        for entry in _listed(folder.path):
            place = folder.child(entry.name)
            wanted = folder.wanted or (glob is not None and glob.matches(place))
            is_folder = _is_folder(entry)
            if not wanted and not (is_folder and glob and _reaches(glob, place)):
                continue
            ignored_out, ignored = self.ignore.match(place, folder.ignored)
            excluded_out, excluded = self.exclude.match(place, folder.excluded)
            if (ignored_out or excluded_out) and not (
                is_folder
                and (not ignored_out or self.ignore.has_exceptions_below(place))
                and (not excluded_out or self.exclude.has_exceptions_below(place))
            ):
                self._note(place, "exclude=" if excluded_out else "an ignore file", wanted)
                continue
            path = Path(entry.path)
            names = [entry.name]
            if entry.is_symlink():
                path = self._real(self.root / place)
                names += path.relative_to(self.root).parts
            if any(map(is_ignored, names)):
                self._note(place, "default", wanted)
            elif is_folder:
                if entry.is_symlink():
                    self._check_loop(place, path, folder)
                if is_environment(other.name for other in _listed(path)):
                    self._note(place, "default", wanted)
                else:
                    inside = _Folder(place, path, (*folder.above, folder), ignored, excluded, wanted)
                    yield from self._walk(inside, glob)
            elif path.is_file() and is_key_file(path):
                self._note(place, "default", wanted)
            else:
                yield place, path

    def _note(self, place: str, rule: str, wanted: bool) -> None:
        if wanted and not self._left_out:
            self._left_out = f"{place} (by {rule})"

    def _real(self, path: Path) -> Path:
        """Resolves the links of a path, and checks that the result is in the root."""
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError):  # Python 3.10 to 3.12 raise RuntimeError for a link to itself
            raise PackError(f"the symbolic link {path} is broken", "remove it, or add it to .fairingignore") from None
        if not real.is_relative_to(self.root):
            raise PackError(
                f"{path} is, or is below, a symbolic link that points outside {self.root}, to {real}",
                "replace it by a copy, or add it to .fairingignore",
            )
        return real

    def _check_loop(self, place: str, target: Path, folder: _Folder) -> None:
        """Rejects a link to a folder above it."""
        if any(passed.path.is_relative_to(target) for passed in (*folder.above, folder)):
            raise PackError(
                f"the symbolic link {self.root / place} points to a folder above it, {target}",
                "remove it, or add it to .fairingignore",
            )

    def check_size(self) -> None:
        """Rejects files that are too large to be packed in memory.

        Raises:
            PackError: the files are too large. The message names the largest folders.
        """
        total = sum(size for _, size in self.found.values())
        if total <= _MAX_BYTES:
            return
        by_top: Counter[str] = Counter()
        for place, (_, size) in self.found.items():
            top, slash, _ = place.partition("/")
            by_top[top + slash] += size
        largest = ", ".join(f"{top} {size / 1e9:.2f} GB" for top, size in by_top.most_common(3))
        raise PackError(
            f"the selected files in {self.root} have {total / 1e9:.2f} GB ({largest}), "
            f"more than the maximum of {_MAX_BYTES / 1e9:.0f} GB",
            self._remedy(),
        )

    def _remedy(self) -> str:
        return f"list unneeded files in {self.root / '.fairingignore'}; pass data as input artifacts"

    def _nothing(self, item: str, place: str) -> PackError:
        if self._left_out:
            return PackError(
                f"every file that {item!r} finds in {self.root} is left out, first {self._left_out}",
                "name the files, or add an exception to .fairingignore: !NAME",
            )
        names = (name for name in islice(_names(self.root), _MAX_SUGGESTIONS) if name != place)
        near = difflib.get_close_matches(place, names, 3, 0.5)
        remedy = f"did you mean {' or '.join(near)}?" if near else "use paths relative to that folder"
        return PackError(f"{item!r} finds no file in {self.root}", remedy)


def _reaches(glob: Pattern, folder: str) -> bool:
    """Whether a glob may match something below a folder: it contains `**`, or has more parts than the folder."""
    return "**" in glob.text or folder.count("/") < glob.text.count("/")


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise PackError(
            f"cannot read the folder {folder}: {error.strerror or error}",
            "make it readable, or add it to .fairingignore",
        ) from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder or a link to one. False for a link to itself."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _names(root: Path) -> Iterator[str]:
    """The files and folders below a folder, without those left out by default."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not is_ignored(name))
        for name in (*folders, *sorted(files)):
            yield (Path(folder) / name).relative_to(root).as_posix()
