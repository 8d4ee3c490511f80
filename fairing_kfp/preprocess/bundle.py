"""The code of a step before it is an image: files at their paths, and facts about them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol

from fairing_kfp.errors import PackError
from fairing_kfp.frozen import dataclass
from fairing_kfp.image.layer import File, Layer
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.preprocess import facts
from fairing_kfp.preprocess.image_paths import CODE, NOTEBOOK, PICKLE
from fairing_kfp.preprocess.secrets.finding import COMMENT, Finding
from fairing_kfp.preprocess.secrets.gate import judge, refuse

if TYPE_CHECKING:
    from fairing_kfp.preprocess.pickle.context import Capture


_COPIES = (PICKLE, NOTEBOOK)
"""Files that repeat what is scanned under the author's names for it."""


_FOUND: dict[tuple[str, str, bytes], tuple[Finding, ...]] = {}
"""What was found in files, by place and digest: components share modules, and a megabyte of Python takes a second."""

CLEAN = facts.Facts("clean", *Path(__file__).with_name("secrets").glob("*.py"))
"""Contents without findings, such as files by path and digest. Findings are not kept: they contain the credentials."""

_CHANGING = (CODE, f"{CODE}/source")
"""Folders with files of one component, whose facts are a record of their own, since they change with each edit."""


class ScannedFiles(tuple[File, ...]):
    """Files that were scanned for credentials. Made once, they are not scanned again.

    Attributes:
        findings: what looks like a credential in them.
    """

    findings: tuple[Finding, ...]

    @classmethod
    def scan(cls, files: tuple[File, ...], owner: str) -> ScannedFiles:
        """Scans the files of a component."""
        if isinstance(files, cls):
            return files
        return cls.of(files, (finding for file in files for finding in _scan(file, owner)))

    @classmethod
    def of(cls, files: Iterable[File], findings: Iterable[Finding]) -> ScannedFiles:
        """Files, and what was found in them."""
        scanned = cls(files)
        scanned.findings = tuple(findings)
        return scanned


