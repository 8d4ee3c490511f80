"""What the gate finds of made-up credentials, and what it refuses of innocent files."""

from __future__ import annotations

import pytest

from fairing_kfp.preprocess.secrets.scan import scan_file
from tests.support.secret_corpus import (
    fifth_set,
    first_set,
    fourth_set,
    innocents,
    second_set,
    secrets,
    seventh_set,
    sixth_set,
    third_set,
)
from tests.support.secret_corpus.case import Case

SETS = {
    "the corpus": (secrets.secrets, innocents.innocents),
    "the first set": (first_set.secrets, first_set.innocents),
    "the second set": (second_set.secrets, second_set.innocents),
    "the third set": (third_set.secrets, third_set.innocents),
    "the fourth set": (fourth_set.secrets, fourth_set.innocents),
    "the fifth set": (fifth_set.secrets, fifth_set.innocents),
    "the sixth set": (sixth_set.secrets, sixth_set.innocents),
    "the seventh set": (seventh_set.secrets, seventh_set.innocents),
}


def is_refused(case: Case) -> bool:
    return bool(scan_file(case.path, case.path, case.data))


@pytest.mark.parametrize("name", SETS)
def test_the_rates(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    made_up, harmless = (make() for make in SETS[name])
    missed = [case.label for case in made_up if not is_refused(case)]
    refused = [case.label for case in harmless if is_refused(case)]
    with capsys.disabled():
        print(
            f"\nIn {name}, credentials found: {len(made_up) - len(missed)} of {len(made_up)}, "
            f"innocents refused: {len(refused)} of {len(harmless)}"
        )
    assert min(len(made_up), len(harmless)) >= 110
    assert len(missed) <= 0.02 * len(made_up), missed
    assert len(refused) <= 0.02 * len(harmless), refused
