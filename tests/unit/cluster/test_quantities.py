from __future__ import annotations

import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.cluster.quantities import amount, quantity
from fairing_kfp.errors import ConfigError

# The expression in the API server's errors, which matches more than the API server accepts.
_SERVER = re.compile(r"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$")


@pytest.mark.parametrize(
    ("text", "value"),
    [("500m", "0.5"), ("2", "2"), (0.5, "0.5"), ("4Gi", 4 << 30), ("4G", 4 * 10**9), ("1e3", 1000), (".5k", 500)],
)
def test_amounts(text: str | float, value: str | int) -> None:
    assert amount(text, "cpu") == Decimal(value)


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("4gb", "write 4G, or 4Gi"),
        ("4 GiB", "write 4Gi"),
        ("512MB", "write 512M, or 512Mi"),
        ("16KB", "write 16Ki"),
        ("much", "512Mi"),
        ("-1", "512Mi"),
        ("", "512Mi"),
        ("1\n", "512Mi"),
    ],
)
def test_malformed_quantities_have_a_suggestion(text: str, remedy: str) -> None:
    with pytest.raises(ConfigError, match="memory") as caught:
        quantity(text, "memory")
    assert remedy in caught.value.remedy


@given(st.text(alphabet="0123456789.eEinumkKMGTPi+- ", max_size=8))
def test_accepted_quantities_match_the_servers_expression(text: str) -> None:
    try:
        taken = quantity(text, "memory")
    except ConfigError:
        return
    assert _SERVER.match(taken) or taken.endswith(("E", "Ei"))
    assert amount(taken, "memory") >= 0
