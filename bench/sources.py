"""Component sources of a pipeline file."""

from __future__ import annotations

import tempfile
from pathlib import Path

from kfp import compiler

from fairing_kfp import load_pipeline
from fairing_kfp.preprocess.source import ComponentSource, placeholders


def sources_of(target: str) -> list[ComponentSource]:
    """The component sources of a pipeline (`FILE[:NAME]`)."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.yaml"
        compiler.Compiler().compile(load_pipeline(target), str(path))
        return list(placeholders(path.read_text(encoding="utf-8")).values())
