"""What a train step has a node do."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Work:
    """What a train step has a node do.

    Attributes:
        executor_input: KFP's.
        rank: which node this is, counted from 0.
        peers: the IP addresses of all nodes, by rank.
        framework: whose processes find each other, or None.
        processes: of that framework on each node, or None.
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
        """What `text` gave."""
        made = json.loads(text)
        return cls(**{**made, "peers": tuple(made["peers"])})
