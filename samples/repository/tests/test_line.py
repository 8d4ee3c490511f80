"""Tests of the domain's code, which need no pipeline."""

import pytest
from deliveries.line import Line, measure


def test_a_line_goes_through_its_points() -> None:
    line = Line.fit([(1, 14), (2, 18), (3, 22)])

    assert line == Line(slope=4, start=10)
    assert line.error([(5, 31)]) == 1


def test_a_penalty_flattens_the_line() -> None:
    deliveries = measure(100, seed=1)

    assert 0 < Line.fit(deliveries, penalty=1000).slope < Line.fit(deliveries).slope == pytest.approx(4, abs=0.3)
