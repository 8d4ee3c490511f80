"""What a TrainJob lays over the pods of its runtime, in the field that the installed version has for it.

| release | field | its place for a pod |
| --- | --- | --- |
| 2.0 | `podSpecOverrides` | its specification alone |
| 2.1 | `podTemplateOverrides` | its metadata and specification |
| 2.2 | `runtimePatches` | likewise, deep below |

None takes a whole pod: which fields there are is read from the schema.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

from fairing_kfp.cluster.client import Object
from fairing_kfp.cluster.names import object_name
from fairing_kfp.errors import ConfigError

MANAGER = "fairing-kfp/step"
"""Whose patches of a runtime ours are: each that patches has one entry."""

_BELOW = ("trainingRuntimeSpec", "template", "spec", "replicatedJobs", "template", "spec", "template")
_SPENT = ("image", "command", "args", "env", "resources")  # of the main container: the TrainJob's own fields
_MILD = {"spec.automountServiceAccountToken", "spec.containers[0].ports"}  # the pods work without
_FLEETING = ("emptyDir", "ephemeral")


@dataclass(frozen=True)
class Overrides:
    """The place for a pod in a TrainJob.

    Attributes:
        field: its name.
        pod: the schema of the place.
    """

    field: str
    pod: Object

    @classmethod
    def of(cls, schema: Object) -> Overrides:
        """The place that a schema has.

        Args:
            schema: of a TrainJob's `spec`.

        Raises:
            ConfigError: it has none that we know.
        """
        fields = schema["properties"]
        if "runtimePatches" in fields:
            return cls("runtimePatches", _down(fields["runtimePatches"], _BELOW))
        if "podTemplateOverrides" in fields:
            return cls("podTemplateOverrides", _down(fields["podTemplateOverrides"], ()))
        if "podSpecOverrides" in fields:
            spec = _down(fields["podSpecOverrides"], ())
            return cls("podSpecOverrides", {"properties": {"spec": spec}})
        raise ConfigError(
            "TrainJobs of the installed Kubeflow Trainer have no field for their pods",
            "have another release of Kubeflow Trainer installed, or run it as a job",
        )

    @property
    def holds_metadata(self) -> bool:
        """Whether pods get labels and annotations."""
        return "metadata" in self.pod["properties"]

    def lost(self, template: Object) -> list[str]:
        """The fields of a pod template that have no place, and without which its pods are not what was wanted."""
        spec, known = template["spec"], self.pod["properties"]["spec"]["properties"]
        lost = [f"spec.{key}" for key in spec if key not in known]
        for kind in ("containers", "initContainers"):
            allowed = _down(known.get(kind, {}), ()).get("properties", {})
            for number, one in enumerate(spec.get(kind) or []):
                main = kind == "containers" and number == 0
                lost += [
                    f"spec.{kind}[{number}].{key}" for key in one if key not in allowed and not (main and key in _SPENT)
                ]
        return [field for field in lost if field not in _MILD]

    def fields(self, job: str, template: Object) -> Object:
        """The field with a pod template in it.

        Args:
            job: the replicated job of the runtime that it holds for.
            template: `metadata` and `spec`; its first container is the one that runs the code.

        Raises:
            ConfigError: something has no place, or a volume cannot be mounted twice.
        """
        known = self.pod["properties"]["spec"]["properties"]
        spec = {key: value for key, value in copy.deepcopy(template["spec"]).items() if key in known}
        allowed = _down(known["containers"], ())["properties"]
        first, *others = spec["containers"]
        first = {key: value for key, value in first.items() if key in allowed and key not in _SPENT}
        if allowed.get("volumeMounts", {}).get("x-kubernetes-list-map-keys") == ["name"]:
            _mount_once(first, spec)
        spec["containers"] = [first, *others]
        metadata = {"metadata": template["metadata"]} if self.holds_metadata else {}
        if self.field == "podSpecOverrides":
            return {self.field: [{"targetJobs": [{"name": job}], **spec}]}
        if self.field == "podTemplateOverrides":
            return {self.field: [{"targetJobs": [{"name": job}], **metadata, "spec": spec}]}
        below = {"name": job, "template": {"spec": {"template": {**metadata, "spec": spec}}}}
        patch = {"template": {"spec": {"replicatedJobs": [below]}}}
        return {self.field: [{"manager": MANAGER, "trainingRuntimeSpec": patch}]}


def _down(schema: Object, path: tuple[str, ...]) -> Object:
    """The schema below another one, through the items of lists."""
    found = schema.get("items", schema)
    for name in path:
        found = found["properties"][name]
        found = found.get("items", found)
    return dict(found)


def _mount_once(container: Object, spec: Object) -> None:
    """Gives each mount a volume of its own, where mounts are known by the names of their volumes."""
    volumes = {one["name"]: one for one in spec.get("volumes") or []}
    taken: set[str] = set()
    for mount in container.get("volumeMounts") or []:
        name = mount["name"]
        if name not in taken:
            taken.add(name)
            continue
        volume = volumes.get(name, {"name": name})
        if any(kind in volume for kind in _FLEETING):
            raise ConfigError(
                f"the volume {name} cannot be mounted at {mount['mountPath']} as well: TrainJobs of the installed "
                f"Kubeflow Trainer mount a volume once",
                "mount it once, at a folder above both",
            )
        mount["name"] = object_name(name, mount["mountPath"])
        spec["volumes"].append({**volume, "name": mount["name"]})
