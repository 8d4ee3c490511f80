"""A step's image as KFP runs it: on containerd, as any user, without capabilities, its root file system read-only."""

from __future__ import annotations

import json
import re
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest
import yaml

import fairing_kfp
from fairing_kfp.cache.store import Cache
from tests.golden import PIPELINES
from tests.support.services import run

pytestmark = [pytest.mark.kubernetes, pytest.mark.registry]


def test_step_runs_as_kfp_would_run_it(publishing: dict[str, Any], pod: object, cache: Cache) -> None:
    compiled = fairing_kfp.compile(fairing_kfp.load_pipeline(PIPELINES["control-flow"]), cache=cache, **publishing)
    executors = yaml.safe_load(compiled.text.partition("\n---\n")[0])["deploymentSpec"]["executors"]
    container = executors["exec-box"]["container"]
    executor_input = {
        "inputs": {"parameterValues": {"number": 21}},
        "outputs": {
            "outputFile": "/outputs/executor_output.json",
            "parameters": {"Output": {"outputFile": "/outputs/Output"}},
            "artifacts": {"made": {"artifacts": [{"name": "made", "uri": "/outputs/made", "metadata": {}}]}},
        },
    }
    arguments = [argument.replace("{{$}}", json.dumps(executor_input)) for argument in container["args"]]
    log = _run_pod(container["image"], [*container["command"], *arguments])

    made = json.loads(re.findall(r"^\{.*\}$", log, re.MULTILINE)[-1])
    assert made["parameterValues"] == {"Output": 42}


def _run_pod(image: str, command: list[str]) -> str:
    """Runs a step's command with KFP's security context, then prints its executor output."""
    name = f"step-{uuid.uuid4().hex[:10]}"
    shell = ["sh", "-ec", '"$@"; cat /outputs/executor_output.json; echo', "sh", *command]
    spec = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "restartPolicy": "Never",
            "volumes": [{"name": "outputs", "emptyDir": {}}],
            "securityContext": {"runAsUser": 54321, "runAsGroup": 54321, "runAsNonRoot": True, "fsGroup": 54321},
            "containers": [
                {
                    "name": "main",
                    "image": image,
                    "command": shell,
                    "volumeMounts": [{"name": "outputs", "mountPath": "/outputs"}],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "readOnlyRootFilesystem": True,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }
    try:
        run("kubectl", "create", "-f", "-", input=json.dumps(spec))
        phase = "--for=jsonpath={.status.phase}"
        done = subprocess.run(
            ["kubectl", "wait", f"pod/{name}", f"{phase}=Succeeded", "--timeout=60s"], capture_output=True, check=False
        )
        log = run("kubectl", "logs", name)
        assert done.returncode == 0, log
        return log
    finally:
        subprocess.run(["kubectl", "delete", "pod", name, "--now", "--wait=false"], capture_output=True, check=False)


def test_images_hold_no_path_that_kfp_rewrites(cache: Cache, tmp_path: Path) -> None:
    """kfp's SubprocessRunner replaces `python3` wherever it stands in a command."""
    from fairing_kfp.preprocess.image_paths import COMMAND
    from fairing_kfp.recipe.runtime_layer import runtime_files

    assert COMMAND[0] == "python3"
    assert not any("python3" in argument for argument in COMMAND[1:])
    assert not any("python3" in file.path for file in runtime_files())
