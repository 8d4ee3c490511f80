"""Schemas of a TrainJob's `spec` in releases of Kubeflow Trainer, with the fields that fairing-kfp reads."""

from __future__ import annotations

from typing import Any


def _fields(*names: str, **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {**{name: {} for name in names}, **more}}


def _list(items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


def _below(path: str, schema: dict[str, Any]) -> dict[str, Any]:
    for name in reversed(path.split(".")):
        listed = name.endswith("[]")
        schema = _fields("name", **{name[:-2]: _list(schema)}) if listed else _fields(**{name: schema})
    return schema


_TRAINER = {"runtimeRef": {}, "trainer": {}, "suspend": {}}
_BY_NAME = {"x-kubernetes-list-map-keys": ["name"], "x-kubernetes-list-type": "map"}
_CONTAINER_2_0 = _list(_fields("name", "env", volumeMounts=_list(_fields("name", "mountPath"), **_BY_NAME)))
_CONTAINER_2_2 = _list(
    _fields("name", "env", "securityContext", volumeMounts=_list(_fields("name", "mountPath"), **_BY_NAME))
)
_POD_2_0 = {
    "containers": _CONTAINER_2_0,
    "initContainers": _CONTAINER_2_0,
    **{name: {} for name in ("nodeSelector", "schedulingGates", "serviceAccountName", "tolerations", "volumes")},
}
_POD_2_1 = {**_POD_2_0, "affinity": {}, "imagePullSecrets": {}}
_POD_2_2 = {**_POD_2_1, "containers": _CONTAINER_2_2, "initContainers": _CONTAINER_2_2, "securityContext": {}}

V2_0 = _fields(**_TRAINER, podSpecOverrides=_list(_fields("targetJobs", **_POD_2_0)))
V2_1 = _fields(**_TRAINER, podTemplateOverrides=_list(_fields("targetJobs", "metadata", spec=_fields(**_POD_2_1))))
V2_2 = _fields(
    **_TRAINER,
    activeDeadlineSeconds={},
    runtimePatches=_list(
        _fields(
            "manager",
            trainingRuntimeSpec=_below(
                "template.spec.replicatedJobs[].template.spec.template",
                _fields("metadata", spec=_fields(**_POD_2_2)),
            ),
        )
    ),
)
