"""The work that a train step assigns to a node."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Work:
    """The work that a train step assigns to a node.

    Attributes:
        executor_input: KFP's ExecutorInput.
        rank: the rank of the node, from 0.
        peers: the IP addresses of all nodes, in the order of their ranks.
        framework: the framework whose processes communicate; None for independent nodes. See `frameworks.launch`.
        processes: the number of processes on each node, for torchrun; None for one.
    """

    executor_input: dict[str, Any]
    rank: int = 0
    peers: tuple[str, ...] = ("127.0.0.1",)
    framework: str | None = None
    processes: int | None = None

    def text(self) -> str:
        """The work as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def parse(cls, text: bytes) -> Work:
        """Parses the JSON of `text`."""
        fields = json.loads(text)
        return cls(**{**fields, "peers": tuple(fields["peers"])})
