"""Hash methods that attrs generates: their code contains a number that depends on the hash seed."""

from __future__ import annotations

import linecache
import types

from fairing_kfp.preprocess.pickle.references import codes

_GENERATED = "<attrs generated "
_SMALLEST = 1 << 32  # of the numbers that may be a hash


def stable_hash_code(code: types.CodeType) -> types.CodeType:
    """The code of a method: for a hash method of attrs, compiled again with 0 instead of the hash of its class's name.

    Instances with equal fields of two such classes then have equal hashes, which is allowed.
    """
    if code.co_name != "__hash__" or not code.co_filename.startswith(_GENERATED):
        return code
    text = "".join(linecache.getlines(code.co_filename))
    for number in code.co_consts:
        if isinstance(number, int) and abs(number) >= _SMALLEST:
            text = text.replace(str(number), "0")
    filename = f"{code.co_filename} with a stable hash"
    linecache.cache[filename] = len(text), None, text.splitlines(keepends=True), filename
    made = (part for part in codes(compile(text, filename, "exec")) if part.co_name == "__hash__")
    return next((part for part in made if part.co_freevars == code.co_freevars), code)
