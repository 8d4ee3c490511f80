"""Conditions, as kfp compiles them."""

from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.errors import PipelineError
from fairing_kfp.local.condition import is_met

N, S, B = (f"inputs.parameter_values['pipelinechannel--{name}']" for name in ("n-Output", "s", "b"))
VALUES: dict[str, Any] = {
    "pipelinechannel--n-Output": 3,
    "pipelinechannel--s": "x && !(y) it's true",
    "pipelinechannel--b": True,
}


@pytest.mark.parametrize(
    "condition",
    [
        f"int({N}) > 2",
        f"{N} <= 3.0",
        f'{S} == "x && !(y) it\'s true"',
        f"{S} != {N}",
        f"{B} == true",
        f"!({B} == false)",
        f"!(int({N}) == 2) && !(int({N}) == 4) && int({N}) == 3",
        f"{B} == false || {N} >= -1",
        f"string({N}) == '3'",
    ],
)
def test_met_and_not_met(condition: str) -> None:
    assert is_met(condition, VALUES)
    assert not is_met(f"!({condition})", VALUES)


@pytest.mark.parametrize(
    "condition", [f"{S} > 3", "inputs.parameter_values['none'] == 1", f"{S} == 'it's'", "open('x')"]
)
def test_what_cannot_be_evaluated(condition: str) -> None:
    with pytest.raises(PipelineError, match="cannot be evaluated"):
        is_met(condition, VALUES)
