"""Which files of a folder go into an image."""

from __future__ import annotations

import difflib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from fairing_kfp.errors import PackError
from fairing_kfp.preprocess.ignore import Ignore, Matched, Pattern, clean
from fairing_kfp.preprocess.left_out import is_environment, is_key_file, is_left_out

IGNORE_FILES = (".dockerignore", ".fairingignore")
_LARGEST = 1_000_000_000  # bytes; making their layer takes four times that, and every edit of one sends all of them
_MOST = 100_000
_LOOKED_THROUGH = 5_000  # for a name to suggest


@dataclass(frozen=True)
class Selection:
    """Files of a folder.

    What folders and globs find is taken unless an ignore file, or what is left out by default, says otherwise; a file
    that is named is taken. Symbolic links become what they point to.

    Attributes:
        root: the folder, whose `.dockerignore` and `.fairingignore` hold.
        include: files, folders and globs (see `ignore.Pattern`) relative to it; a folder that a glob matches is taken
            whole, and `.` is all of it.
        exclude: patterns as in an ignore file. They hold for files that are named, too.
    """

    root: Path
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def files(self) -> dict[str, Path]:
        """The files by their places below the root, in order. Nothing is read but ignore files and small JSON files.

        Raises:
            PackError: one of `include` finds nothing or lies outside, a pattern is malformed, a link leaves the
                folder, a file is of a kind that an image cannot hold, or they are too many or too large.
        """
        search = _Search(self.root.resolve(), _ignored(self.root), Ignore.of(self.exclude))
        for item in self.include:
            search.add(item)
        search.check_size()
        return {place: search.found[place][0] for place in sorted(search.found)}


