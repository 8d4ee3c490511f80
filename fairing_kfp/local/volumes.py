"""Volumes of local runs: folders in place of PersistentVolumeClaims."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.frozen import dataclass
from fairing_kfp.local.task import Task, Values

if TYPE_CHECKING:
    from fairing_kfp.pipeline.specification import Specification

_CREATE, _DELETE = "argostub/createpvc", "argostub/deletepvc"


@dataclass(frozen=True)
class Volumes:
    """The volumes of a run.

    Attributes:
        specification: the pipeline.
        folder: folder that contains one folder for each volume; shared by the runs, as claims are.
        name: name of the run, the prefix of generated names.
    """

    specification: Specification
    folder: Path
    name: str

    def handles(self, executor: Mapping[str, Any]) -> bool:
        """Whether an executor creates or deletes a volume."""
        return executor.get("container", {}).get("image") in (_CREATE, _DELETE)

    def act(self, executor: Mapping[str, Any], task: Task) -> Values:
        """Creates or deletes a volume, and returns the outputs of the task."""
        parameters = task.inputs.parameters
        if executor["container"]["image"] == _DELETE:
            shutil.rmtree(self.folder / parameters["pvc_name"], ignore_errors=True)
            return Values()
        name = parameters.get("pvc_name") or f"{self.name}{parameters.get('pvc_name_suffix', '')}"
        self._path(name)
        return Values({"name": name})

    def mounts(self, label: str, task: Task) -> dict[str, str]:
        """The paths at which a task's volumes are mounted, by folder.

        Args:
            label: label of the task's executor.
            task: the task.
        """
        mounts = self.specification.kubernetes_settings(label).get("pvcMount", ())
        return {str(self._path(str(self._name(mount, task)))): mount["mountPath"] for mount in mounts}

    def _name(self, mount: Mapping[str, Any], task: Task) -> Any:
        return task.scope(mount["pvcNameParameter"]) if "pvcNameParameter" in mount else mount["constant"]

    def _path(self, name: str) -> Path:
        path = self.folder / name
        path.mkdir(parents=True, exist_ok=True)
        return path
