"""Steps of reusable components as pods, one after the other, with the artifacts of those before."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.component_steps import container_of, executor_input
from tests.support.step_pods import Ended, run_step

_OUTPUTS = "/tmp/outputs"
_EARLIER = """
import json, sys
from fairing_kfp.components.__main__ import main
for arguments in json.loads({tasks!r}):
    if main(arguments):
        sys.exit(1)
"""


@dataclass(frozen=True)
class Task:
    """A task of a component.

    Attributes:
        folder: the component's folder, such as `building/append_image`.
        parameters: its parameters.
        artifacts: its input artifacts, as `COMPONENT/OUTPUT` of an earlier task.
    """

    folder: str
    parameters: Mapping[str, Any]
    artifacts: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.folder.rpartition("/")[2]


@dataclass(frozen=True)
class ComponentPods:
    """Runs tasks in one pod: those before the last in its init container.

    Attributes:
        components: the published components.
        kubectl: kubectl with administrator permissions.
        namespace: namespace of the pods.
        account: service account of the pods.
    """

    components: Path
    kubectl: Callable[..., str]
    namespace: str
    account: str = "pipeline-runner"

    def run(self, *tasks: Task, gives: str, env: Sequence[Mapping[str, Any]] = (), memory: str = "256Mi") -> Ended:
        """Runs tasks, and returns the end of the last, with its output parameter `gives`."""
        *earlier, last = tasks
        given = [self._input(task) for task in earlier]
        arguments = [
            [task.name.replace("_", "-"), "--executor_input", json.dumps(one)]
            for task, one in zip(earlier, given, strict=True)
        ]
        prepare = _EARLIER.format(tasks=json.dumps(arguments)) if earlier else ""
        container, one = container_of(self.components / last.folder / "component.yaml"), self._input(last)
        path = f"/tmp/gives/{gives}"  # the kubelet makes its folder
        one["outputs"]["parameters"][gives]["outputFile"] = path
        return run_step(
            self.kubectl,
            self.namespace,
            container,
            one,
            prepare=prepare,
            gives=path,
            env=env,
            memory=memory,
            account=self.account,
        )

    def call(self, image: str, *command: str) -> Ended:
        """Runs a command in an image."""
        return run_step(
            self.kubectl, self.namespace, {"image": image, "command": [*command], "args": []}, account=self.account
        )

    def _input(self, task: Task) -> dict[str, Any]:
        file = self.components / task.folder / "component.yaml"
        artifacts = {name: f"{_OUTPUTS}/{path}" for name, path in task.artifacts.items()}
        return executor_input(file, f"{_OUTPUTS}/{task.name}", task.parameters, artifacts)
