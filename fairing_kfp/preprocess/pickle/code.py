"""Code objects without the path and line numbers of their file.

The lines of a packed code object count from the first line of its function, and its file is a packed copy of the
function's source text. Edits above the function therefore change nothing, and tracebacks and `inspect.getsource` work
in a step.
"""

from __future__ import annotations

import dis
import hashlib
import inspect
import linecache
import re
import tokenize
import types
from dataclasses import dataclass, field
from typing import Any

from fairing_kfp.preprocess.modules.own import is_installed
from fairing_kfp.preprocess.pickle.class_source import class_source
from fairing_kfp.preprocess.pickle.interpreter import (
    CODE_FIELDS,
    EXTENDED_ARG,
    FIRST_LINE,
    STATIC_ATTRIBUTES,
    STORE_NAME,
)
from fairing_kfp.preprocess.pickle.references import codes

_DEFINITION = re.compile(r"\s*(?:async\s+def|def|class)\b")
_LONGEST_NAME = 120  # of a file name, without the digest


@dataclass
class Sources:
    """The source texts of packed functions and classes.

    Attributes:
        texts: the texts, by their file names below the step's code folder.
        files: the files or notebook cells that define them.
    """

    texts: dict[str, str] = field(default_factory=dict)
    files: set[str] = field(default_factory=set)
    _library: dict[str, bool] = field(default_factory=dict)

    def add(self, code: types.CodeType, name: str) -> str:
        """Adds the source text of a function, by its code and full name.

        Returns:
            The file name of the text; empty if there is none, as for code of `exec`.
        """
        if self.is_library(code):
            return ""
        self.files.add(code.co_filename)
        text = source_text(code)
        return self._add(name, text) if text else ""

    def add_class(self, cls: type, name: str) -> tuple[str, int]:
        """Adds the source text of a class, by its full name.

        Returns:
            The file name of the text, and the line in which the class begins; an empty name if there is no text.
        """
        found = class_source(cls)
        if found is None:
            return "", 0
        self.files.add(found.filename)
        return self._add(name, found.text), found.line

    def _add(self, name: str, text: str) -> str:
        safe = re.sub(r"[^\w.]+", "_", name).strip("_")[-_LONGEST_NAME:]
        filename = f"source/{safe}-{hashlib.sha256(text.encode()).hexdigest()[:8]}.py"
        self.texts[filename] = text
        return filename

    def is_library(self, code: types.CodeType) -> bool:
        """Whether code is from an installed file."""
        filename = code.co_filename
        if filename not in self._library:
            self._library[filename] = not filename.startswith("<") and is_installed(filename)
        return self._library[filename]


def source_text(code: types.CodeType) -> str:
    """The source text of a function, its decorators blanked, since they describe the image; empty if there is none."""
    linecache.checkcache(code.co_filename)
    rest = linecache.getlines(code.co_filename)[code.co_firstlineno - 1 :]
    if not rest:  # code of exec, or its file was deleted or edited
        return ""
    try:
        lines = inspect.getblock(rest)
    except (SyntaxError, tokenize.TokenError):  # begins inside a statement, such as a lambda among arguments
        lines = rest[: max(_last_line(part) for part in codes(code)) - code.co_firstlineno + 1]
    if lines and lines[0].lstrip().startswith("@"):
        for number, line in enumerate(lines):
            if _DEFINITION.match(line):
                lines = ["\n"] * number + lines[number:]
                break
    return "".join(lines)


def _last_line(code: types.CodeType) -> int:
    return max(line or 0 for _, _, line in code.co_lines())


def portable_code(code: types.CodeType, filename: str, first: int) -> types.CodeType:
    """Rewrites a code object and those nested in it.

    Args:
        code: the code object.
        filename: the new file name.
        first: the line of the original file that becomes line 1.
    """
    consts = tuple(
        portable_code(constant, filename, first) if isinstance(constant, types.CodeType) else constant
        for constant in code.co_consts
    )
    line = max(1, code.co_firstlineno - first + 1)
    made = code.replace(co_filename=filename, co_firstlineno=line, co_consts=consts)
    return _portable_class_body(made, line) if FIRST_LINE in code.co_names else made


def _portable_class_body(code: types.CodeType, line: int) -> types.CodeType:
    """Makes `__firstlineno__` relative and sorts `__static_attributes__` in a class body of Python 3.13.

    Both are constants. Since the user's constants may share them, all constants are renumbered in order of use.
    """
    text = bytearray(code.co_code)
    new: dict[object, tuple[int, Any]] = {}
    for place in range(0, len(text), 2):
        if text[place] == EXTENDED_ARG:  # more than 256 constants, or names
            return code
        if text[place] not in dis.hasconst:
            continue
        key: object = text[place + 1]
        value = code.co_consts[text[place + 1]]
        following = text[place + 2 : place + 4]
        stored = code.co_names[following[1]] if following[:1] == bytes((STORE_NAME,)) else ""
        if stored == FIRST_LINE:
            key, value = stored, line
        elif stored == STATIC_ATTRIBUTES:  # unordered in Python 3.13.0
            key, value = stored, tuple(sorted(value))
        text[place + 1] = new.setdefault(key, (len(new), value))[0]
    return code.replace(co_code=bytes(text), co_consts=tuple(value for _, value in new.values()))


def code_fields(code: types.CodeType) -> tuple[Any, ...]:
    """The arguments from which `fairing_kfp.runtime.rebuild.code` rebuilds a code object."""
    fields: list[Any] = [code.co_filename, code.co_firstlineno]
    for name in CODE_FIELDS:
        fields += [name, getattr(code, name)]
    return tuple(fields)
