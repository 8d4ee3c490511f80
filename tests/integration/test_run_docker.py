"""Pipelines run with Docker from the images that were pushed."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import fairing_kfp
from fairing_kfp.build.cache import Cache
from fairing_kfp.errors import StepFailedError
from fairing_kfp.local.event import Event
from tests.golden import PIPELINES
from tests.integration.conftest import missing

pytestmark = [pytest.mark.docker, pytest.mark.registry]
_FAILING = str(Path(__file__).parent.parent / "pipelines" / "failing.py")


@pytest.fixture
def options(
    base_image: str, testbed_registry: str, docker_engine: Callable[..., str], cache: Cache
) -> dict[str, object]:
    """How to publish to the testbed and run with its Docker Engine, whose containers need the host's network."""
    if sys.version_info[:2] != (3, 11):
        missing("the testbed's base image has Python 3.11, which is not this one")
    return {
        "runner": "docker",
        "registry": f"{testbed_registry}/tests",
        "insecure": [testbed_registry],
        "base_image": base_image,
        "docker": {"network_mode": "host"},
        "cache": cache,
    }


def test_control_flow_in_containers(options: dict[str, object], tmp_path: Path) -> None:
    result = fairing_kfp.run(
        fairing_kfp.load_pipeline(PIPELINES["control-flow"]), {"count": 2}, output=tmp_path, **options
    )

    assert result.step("total").outputs["Output"] == 6
    assert result.step("say").outputs["Output"] == "little"


def test_outputs_belong_to_the_user(options: dict[str, object], tmp_path: Path) -> None:
    result = fairing_kfp.run(fairing_kfp.load_pipeline(f"{_FAILING}:owner"), output=tmp_path, **options)

    user, home, _, _ = result.outputs["Output"]
    assert user == os.getuid()
    assert home
    assert Path(result.step("whoami").artifacts["made"]).stat().st_uid == os.getuid()


@pytest.mark.parametrize(("how", "expected"), [("raise", "as it was told"), ("leave", "without its outputs")])
def test_failure_in_a_container_fails_the_run(
    options: dict[str, object], tmp_path: Path, how: str, expected: str
) -> None:
    events: list[str] = []

    with pytest.raises(StepFailedError) as caught:
        fairing_kfp.run(
            fairing_kfp.load_pipeline(f"{_FAILING}:failing"),
            {"how": how},
            output=tmp_path,
            tell=lambda event: events.append(event.text),
            **options,
        )

    assert expected in f"{caught.value}{events}"
    assert "before the failure" in caught.value.log


def test_secrets_reach_the_container_and_no_file(
    options: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    word = "-".join(["rather", "hidden"])
    monkeypatch.setenv("LOGIN_WORD", word)

    result = fairing_kfp.run(fairing_kfp.load_pipeline(f"{_FAILING}:logs_in"), output=tmp_path, **options)

    assert result.outputs["Output"] == len(word)
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and word.encode() in path.read_bytes()]


def test_files_lie_where_they_were_placed(options: dict[str, object], tmp_path: Path) -> None:
    result = fairing_kfp.run(fairing_kfp.load_pipeline(f"{_FAILING}:looks"), output=tmp_path, **options)

    assert result.outputs["Output"] == [
        '"""Steps that fail, each in a way of its own; `how` chooses."""',
        "/etc/lab/shared.py",
    ]


def test_what_is_served_answers_containers_of_later_steps(options: dict[str, object], tmp_path: Path) -> None:
    result = fairing_kfp.run(fairing_kfp.load_pipeline(PIPELINES["serving"]), output=tmp_path, **options)

    assert result.step("predict").outputs["Output"] == 14.0


def test_train_steps_are_one_container_here_and_say_so(options: dict[str, object], tmp_path: Path) -> None:
    told: list[Event] = []
    pipeline = fairing_kfp.load_pipeline(str(Path(__file__).parent.parent / "pipelines" / "training.py"))

    result = fairing_kfp.run(pipeline, {"depth": 6}, output=tmp_path, tell=told.append, **options)

    assert result.outputs == {"Output": 3.0}
    assert [event.text for event in told if event.kind == "warn"] == [
        "train runs here as one container; on Kubernetes it is a TrainJob of 2 nodes",
    ]
