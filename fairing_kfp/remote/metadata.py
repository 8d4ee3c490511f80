"""The executions of a run in ML Metadata: what each step got and returned, and its artifacts.

Messages: https://github.com/google/ml-metadata/blob/master/ml_metadata/proto/metadata_store.proto
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from fairing_kfp.remote.grpc_web import call

if TYPE_CHECKING:
    from fairing_kfp.remote.connect import Kfp

_STRUCT = ".google.protobuf.Struct"
# The fields that are read, by message: name, number, type; `*` if it is repeated. Others are skipped.
_MESSAGES: dict[str, tuple[tuple[str, int, str], ...]] = {
    "Value": (
        ("int_value", 1, "int64"),
        ("double_value", 2, "double"),
        ("string_value", 3, "string"),
        ("struct_value", 4, _STRUCT),
        ("bool_value", 6, "bool"),
    ),
    "Property": (("key", 1, "string"), ("value", 2, "Value")),  # an entry of a map
    "Context": (("id", 1, "int64"),),
    "Execution": (("id", 1, "int64"), ("custom_properties", 5, "*Property"), ("type", 7, "string")),
    "Artifact": (
        ("id", 1, "int64"),
        ("uri", 3, "string"),
        ("custom_properties", 5, "*Property"),
        ("type", 8, "string"),
    ),
    "PathStep": (("key", 2, "string"),),
    "Path": (("steps", 1, "*PathStep"),),
    "Event": (("artifact_id", 1, "int64"), ("execution_id", 2, "int64"), ("path", 3, "Path"), ("type", 4, "int32")),
    "GetContextByTypeAndNameRequest": (("type_name", 1, "string"), ("context_name", 2, "string")),
    "GetContextByTypeAndNameResponse": (("context", 1, "Context"),),
    "GetExecutionsByContextRequest": (("context_id", 1, "int64"),),
    "GetExecutionsByContextResponse": (("executions", 1, "*Execution"),),
    "GetEventsByExecutionIDsRequest": (("execution_ids", 1, "*int64"),),
    "GetEventsByExecutionIDsResponse": (("events", 1, "*Event"),),
    "GetArtifactsByIDRequest": (("artifact_ids", 1, "*int64"),),
    "GetArtifactsByIDResponse": (("artifacts", 1, "*Artifact"),),
}
_INPUT, _OUTPUT = 3, 4  # types of events
_OWN_PROPERTIES = ("display_name", "store_session_info")
_ITERATION = re.compile(r"\.iteration-iterations\((\d+):\d+\)\.iteration-item")


@dataclass(frozen=True)
class StoredArtifact:
    """An artifact in ML Metadata.

    Attributes:
        type: its type, such as `system.Model`.
        uri: where its content is.
        metadata: its metadata.
        store: the store of its content, as the JSON object that KFP describes it with; empty for the default one.
    """

    type: str
    uri: str
    metadata: Mapping[str, Any]
    store: str


@dataclass(frozen=True)
class Execution:
    """An execution of a task that runs something.

    Attributes:
        id: its id; later executions have higher ones.
        task: the task's name in the pipeline.
        path: the path of its node in the Argo workflow: `root.for-loop-1.iteration-iterations(0:0).….train`.
        outputs: output parameters; whole numbers are integers.
        artifacts: output artifacts.
        inputs: input parameters, without defaults of its component.
        input_artifacts: input artifacts; an artifact that several inputs have is in one of them alone.
    """

    id: int
    task: str
    path: str
    outputs: Mapping[str, Any]
    artifacts: Mapping[str, StoredArtifact]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    input_artifacts: Mapping[str, tuple[StoredArtifact, ...]] = field(default_factory=dict)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The names of the tasks that lead to it, and its own: `for-loop-1`, `train`."""
        outer = _ITERATION.sub("", self.path).split(".")[1:-1]
        return (*outer, self.task)

    @property
    def iterations(self) -> tuple[int, ...]:
        """The iterations of the loops that it is in, the outer one first."""
        return tuple(int(number) for number in _ITERATION.findall(self.path))


