"""What a serve step has done, and its outputs where KFP wants them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairing_kfp.runtime.node_files import local_path
from fairing_kfp.serving.order import Order
from fairing_kfp.serving.sample import Exchange


@dataclass(frozen=True)
class Outcome:
    """What a serve step has done.

    Attributes:
        order: what was wanted.
        namespace: where it serves.
        endpoint: where it is reached within the cluster.
        outside: where it is reached from elsewhere, if that is known.
        image: by digest; empty if a model format is served.
        before: the image that served before; empty if none did.
        changed: whether anything had to be changed.
        model: the model's URI; empty if there is none.
        size: of the model, in bytes.
        exchange: the sample request, if one was sent.
        seconds: how long the parts took, each with its name.
    """

    order: Order
    namespace: str
    endpoint: str
    image: str
    outside: Sequence[str] = ()
    before: str = ""
    changed: bool = True
    model: str = ""
    size: int = 0
    exchange: Exchange | None = None
    seconds: Sequence[tuple[str, float]] = ()

    def write(self, outputs: Mapping[str, Any]) -> None:
        """Puts outputs where KFP's launcher looks for them (launcher_v2.go).

        Args:
            outputs: those of KFP's ExecutorInput.
        """
        from fairing_kfp.serving.report import report

        values = {"endpoint": self.endpoint, "image": self.image}
        for name, parameter in outputs.get("parameters", {}).items():
            _put(parameter["outputFile"], values[name])
        made = {}
        for name, one in outputs.get("artifacts", {}).items():
            artifact = one["artifacts"][0]
            _put(local_path(artifact["uri"]), report(self))
            described = {"name": artifact.get("name", name), "uri": artifact["uri"], "metadata": {}}
            made[name] = {"artifacts": [described]}
        if outputs.get("outputFile"):
            _put(outputs["outputFile"], json.dumps({"parameterValues": values, "artifacts": made}))


def _put(path: str, text: str) -> None:
    place = Path(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text, encoding="utf-8")