def _ignored(root: Path) -> Ignore:
    """What the ignore files of a folder say."""
    ignore = Ignore()
    for name in IGNORE_FILES:
        try:
            ignore += Ignore.parse((root / name).read_text(encoding="utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            continue
        except (OSError, UnicodeDecodeError) as error:
            raise PackError(f"{root / name} cannot be read: {error}", "make it a readable text in UTF-8") from error
        except PackError as error:
            raise PackError(f"{root / name}: {error.message}", error.remedy) from None
    return ignore


@dataclass(frozen=True)
class _Folder:
    """A folder on the way: its place, where it really is, what rules say of it, and whether it is taken."""

    place: str
    path: Path
    above: tuple[_Folder, ...] = ()
    ignored: Matched = ()
    excluded: Matched = ()
    wanted: bool = True

    def child(self, name: str) -> str:
        """The place of what it holds."""
        return f"{self.place}/{name}" if self.place else name


@dataclass
class _Search:
    """Looks for files in a folder.

    Attributes:
        root: the folder, links resolved.
        ignore: what its ignore files leave out.
        exclude: what is left out in any case.
        found: the files by their places, and their sizes.
    """

    root: Path
    ignore: Ignore
    exclude: Ignore
    found: dict[str, tuple[Path, int]] = field(default_factory=dict)
    _left_out: str = ""

    def add(self, item: str) -> None:
        """Adds a file, a folder or what a glob finds."""
        place = clean(item)
        if item.startswith("/") or place.split("/")[0] == "..":
            raise PackError(
                f"{item!r} lies outside {self.root}, or is named by its absolute path",
                'name it relative to that folder; files from elsewhere are placed with files={"…": "…"}',
            )
        self._left_out = ""
        taken = self._add_named(place) if os.path.lexists(self.root / place) else self._add_glob(place)
        if not taken:
            raise self._nothing(item, place)

    def _add_named(self, place: str) -> bool:
        """Adds a file, or a folder; gives whether there was one to add."""
        real = self._real(self.root / place)
        if real.is_dir():
            return self._take(self._walk(self._enter(place, real)))
        if self.exclude.leaves_out(place):
            self._left_out = f"{place} (by exclude=)"
            return False
        return self._take(iter([(place, real)]))

    def _add_glob(self, place: str) -> bool:
        """Adds what a glob finds; gives whether it found something. It is only looked for where it may be."""
        glob = Pattern(place)
        start = glob.start.rpartition("/")[0]
        folder = self.root / start
        if not glob.is_wild() or not folder.is_dir():
            return False
        return self._take(self._walk(self._enter(start, self._real(folder), wanted=False), glob))

    def _enter(self, place: str, path: Path, *, wanted: bool = True) -> _Folder:
        """The folder where a search begins, judged with those above it."""
        ignored: Matched = ()
        excluded: Matched = ()
        parts = place.split("/") if place else []
        for depth in range(1, len(parts) + 1):
            ignored = self.ignore.judge("/".join(parts[:depth]), ignored)[1]
            excluded = self.exclude.judge("/".join(parts[:depth]), excluded)[1]
        return _Folder(place, path, (), ignored, excluded, wanted)

    def _take(self, files: Iterator[tuple[str, Path]]) -> bool:
        taken = False
        for place, path in files:
            if not path.is_file():
                raise PackError(
                    f"{self.root / place} is neither a file nor a folder", "leave it out: a layer cannot hold it"
                )
            if not os.access(path, os.R_OK):
                raise PackError(f"{self.root / place} cannot be read", "make it readable, or leave it out")
            self.found[place] = path, path.stat().st_size
            taken = True
            if len(self.found) > _MOST:
                raise PackError(f"more than {_MOST:,} files of {self.root} are taken", self._remedy())
        return taken

    def _walk(self, folder: _Folder, glob: Pattern | None = None) -> Iterator[tuple[str, Path]]:
        """The files below a folder that a glob and the rules let through."""
        for entry in _listed(folder.path):
            place = folder.child(entry.name)
            wanted = folder.wanted or (glob is not None and glob.matches(place))
            is_folder = _is_folder(entry)
            if not wanted and not (is_folder and glob and _reaches(glob, place)):
                continue
            ignored_out, ignored = self.ignore.judge(place, folder.ignored)
            excluded_out, excluded = self.exclude.judge(place, folder.excluded)
            if (ignored_out or excluded_out) and not (
                is_folder
                and (not ignored_out or self.ignore.may_take_below(place))
                and (not excluded_out or self.exclude.may_take_below(place))
            ):
                self._note(place, "exclude=" if excluded_out else "an ignore file", wanted)
                continue
            path = Path(entry.path)
            names = [entry.name]
            if entry.is_symlink():
                path = self._real(self.root / place)
                names += path.relative_to(self.root).parts
            if any(map(is_left_out, names)):
                self._note(place, "default", wanted)
            elif is_folder:
                if entry.is_symlink():
                    self._check_loop(place, path, folder)
                if is_environment(other.name for other in _listed(path)):
                    self._note(place, "default", wanted)
                else:
                    inside = _Folder(place, path, (*folder.above, folder), ignored, excluded, wanted)
                    yield from self._walk(inside, glob)
            elif path.is_file() and is_key_file(path, path.stat().st_size):
                self._note(place, "default", wanted)
            else:
                yield place, path

    def _note(self, place: str, rule: str, wanted: bool) -> None:
        if wanted and not self._left_out:
            self._left_out = f"{place} (by {rule})"

    def _real(self, path: Path) -> Path:
        """What a path is when its links are followed, if that is inside the folder."""
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError):  # Python 3.10 to 3.12 raise RuntimeError for a link to itself
            raise PackError(
                f"the symbolic link {path} points to nothing", "remove it, or leave it out (.fairingignore)"
            ) from None
        if not real.is_relative_to(self.root):
            raise PackError(
                f"{path} is a symbolic link, or lies below one, that points outside {self.root}, to {real}",
                "put a copy there instead, or leave it out (.fairingignore)",
            )
        return real

    def _check_loop(self, place: str, target: Path, folder: _Folder) -> None:
        """Refuses a link to a folder that leads to the link again."""
        if any(passed.path.is_relative_to(target) for passed in (*folder.above, folder)):
            raise PackError(
                f"the symbolic link {self.root / place} points to a folder above it, {target}",
                "remove it, or leave it out (.fairingignore)",
            )

    def check_size(self) -> None:
        """Refuses what is too large to pass through memory.

        Raises:
            PackError: it is; the largest folders are named.
        """
        total = sum(size for _, size in self.found.values())
        if total <= _LARGEST:
            return
        by_top: Counter[str] = Counter()
        for place, (_, size) in self.found.items():
            top, slash, _ = place.partition("/")
            by_top[top + slash] += size
        largest = ", ".join(f"{top} {size / 1e9:.2f} GB" for top, size in by_top.most_common(3))
        raise PackError(
            f"the files taken of {self.root} have {total / 1e9:.2f} GB in all ({largest}), "
            f"more than the {_LARGEST / 1e9:.0f} GB that an image of code may bring along",
            self._remedy(),
        )

    def _remedy(self) -> str:
        return f"name what is not needed in {self.root / '.fairingignore'}; pass data as input artifacts"

    def _nothing(self, item: str, place: str) -> PackError:
        if self._left_out:
            return PackError(
                f"all that {item!r} finds in {self.root} is left out, first {self._left_out}",
                "name files by their full names, or make an exception in .fairingignore: !NAME",
            )
        names = (name for name in islice(_names(self.root), _LOOKED_THROUGH) if name != place)
        near = difflib.get_close_matches(place, names, 3, 0.5)
        remedy = f"there is {', '.join(near)}" if near else "name files, folders and globs relative to that folder"
        return PackError(f"{item!r} finds no file in {self.root}", remedy)


def _reaches(glob: Pattern, folder: str) -> bool:
    """Whether a glob may match something below a folder: it spans any number of them, or has parts left."""
    return "**" in glob.text or folder.count("/") < glob.text.count("/")


def _listed(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise PackError(
            f"the folder {folder} cannot be read: {error.strerror or error}",
            "make it readable, or leave it out (.fairingignore)",
        ) from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one; a link to itself is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _names(root: Path) -> Iterator[str]:
    """The files and folders below a folder, those left out by default aside."""
    for folder, folders, files in os.walk(root):
        folders[:] = sorted(name for name in folders if not is_left_out(name))
        for name in (*folders, *sorted(files)):
            yield (Path(folder) / name).relative_to(root).as_posix()
