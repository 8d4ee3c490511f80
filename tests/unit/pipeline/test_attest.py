"""The setting `attest`: what it requires, and a pipeline whose images are attested."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from fairing_kfp.cache.store import Cache
from tests.support.attested_images import Publisher
from tests.support.command_line import fairing_kfp
from tests.support.memory_registry import MemoryRegistry
from tests.support.scripted_registry import serving

PIPELINE = """
from kfp import dsl
from fairing_kfp import fairing_component

@fairing_component
def train(depth: int = 1) -> int:
    return depth

@dsl.pipeline
def attested():
    train()
"""


@pytest.fixture
def pipeline(tmp_path: Path) -> str:
    (tmp_path / "pyproject.toml").write_text("[tool.fairing-kfp]\nattest = true\n")
    path = tmp_path / "attested_pipeline.py"
    path.write_text(PIPELINE)
    return str(path)


def test_another_builder_is_refused(pipeline: str) -> None:
    code, output = fairing_kfp("compile", pipeline, "--builder", "docker")
    assert code == 2
    assert "attest = true needs the builder append, but train has docker" in output


def test_the_library_has_to_be_installed(pipeline: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cyclonedx", None)
    code, output = fairing_kfp("compile", pipeline, "--registry", "registry.example.com/me")
    assert code == 3
    assert "pip install 'fairing-kfp[sbom]'" in output


def test_compile_attests_once(pipeline: str, cache: Cache, tmp_path: Path) -> None:
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    with serving() as server:
        server.rule = registry = MemoryRegistry()
        Publisher(server.host, cache, tmp_path).push_base(python=python)
        options = ("--registry", server.host, "--project", "app", "--base-image", f"{server.host}/base/python:1")
        code, output = fairing_kfp("compile", pipeline, *options)
        assert (code, "SBOM and provenance attached to train" in output) == (0, True), output
        code, output = fairing_kfp("compile", pipeline, *options)
        assert (code, "attached" in output) == (0, False)

    kinds = {json.loads(data).get("artifactType") for (name, _), data in registry.manifests.items() if name == "app"}
    assert kinds == {None, "application/vnd.cyclonedx+json", "application/vnd.in-toto+json"}
