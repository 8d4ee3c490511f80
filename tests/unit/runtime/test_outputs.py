from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.runtime.outputs import are_used, scratch_outputs

GIVEN: dict[str, Any] = {
    "inputs": {"artifacts": {"data": {"artifacts": [{"uri": "minio://a/data"}]}}, "parameterValues": {"depth": 1}},
    "outputs": {
        "outputFile": "/tmp/kfp_outputs/output_metadata.json",
        "parameters": {"score": {"outputFile": "/tmp/kfp/outputs/score"}},
        "artifacts": {"model": {"artifacts": [{"uri": "minio://a/model", "name": "model"}]}},
    },
}


def test_outputs_go_elsewhere_and_inputs_stay() -> None:
    before = copy.deepcopy(GIVEN)
    made = scratch_outputs(GIVEN)
    assert before == GIVEN
    assert made["inputs"] == GIVEN["inputs"]
    outputs = made["outputs"]
    places = [
        outputs["outputFile"],
        outputs["parameters"]["score"]["outputFile"],
        outputs["artifacts"]["model"]["artifacts"][0]["uri"],
    ]
    assert len(set(places)) == 3
    assert len({Path(place).parts[:3] for place in places}) == 1
    assert not any(place in str(GIVEN) for place in places)
    assert outputs["artifacts"]["model"]["artifacts"][0]["name"] == "model"
    assert scratch_outputs(GIVEN) != made


def test_a_step_may_have_no_outputs() -> None:
    assert scratch_outputs({"inputs": {}}) == {"inputs": {}}


@pytest.mark.parametrize(
    ("environment", "counts"),
    [
        ({}, True),
        ({"LOCAL_RANK": "1"}, True),  # somebody else's
        ({"TORCHELASTIC_RUN_ID": "none", "LOCAL_RANK": "0"}, True),
        ({"TORCHELASTIC_RUN_ID": "none", "LOCAL_RANK": "1"}, False),
    ],
)
def test_the_first_process_of_a_node_gives_outputs(environment: dict[str, str], counts: bool) -> None:
    assert are_used(environment) is counts
