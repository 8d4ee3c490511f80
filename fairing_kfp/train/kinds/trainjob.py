"""TrainJob of Kubeflow Trainer 2: its own fields, and overrides of its runtime's pods for the rest.

The field for the overrides differs between releases:

| release | field | accepts for a pod |
| --- | --- | --- |
| 2.0 | `podSpecOverrides` | parts of its specification |
| 2.1 | `podTemplateOverrides` | parts of its metadata and specification |
| 2.2 | `runtimePatches` | parts of its metadata and specification, nested |

None of them accepts every field of a pod. The schema of the installed release is read, and fields that it lacks are
errors before anything is created.

Source: https://www.kubeflow.org/docs/components/trainer/operator-guides/runtime-patches/
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.kinds import find_kind, schema_of
from fairing_kfp.cluster.names import object_name
from fairing_kfp.cluster.objects import preflight
from fairing_kfp.cluster.rbac import FOLLOWED
from fairing_kfp.cluster.rule import Rule
from fairing_kfp.errors import ClusterError, ConfigError, ForbiddenError, MissingObjectError
from fairing_kfp.train.kinds.kind import JobResult, rank_label, result_by_conditions, retries_exhausted
from fairing_kfp.train.pod_template import RESTRICTED_CONTAINER, RESTRICTED_POD
from fairing_kfp.train.spec import Framework, JobSpec

DEFAULT_RUNTIME = "torch-distributed"
"""Part of every release of Trainer. What it adds (variables for torchrun, a port) does not affect other frameworks."""

MANAGER = "fairing-kfp/step"
"""Manager of our entry in `runtimePatches`; each manager has one."""

_GROUP = "trainer.kubeflow.org"
_NODE = "node"  # the replicated job whose pods are the nodes
_JOB_SET = "jobset.sigs.k8s.io/jobset-name"
_REPLICATED = "jobset.sigs.k8s.io/replicatedjob-name"
_INDEX = "batch.kubernetes.io/job-completion-index"

_PATCH_PATH = ("trainingRuntimeSpec", "template", "spec", "replicatedJobs", "template", "spec", "template")
_TRAINER_FIELDS = ("image", "command", "args", "env", "resources")  # of the main container, in the TrainJob's `trainer`
_OPTIONAL = {"spec.automountServiceAccountToken", "spec.containers[0].ports"}  # pods work without these
_UNSHARED = ("emptyDir", "ephemeral")  # volumes that have other content if declared twice


@dataclass(frozen=True)
class TrainJob:
    """A TrainJob of the installed release.

    Attributes:
        schema: schema of its `spec`; empty before `preflight`.
    """

    schema: Object = field(default_factory=dict)
    api_version: ClassVar = f"{_GROUP}/v1alpha1"
    kind: ClassVar = "TrainJob"
    container: ClassVar = "node"
    framework: ClassVar[Framework | None] = None
    rule: ClassVar = Rule(_GROUP, "trainjobs", FOLLOWED)
    controllers: ClassVar = (Rule("batch", "jobs", ("get",)), Rule("jobset.x-k8s.io", "jobsets", ("get",)))

    def manifest(self, spec: JobSpec, name: str, template: Object) -> Object:
        """The TrainJob; see `TrainingKind`."""
        overrides = Overrides.from_schema(self.schema)
        self._check_support(spec, overrides, template)
        main = template["spec"]["containers"][0]
        trainer = {key: main[key] for key in ("image", "command", "args", "env") if key in main}
        trainer["numNodes"] = spec.nodes
        if main.get("resources"):
            trainer["resourcesPerNode"] = main["resources"]
        if spec.processes is not None:
            trainer["numProcPerNode"] = spec.processes
        body: Object = {"runtimeRef": _runtime(spec), "trainer": trainer, **overrides.fields(_NODE, template)}
        if spec.deadline is not None:
            body["activeDeadlineSeconds"] = spec.deadline
        return {"apiVersion": self.api_version, "kind": self.kind, "metadata": {"name": name}, "spec": body}

    def preflight(self, cluster: Cluster, spec: JobSpec) -> TrainJob:
        """Checks that Trainer and the runtime are installed; see `TrainingKind`.

        Raises:
            NotInstalledError: Trainer is not installed.
            MissingObjectError: the runtime does not exist.
            ClusterError: Kubernetes rejects the request, or does not answer.
        """
        kind = find_kind(cluster, self.api_version, self.kind)
        runtime = _runtime(spec)
        minimal = {
            "apiVersion": self.api_version,
            "kind": self.kind,
            "metadata": {"name": object_name(spec.name, "check")},
            "spec": {"runtimeRef": runtime},
        }
        try:
            preflight(cluster, minimal)
        except ForbiddenError as error:
            # Trainer's webhook looks up the runtime, so the step needs no permission to read runtimes.
            if not re.search(r"not found.*must be created|unsupported runtime", error.message):
                raise
            raise MissingObjectError(
                f"{spec.name}: there is no {runtime['kind']} {runtime['name']} for its TrainJob",
                f"name one with runtime=…, or have it installed; {_available(cluster, runtime['kind'])}",
                status=404,
            ) from error
        return TrainJob(schema_of(cluster, kind)["properties"]["spec"])

    def pods(self, name: str) -> str:
        """The label selector of the pods, by the JobSet of the same name; see `TrainingKind`."""
        return f"{_JOB_SET}={name}"

    def rank(self, pod: Object) -> int | None:
        """The completion index within the replicated job `node`; see `TrainingKind`."""
        labels = pod["metadata"].get("labels") or {}
        return rank_label(pod, _INDEX) if labels.get(_REPLICATED) == _NODE else None

    def result(self, job: Object, pods: Iterable[Object] = (), retries: int = 0) -> JobResult | None:
        """The result by the conditions `Complete` and `Failed`, or by the failures of its nodes; see `TrainingKind`.

        The runtime decides how many times a node is restarted: 6 times in the runtimes that Trainer installs.
        """
        return result_by_conditions(job, "Complete") or retries_exhausted(pods, self.container, retries)

    def _check_support(self, spec: JobSpec, overrides: Overrides, template: Object) -> None:
        unsupported = overrides.unsupported(template)
        if (spec.labels or spec.annotations) and not overrides.supports_metadata:
            unsupported.append("metadata")
        if unsupported:
            raise ConfigError(
                f"{spec.name}: TrainJobs of the installed Kubeflow Trainer do not support {', '.join(unsupported)} "
                f"of their pods",
                "leave it out, name a runtime that sets it (runtime=…), or use job",
            )
        if spec.deadline is not None and "activeDeadlineSeconds" not in self.schema["properties"]:
            raise ConfigError(
                f"{spec.name}: TrainJobs of the installed Kubeflow Trainer do not support deadline",
                "leave deadline= out, or have Kubeflow Trainer 2.2 or later installed",
            )


@dataclass(frozen=True)
class Overrides:
    """The field of a TrainJob that overrides its runtime's pods.

    Attributes:
        field: name of the field.
        pod: schema of a pod within the field.
    """

    field: str
    pod: Object

    @classmethod
    def from_schema(cls, schema: Object) -> Overrides:
        """The field that a release has.

        Args:
            schema: schema of a TrainJob's `spec`.

        Raises:
            ConfigError: the schema has none of the known fields.
        """
        fields = schema["properties"]
        if "runtimePatches" in fields:
            return cls("runtimePatches", _subschema(fields["runtimePatches"], _PATCH_PATH))
        if "podTemplateOverrides" in fields:
            return cls("podTemplateOverrides", _subschema(fields["podTemplateOverrides"], ()))
        if "podSpecOverrides" in fields:
            spec = _subschema(fields["podSpecOverrides"], ())
            return cls("podSpecOverrides", {"properties": {"spec": spec}})
        raise ConfigError(
            "TrainJobs of the installed Kubeflow Trainer have no field that overrides pods",
            "have another release of Kubeflow Trainer installed, or use job",
        )

    @property
    def supports_metadata(self) -> bool:
        """Whether labels and annotations of pods can be set."""
        return "metadata" in self.pod["properties"]

    def unsupported(self, template: Object) -> list[str]:
        """The fields of a pod template that cannot be set, without those that pods work without."""
        known = self.pod["properties"]["spec"]["properties"]
        spec = {key: value for key, value in template["spec"].items() if value != RESTRICTED_POD}
        unsupported = [f"spec.{key}" for key in spec if key not in known]
        for kind in ("containers", "initContainers"):
            allowed = _subschema(known.get(kind, {}), ()).get("properties", {})
            for number, container in enumerate(spec.get(kind) or []):
                main = kind == "containers" and number == 0
                unsupported += [
                    f"spec.{kind}[{number}].{key}"
                    for key, value in container.items()
                    if key not in allowed and not (main and (key in _TRAINER_FIELDS or value == RESTRICTED_CONTAINER))
                ]
        return [name for name in unsupported if name not in _OPTIONAL]

    def fields(self, job: str, template: Object) -> Object:
        """The field with a pod template.

        Args:
            job: name of the runtime's replicated job whose pods are overridden.
            template: `metadata` and `spec` of the pods; the first container runs the code.

        Raises:
            ConfigError: a volume is mounted twice, and the release supports one mount per volume.
        """
        known = self.pod["properties"]["spec"]["properties"]
        spec = {key: value for key, value in copy.deepcopy(template["spec"]).items() if key in known}
        allowed = _subschema(known["containers"], ())["properties"]
        first, *others = spec["containers"]
        first = {key: value for key, value in first.items() if key in allowed and key not in _TRAINER_FIELDS}
        if allowed.get("volumeMounts", {}).get("x-kubernetes-list-map-keys") == ["name"]:
            _split_volumes(first, spec)
        spec["containers"] = [first, *others]
        metadata = {"metadata": template["metadata"]} if self.supports_metadata else {}
        if self.field == "podSpecOverrides":
            return {self.field: [{"targetJobs": [{"name": job}], **spec}]}
        if self.field == "podTemplateOverrides":
            return {self.field: [{"targetJobs": [{"name": job}], **metadata, "spec": spec}]}
        replicated = {"name": job, "template": {"spec": {"template": {**metadata, "spec": spec}}}}
        patch = {"template": {"spec": {"replicatedJobs": [replicated]}}}
        return {self.field: [{"manager": MANAGER, "trainingRuntimeSpec": patch}]}


def _subschema(schema: Object, path: tuple[str, ...]) -> Object:
    """The schema at a path; lists are passed through to their items."""
    found = schema.get("items", schema)
    for name in path:
        found = found["properties"][name]
        found = found.get("items", found)
    return dict(found)


def _split_volumes(container: Object, spec: Object) -> None:
    """Declares a volume of its own for each mount, for releases that merge mounts by the name of the volume."""
    volumes = {one["name"]: one for one in spec.get("volumes") or []}
    mounted: set[str] = set()
    for mount in container.get("volumeMounts") or []:
        name = mount["name"]
        if name not in mounted:
            mounted.add(name)
            continue
        volume = volumes.get(name, {"name": name})
        if any(kind in volume for kind in _UNSHARED):
            raise ConfigError(
                f"the volume {name} cannot be mounted at {mount['mountPath']} as well: TrainJobs of the installed "
                f"Kubeflow Trainer support one mount per volume",
                "mount it once, at a folder above both",
            )
        mount["name"] = object_name(name, mount["mountPath"])
        spec["volumes"].append({**volume, "name": mount["name"]})


def _runtime(spec: JobSpec) -> dict[str, str]:
    """The reference to the runtime: `NAME`, or `TrainingRuntime/NAME` for one in the namespace."""
    kind, _, name = (spec.runtime or DEFAULT_RUNTIME).rpartition("/")
    return {"apiGroup": _GROUP, "kind": kind or "ClusterTrainingRuntime", "name": name}


def _available(cluster: Cluster, kind: str) -> str:
    """The names of the installed runtimes; a command that lists them if the step may not."""
    try:
        found = find_kind(cluster, f"{_GROUP}/v1alpha1", kind)
        items = cluster.request("GET", found.path(cluster.namespace)).get("items") or []
    except ClusterError:
        return "list them: kubectl get clustertrainingruntimes,trainingruntimes"
    return "available: " + (", ".join(sorted(item["metadata"]["name"] for item in items)) or "none")


KIND = TrainJob()
