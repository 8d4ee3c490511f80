"""A stand-in of ML Metadata's store: messages in protobuf's wire format, written and read by hand.

Field numbers: https://github.com/google/ml-metadata/blob/master/ml_metadata/proto/metadata_store.proto
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

COMPLETE, CACHED = 3, 5
INPUT, OUTPUT = 3, 4


@dataclass
class StoredArtifact:
    uri: str
    type: str = "system.Artifact"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    store: str = ""


@dataclass
class StoredExecution:
    """An execution.

    Attributes:
        task: the task's name; empty for the pipeline itself.
        parent: id of the execution of its DAG; 0 for the pipeline itself.
        outputs: its output parameters; None for the execution of a DAG.
        artifacts: its output artifacts.
        inputs: its input artifacts; lists in tuples.
        parameters: its input parameters.
        iteration: its number in a loop.
        state: the state.
    """

    task: str
    parent: int = 1
    outputs: Mapping[str, Any] | None = None
    artifacts: Mapping[str, StoredArtifact] = field(default_factory=dict)
    inputs: Mapping[str, StoredArtifact | tuple[StoredArtifact, ...]] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    iteration: int | None = None
    state: int = COMPLETE

    def events(self) -> Iterator[tuple[int, str, StoredArtifact]]:
        """The kind, name and artifact of its events. An artifact has one event of a kind."""
        for kind, listed in ((INPUT, self.inputs), (OUTPUT, self.artifacts)):
            found: dict[int, tuple[int, str, StoredArtifact]] = {}
            for name, its in listed.items():
                for one in its if isinstance(its, tuple) else (its,):
                    found[id(one)] = (kind, name, one)
            yield from found.values()


@dataclass
class MlMetadata:
    """The store: the executions of each run; the first one's id is 1."""

    runs: dict[str, list[StoredExecution]] = field(default_factory=dict)

    def answer(self, method: str, body: bytes) -> tuple[int, bytes]:
        """The gRPC status and the response to a call."""
        request = dict(read(body))
        if method == "GetContextByTypeAndName":
            assert request[1] == b"system.PipelineRun", request
            names = list(self.runs)
            name = request[2].decode()
            if name not in names:
                return 5, b""
            return 0, message(1, number(1, names.index(name) + 1) + text(3, name) + text(6, "system.PipelineRun"))
        if method == "GetExecutionsByContext":
            its = list(self.runs.values())[request[1] - 1]
            return 0, b"".join(message(1, self._execution(id, one)) for id, one in enumerate(its, 1))
        executions = [one for its in self.runs.values() for one in its]
        stored = [artifact for one in executions for _, _, artifact in one.events()]
        ids = [value for _, value in read(body)]
        if method == "GetEventsByExecutionIDs":
            return 0, b"".join(self._events(ids, executions, stored))
        if method == "GetArtifactsByID":
            return 0, b"".join(message(1, self._artifact(id, stored[id - 101])) for id in sorted(ids, reverse=True))
        return 12, b""

    @staticmethod
    def _execution(id: int, one: StoredExecution) -> bytes:
        properties: dict[str, Any] = {"task_name": one.task, "inputs": one.parameters}
        if one.outputs is not None:
            properties["outputs"] = one.outputs
        if one.parent and id > 1:
            properties["parent_dag_id"] = one.parent
        if one.iteration is not None:
            properties["iteration_index"] = one.iteration
        kind = "system.DAGExecution" if one.outputs is None else "system.ContainerExecution"
        return number(1, id) + number(2, 13) + number(3, one.state) + custom(properties) + text(7, kind) + number(8, 9)

    @staticmethod
    def _artifact(id: int, one: StoredArtifact) -> bytes:
        properties = {"display_name": "shown", "store_session_info": one.store, **one.metadata}
        return number(1, id) + number(2, 16) + text(3, one.uri) + custom(properties) + number(6, 2) + text(8, one.type)

    @staticmethod
    def _events(ids: list[int], executions: list[StoredExecution], stored: list[StoredArtifact]) -> Iterator[bytes]:
        for id in ids:
            for kind, name, artifact in executions[id - 1].events():
                place = next(n for n, other in enumerate(stored, 101) if other is artifact)
                path = message(3, message(1, text(2, name)))
                yield message(1, number(1, place) + number(2, id) + path + number(4, kind) + number(5, 1))


def varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def double(field: int, value: float) -> bytes:
    return varint(field << 3 | 1) + struct.pack("<d", value)


def message(field: int, value: bytes) -> bytes:
    return varint(field << 3 | 2) + varint(len(value)) + value


def text(field: int, value: str) -> bytes:
    return message(field, value.encode())


def custom(properties: Mapping[str, Any]) -> bytes:
    """The custom properties of an execution or artifact."""
    return b"".join(message(5, text(1, name) + message(2, stored_value(one))) for name, one in properties.items())


def stored_value(value: Any) -> bytes:
    """`ml_metadata.Value`."""
    if isinstance(value, str):
        return text(3, value)
    if isinstance(value, Mapping):
        return message(4, struct_fields(value))
    return double(2, value) if isinstance(value, float) else number(1, value)


def struct_fields(value: Mapping[str, Any]) -> bytes:
    """`google.protobuf.Struct`."""
    return b"".join(message(1, text(1, name) + message(2, struct_value(one))) for name, one in value.items())


def struct_value(value: Any) -> bytes:
    """`google.protobuf.Value`: all numbers are floating point."""
    if value is None:
        return number(1, 0)
    if isinstance(value, bool):
        return number(4, value)
    if isinstance(value, str):
        return text(3, value)
    if isinstance(value, Mapping):
        return message(5, struct_fields(value))
    if isinstance(value, list):
        return message(6, b"".join(message(1, struct_value(one)) for one in value))
    return double(2, value)


def read(data: bytes) -> Iterator[tuple[int, Any]]:
    """The fields of a request: numbers and texts."""
    while data:
        key, data = _varint(data)
        value, data = _varint(data)
        if key & 7 == 2:
            yield key >> 3, data[:value]
            data = data[value:]
        else:
            yield key >> 3, value


def _varint(data: bytes) -> tuple[int, bytes]:
    value = 0
    for place, byte in enumerate(data):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, data[place + 1 :]
    raise ValueError("a number is cut off")
