"""A pipeline file inside of a package, with relative imports."""

import fairing_kfp

from . import VERSION, shelf
from .deep import reached as far
from .deep.core import lookup


class Local:
    value = VERSION + 1  #>     value = VERSION + 2 [case_relative]


def case_relative() -> str:
    from .deep.core import TABLE

    return str([VERSION, shelf.SHELF.books, far.DEPTH, lookup("x"), TABLE["y"], Local.value, Local.__module__])


if __name__ == "__main__":
    exec(__import__("os").environ["PACK"])
