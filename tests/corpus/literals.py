"""Constants of every kind."""

import re
import uuid
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath
from types import MappingProxyType

import fairing_kfp

VOWELS = {"a", "e", "i", "o", "u"}  #> VOWELS = {"a", "e", "i", "o", "y"} [case_global_set]
MIXED = {1, "one", (1, "one"), None, 2.5, b"x", frozenset({"p", "q"})}  #> MIXED = {1, "one", (1, "one"), None, 2.5, b"y", frozenset({"p", "q"})} [case_mixed_set]
BY_KIND = {"round": {"a", "o", "u"}, "flat": {"e", "i"}}  #> BY_KIND = {"round": {"a", "o"}, "flat": {"e", "i"}} [case_dict_of_sets]
NESTED = frozenset({frozenset({"a", "b"}), frozenset({"c", "d", "e"})})  #> NESTED = frozenset({frozenset({"a", "b"}), frozenset({"c", "d", "f"})}) [case_nested_frozensets]
FIRST = ("shared", 1000001, 2.5)  #> FIRST = ("shared", 1000002, 2.5) [case_equal_constants]
SECOND = ("shared", 1000001, 2.5)
NUMBERS = [10**40, -7, 0.1, -0.0, float("inf"), float("nan"), 3 + 4j, complex(-0.0, 0.0)]  #> NUMBERS = [10**40, -7, 0.1, 0.0, float("inf"), float("nan"), 3 + 4j, complex(-0.0, 0.0)] [case_numbers]
PATTERN = re.compile(r"(\d+)-(\w+)", re.IGNORECASE)  #> PATTERN = re.compile(r"(\d+)-(\w+)", re.ASCII) [case_regex]
PATTERN_AGAIN = re.compile(r"(\d+)-(\w+)", re.IGNORECASE)
MONEY = {"price": Decimal("1.10"), "share": Fraction(3, 7)}  #> MONEY = {"price": Decimal("1.1"), "share": Fraction(3, 7)} [case_decimals]
WHEN = [datetime(2024, 2, 29, 12, tzinfo=timezone.utc), date(2000, 1, 1), timedelta(days=1.5)]  #> WHEN = [datetime(2024, 2, 29, 13, tzinfo=timezone.utc), date(2000, 1, 1), timedelta(days=1.5)] [case_dates]
NAMED = [uuid.UUID(int=5), Path("data/in"), PurePosixPath("/opt") / "x"]  #> NAMED = [uuid.UUID(int=6), Path("data/in"), PurePosixPath("/opt") / "x"] [case_identifiers]
ORDERED = OrderedDict([("b", 1), ("a", 2)])  #> ORDERED = OrderedDict([("a", 2), ("b", 1)]) [case_collections]
GROUPED = defaultdict(list, {"x": [1]})
RECENT = deque([1, 2, 3], maxlen=3)
COUNTED = Counter("abracadabra")
FROZEN = MappingProxyType({"k": ("v",)})  #> FROZEN = MappingProxyType({"k": ("w",)}) [case_mapping_proxy]
LONG = "long " * 2000  #> LONG = "long " * 2001 [case_long_string]
SHARED = ["one list"]
HOLDER = {"left": SHARED, "right": SHARED}  #> HOLDER = {"left": SHARED, "right": ["one list"]} [case_shared_list]


def case_set_literal() -> str:
    return ",".join(sorted(word for word in ("red", "green", "blue", "x") if word in {"red", "green", "blue"}))  #>     return ",".join(sorted(word for word in ("red", "green", "blue", "x") if word in {"red", "green", "x"}))


def case_tuple_set_literal() -> str:
    return str((1, "b") in {(1, "a"), (1, "b"), ("c", 2.0)})  #>     return str((1, "b") in {(1, "a"), (1, "d"), ("c", 2.0)})


def case_bytes_set_literal() -> str:
    return str([b in {b"GET", b"PUT", b"POST", b"HEAD"} for b in (b"PUT", b"DELETE")])  #>     return str([b in {b"GET", b"DELETE", b"POST", b"HEAD"} for b in (b"PUT", b"DELETE")])


def case_global_set() -> str:
    return "".join(letter for letter in "education" if letter in VOWELS)


def case_mixed_set() -> str:
    return str(sorted(map(repr, MIXED - {frozenset({"p", "q"})})))


def case_dict_of_sets() -> str:
    return str({kind: sorted(letters) for kind, letters in BY_KIND.items()})


def case_nested_frozensets() -> str:
    return str(sorted(sorted(inner) for inner in NESTED))


def case_equal_constants() -> str:
    return str(FIRST == SECOND == ("shared", 1000001, 2.5))


def case_numbers() -> str:
    return repr(NUMBERS)


def case_signed_zeros() -> str:
    return repr((0.0, -0.0, 0j, -0.0 + 0j, 1, 1.0, True))  #>     return repr((0.0, 0.0, 0j, -0.0 + 0j, 1, 1.0, True))


def case_true_is_not_one() -> str:
    values = (1, True, 1.0, 0, False)  #>     values = (1, True, 1.0, False, False)
    return repr(values)


def case_ellipsis() -> str:
    return repr([..., NotImplemented, slice(1, None, 2), range(3, 9, 2)])  #>     return repr([..., NotImplemented, slice(1, None, 3), range(3, 9, 2)])


def case_regex() -> str:
    return str(PATTERN.match("12-AB").groups()) + str(PATTERN == PATTERN_AGAIN)


def case_decimals() -> str:
    return str(MONEY)


def case_dates() -> str:
    return str(WHEN)


def case_identifiers() -> str:
    return str([str(name) for name in NAMED])


def case_collections() -> str:
    return str([list(ORDERED), dict(GROUPED), GROUPED.default_factory, list(RECENT), RECENT.maxlen, sorted(COUNTED.items())])


def case_mapping_proxy() -> str:
    return str(dict(FROZEN))


def case_long_string() -> str:
    return str(len(LONG)) + LONG[-6:]


def case_shared_list() -> str:
    return str(HOLDER["left"] is HOLDER["right"])


def case_equal_strings() -> str:
    made = "".join(["sha", "red"])
    return str([made == "shared", made, "shared", "not an identifier!", "not an identifier!"])  #>     return str([made == "shared", made, "shared", "not an identifier!", "not an identifier?"])


def case_bytes() -> str:
    return repr(b"\x00\xff" + bytes(range(5)) + bytearray(b"z"))  #>     return repr(b"\x00\xfe" + bytes(range(5)) + bytearray(b"z"))


def case_format() -> str:
    width, value = 8, 3.14159
    return f"{value:>{width}.2f}|{value!r:10}|{'nested'[1:3]!s}"  #>     return f"{value:>{width}.3f}|{value!r:10}|{'nested'[1:3]!s}"


if __name__ == "__main__":
    exec(__import__("os").environ["PACK"])
