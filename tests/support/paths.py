"""Folders of the checkout."""

from pathlib import Path

TOP = Path(__file__).parents[2]
TESTS = TOP / "tests"