@dataclass(frozen=True)
class Bundle:
    """The code of one step, or of a predictor.

    Attributes:
        name: the step's name.
        files: the files of its code layer, at their paths in the image.
        captures: values that its function captures.
        warnings: sentences for the author.
        placed: files of the component's `files=`, at their paths in the image.
        imports: imported modules that are not the user's own; empty for scripts, whose files are scanned.
        serves: whether it is a predictor, whose image contains a server and starts it.
        found: what looks like a credential among the values that its function captures.
        allow: names, files and fingerprints of what only looks like a credential.
        marked: lines of the author's files with the comment that allows their values.
        compiled: byte code of its modules, for its code layer.

    Raises:
        SecretError: a value or a file seems to contain a credential that is not allowed.
    """

    name: str
    files: tuple[File, ...]
    captures: tuple[Capture, ...] = ()
    warnings: tuple[str, ...] = ()
    placed: tuple[File, ...] = ()
    imports: tuple[str, ...] = ()
    serves: bool = False
    found: tuple[Finding, ...] = field(default=(), repr=False)
    allow: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()
    compiled: tuple[File, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """The gate of every layer: scans every file for credentials."""
        object.__setattr__(self, "files", ScannedFiles.scan(self.files, self.name))
        object.__setattr__(self, "placed", ScannedFiles.scan(self.placed, self.name))
        facts.save()
        refuse(self.name, self.findings)

    @property
    def modules(self) -> tuple[File, ...]:
        """The files of its own modules, which a step imports from its code layer.

        A script imports those next to it from its working folder instead, where it may change them.
        """
        return tuple(file for file in self.files if file.path.startswith(f"{CODE}/modules/"))

    def with_files(self, files: tuple[File, ...], compiled: tuple[File, ...] = ()) -> Bundle:
        """The bundle with more files in its code layer.

        Args:
            files: the files.
            compiled: byte code of its modules.

        Raises:
            SecretError: one of them seems to contain a credential.
        """
        before, added = ScannedFiles.scan(self.files, self.name), ScannedFiles.scan(files, self.name)
        both = ScannedFiles.of((*before, *added), (*before.findings, *added.findings))
        return replace(self, files=both, compiled=(*self.compiled, *compiled))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What looks like a credential in its values and files, with what allows it."""
        scanned = (ScannedFiles.scan(files, self.name).findings for files in (self.files, self.placed))
        found = judge(_distinct(self.found, *scanned), self.allow, self.marked)
        return judge(found, (), values={finding.value for finding in found if finding.allowed == COMMENT})

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Its layers, the one that changes most often last.

        Raises:
            PackError: two files have the same path.
        """
        both = {file.path for file in self.files} & {file.path for file in self.placed}
        if both:
            raise PackError(
                f"{self.name}: files= puts a file at /{min(both)}, which is a file of its code", "choose another path"
            )
        code = layer_of_files("code", (*self.files, *self.compiled))
        return (layer_of_files("files", self.placed), code) if self.placed else (code,)


def _scan(file: File, owner: str) -> tuple[Finding, ...]:
    where, path = _shown(file.path)
    key = where, path, hashlib.sha256(file.data).digest()
    if key not in _FOUND:
        folder, fact = file.path.rpartition("/")[0], f"{file.path} {key[2].hex()}"
        record = f"{CODE} of {owner}" if folder in _CHANGING else folder
        if CLEAN.get(record, fact):
            _FOUND[key] = ()
        else:
            from fairing_kfp.preprocess.secrets.scan import scan_file  # not needed while nothing changes

            _FOUND[key] = tuple(scan_file(where, path, file.data))
            if not _FOUND[key]:
                CLEAN.put(record, fact, True)
    return _FOUND[key]


def found_in(owner: str, texts: Sequence[tuple[str, str, str | bytes]]) -> tuple[Finding, ...]:
    """What looks like a credential in the texts of a component's pickle.

    Args:
        owner: the component.
        texts: where each is, its name, and the text.
    """
    digest = hashlib.sha256()
    for where, name, text in texts:
        data = text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text
        digest.update(f"{where}\0{name}\0{type(text).__name__} {len(data)}\0".encode() + data)
    record, fact = f"{CODE} of {owner}", f"texts {digest.hexdigest()}"
    if CLEAN.get(record, fact):
        return ()
    from fairing_kfp.preprocess.secrets.scan import scan_named  # not needed while nothing changes

    found = tuple(one for where, name, text in texts for one in scan_named(where, name, text))
    if not found:
        CLEAN.put(record, fact, True)
    return found


def _shown(path: str) -> tuple[str, str]:
    """A file in messages, and its path: below the folder that its author knows, else in the image."""
    if not path.startswith(f"{CODE}/"):
        return f"/{path}", path
    place = path.removeprefix(f"{CODE}/")
    folder, slash, rest = place.partition("/")
    if folder == "source":  # MODULE.FUNCTION-DIGEST.py
        return rest.rpartition("-")[0], f"{rest.rpartition('-')[0]}.py"
    return (rest, rest) if slash else (place, place)


def _distinct(found: Iterable[Finding], *scanned: Iterable[Finding]) -> Iterator[Finding]:
    """The findings, each once. Copies repeat captured values and source texts, which say more."""
    files = [finding for group in scanned for finding in group]
    seen: dict[tuple[str, str], None] = {}
    values: set[str] = set()
    for finding in (*found, *sorted(files, key=lambda finding: finding.path in _COPIES)):
        is_repeated = finding.path in _COPIES and any(finding.value in value for value in values)
        if not is_repeated and (finding.value, finding.path) not in seen:
            seen[finding.value, finding.path] = None
            values.add(finding.value)
            yield finding


class Code(Protocol):
    """The code of a step or server: a function, a script, a notebook or a predictor.

    Attributes:
        is_file: whether the code is a whole file, such as a script.
        needs_gate: whether the step succeeds even if its code fails, so that another task must check its status.
    """

    is_file: ClassVar[bool]
    needs_gate: ClassVar[bool]

    @property
    def folder(self) -> Path:
        """The folder to which the component's paths are relative."""

    def bundle(self, name: str, allow: Sequence[str] = ()) -> Bundle:
        """Packs the code. Equal code gives equal bytes, on any machine and at any time.

        Args:
            name: the step's name.
            allow: names, files and fingerprints of what only looks like a credential.

        Raises:
            PackError: the code cannot be packed.
            SecretError: it seems to contain a credential.
        """
