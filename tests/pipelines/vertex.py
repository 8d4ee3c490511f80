"""Trains on Vertex AI."""

import os
from pathlib import Path

from kfp import dsl

from fairing_kfp import fairing_component, vertexjob


@fairing_component
def scan(scans: dsl.Output[dsl.Dataset]):
    Path(scans.path).write_bytes(b"scans of digits " * 10)


@fairing_component
def learn(
    scans: dsl.Input[dsl.Dataset],
    word: str,
    model: dsl.Output[dsl.Model],
    notes: dsl.Output[dsl.Artifact],
    half: dsl.OutputPath(int),
) -> int:
    assert word != "fail", "it was told to fail"
    whole = Path(model.path)
    (whole / "deep").mkdir(parents=True)
    data = Path(scans.path).read_bytes()
    (whole / "deep" / "weights").write_bytes(data[::-1])
    (whole / "size").write_text(str(len(data)))
    model.metadata["word"] = word
    Path(notes.path).write_text(os.environ.get("GREETING", "nothing"))
    Path(half).write_text(str(len(data) // 2))
    return len(data)


@dsl.pipeline(name="digits-on-vertex")
def digits(word: str = "go") -> int:
    elsewhere = vertexjob(
        learn,
        project="my-project",
        region="europe-west4",
        staging="gs://my-bucket/staging",
        machine="n1-standard-8",
        accelerator="NVIDIA_TESLA_T4",
        nodes=2,
        deadline=3600,
        spot=True,
    )
    learned = elsewhere(scans=scan().outputs["scans"], word=word)
    return learned.outputs["Output"]
