from __future__ import annotations

from typing import Any

import pytest

from fairing_kfp.errors import ConfigError
from fairing_kfp.train.vertex.task import env_of_task


def test_plain_variables_reach_the_job_but_not_where_the_steps_login_lies() -> None:
    env = [
        {"name": "GREETING", "value": "good day"},
        {"name": "EMPTY"},
        {"name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/login/key.json"},
    ]
    login = {"name": "login", "secret": {"secretName": "google"}}

    assert env_of_task("learn", {"env": env, "volumes": [login], "resources": None}) == {
        "GREETING": "good day",
        "EMPTY": "",
    }


@pytest.mark.parametrize(
    ("task", "named"),
    [
        ({"resources": {"limits": {"nvidia.com/gpu": "1"}, "requests": {"cpu": "1"}}}, "cpu, nvidia.com/gpu"),
        ({"volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]}, "'data'"),
        ({"env": [{"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}}}]}, "TOKEN"),
    ],
)
def test_unsupported_settings_are_rejected(task: dict[str, Any], named: str) -> None:
    with pytest.raises(ConfigError, match=named) as caught:
        env_of_task("learn", task)
    assert caught.value.remedy