def executions_of(kfp: Kfp, run_id: str) -> tuple[Execution, ...]:
    """The executions of a run, in the order in which they were created; none if it has not started.

    Raises:
        KfpError: the pages of Kubeflow Pipelines do not serve ML Metadata, or it does not answer.
    """
    found = _request(kfp, "GetContextByTypeAndName", type_name="system.PipelineRun", context_name=run_id)
    if not found.context.id:
        return ()
    executions = _request(kfp, "GetExecutionsByContext", context_id=found.context.id).executions
    if not executions:
        return ()
    events = _request(kfp, "GetEventsByExecutionIDs", execution_ids=[one.id for one in executions]).events
    events = [one for one in events if one.type in (_INPUT, _OUTPUT) and one.path.steps]
    ids = sorted({event.artifact_id for event in events})
    stored = _request(kfp, "GetArtifactsByID", artifact_ids=ids).artifacts if ids else ()
    artifacts = {one.id: _artifact(one) for one in stored}
    outputs: dict[int, dict[str, StoredArtifact]] = {}
    inputs: dict[int, dict[str, tuple[StoredArtifact, ...]]] = {}
    events = [event for event in events if event.artifact_id in artifacts]
    for event in sorted(events, key=lambda one: int(one.artifact_id)):  # of several attempts, the last
        if event.type == _OUTPUT:
            outputs.setdefault(event.execution_id, {})[event.path.steps[0].key] = artifacts[event.artifact_id]
    for event in events:  # in the order of a list
        if event.type == _INPUT:
            its, name = inputs.setdefault(event.execution_id, {}), event.path.steps[0].key
            its[name] = (*its.get(name, ()), artifacts[event.artifact_id])
    properties = {one.id: _properties(one.custom_properties) for one in executions}
    return tuple(
        Execution(
            int(one.id),
            str(properties[one.id].get("task_name", "")),
            _path(one.id, properties),
            properties[one.id].get("outputs") or {},
            outputs.get(one.id, {}),
            properties[one.id].get("inputs") or {},
            inputs.get(one.id, {}),
        )
        for one in sorted(executions, key=lambda one: int(one.id))
        if one.type != "system.DAGExecution"
    )


def _path(execution: int, properties: Mapping[int, Mapping[str, Any]]) -> str:
    own = properties.get(execution, {})
    parent = own.get("parent_dag_id")
    if not parent:
        return "root"
    if "iteration_index" in own:
        number = own["iteration_index"]
        return f"{_path(parent, properties)}.iteration-iterations({number}:{number}).iteration-item"
    return f"{_path(parent, properties)}.{own.get('task_name', '')}"


def _artifact(artifact: Any) -> StoredArtifact:
    properties = _properties(artifact.custom_properties)
    metadata = {name: _unwrapped(value) for name, value in properties.items() if name not in _OWN_PROPERTIES}
    return StoredArtifact(artifact.type, artifact.uri, metadata, str(properties.get("store_session_info", "")))


def _unwrapped(value: Any) -> Any:
    """A value of metadata; KFP puts lists and dictionaries into a dictionary with one key."""
    if isinstance(value, dict) and len(value) == 1:
        (kind, inner), types = next(iter(value.items())), {"list": list, "struct": dict}
        if kind in types and isinstance(inner, types[kind]):
            return inner
    return value


def _properties(entries: Iterable[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for entry in sorted(entries, key=lambda one: str(one.key)):
        for kind, value in entry.value.ListFields():
            if kind.name == "struct_value":
                found[entry.key] = _fields(value)
            else:
                found[entry.key] = _number(value) if kind.name == "double_value" else value
    return found


def _plain(value: Any) -> Any:
    """A `google.protobuf.Value` as Python's."""
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _fields(value.struct_value)
    if kind == "list_value":
        return [_plain(one) for one in value.list_value.values]
    if kind == "number_value":
        return _number(value.number_value)
    return None if kind in (None, "null_value") else getattr(value, kind)


def _fields(struct: Any) -> dict[str, Any]:
    return {name: _plain(one) for name, one in sorted(struct.fields.items())}  # a map of protobuf has no order


def _number(value: float) -> int | float:
    """A number as KFP hands it to steps: all are stored as floating point, and whole ones are written as integers."""
    return int(value) if value.is_integer() else value


def _request(kfp: Kfp, method: str, **fields: Any) -> Any:
    from google.protobuf.message import DecodeError

    from fairing_kfp.errors import KfpError

    answer = _classes()[f"{method}Response"]()
    message = _classes()[f"{method}Request"](**fields)
    try:
        answer.ParseFromString(call(kfp, method, message.SerializeToString()) or b"")
    except DecodeError as error:
        raise KfpError(
            f"cannot read outputs of the run: the response of ML Metadata at {kfp.page} is malformed: {error}",
            "check that it is Kubeflow Pipelines 2.17",
        ) from error
    return answer


@functools.cache
def _classes() -> dict[str, Any]:
    """The classes of the messages."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, struct_pb2

    kind = descriptor_pb2.FieldDescriptorProto
    package = "fairing_kfp.ml_metadata"  # of its own, beside that of the package ml-metadata
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{package}.proto", package=package, dependency=[struct_pb2.DESCRIPTOR.name]
    )
    for message, fields in _MESSAGES.items():
        described = file.message_type.add(name=message)
        for name, number, typed in fields:
            label = kind.LABEL_REPEATED if typed.startswith("*") else kind.LABEL_OPTIONAL
            field = described.field.add(name=name, number=number, label=label)
            own = typed.lstrip("*")
            if own in _MESSAGES or own == _STRUCT:
                field.type, field.type_name = kind.TYPE_MESSAGE, own if own == _STRUCT else f".{package}.{own}"
            else:
                field.type = getattr(kind, f"TYPE_{own.upper()}")
    pool = descriptor_pool.Default()
    pool.Add(file)
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{package}.{name}")) for name in _MESSAGES
    }
