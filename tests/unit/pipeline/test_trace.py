"""Tracing, and the traced pipeline."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from kfp import compiler, dsl

import fairing_kfp
from fairing_kfp.errors import PipelineError
from fairing_kfp.pipeline.trace import trace
from fairing_kfp.preprocess.source import OWN_IMAGE, PLACEHOLDER
from fairing_kfp.settings import Settings
from tests.support.paths import TESTS
from tests.support.small_pipelines import names_an_image, one, two


def test_plain_kfp_leaves_instructions_in_the_image(tmp_path: Path) -> None:
    compiler.Compiler().compile(names_an_image, str(tmp_path / "plain.yaml"))
    executors = yaml.safe_load((tmp_path / "plain.yaml").read_text())["deploymentSpec"]["executors"]

    assert executors["exec-one"]["container"]["image"].startswith("fairing://compile-with-fairing-kfp/one-")


def test_tracing_has_no_side_effects() -> None:
    """The interpreter's audit hooks report every connection, process and written file (but byte code)."""
    watch = (
        "import sys\n"
        "import kfp, fairing_kfp, fairing_kfp.component.decorator, fairing_kfp.preprocess.bundle\n"
        "def hook(event, arguments):\n"
        "    writes = event == 'open' and isinstance(arguments[1], str) and set('wax+') & set(arguments[1])\n"
        "    if event in ('socket.connect', 'subprocess.Popen') or writes and 'pycache' not in str(arguments[0]):\n"
        "        raise SystemExit(f'{event} {arguments}')\n"
        "sys.addaudithook(hook)\n"
        f"sys.path.insert(0, {str(TESTS / 'pipelines')!r})\n"
        "import control_flow\n"
    )
    done = subprocess.run([sys.executable, "-B", "-c", watch], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


def test_what_is_not_a_pipeline_is_rejected() -> None:
    with pytest.raises(PipelineError, match="is not a pipeline"):
        trace(lambda: None)


def test_components_are_known_by_placeholder() -> None:
    traced = trace(names_an_image)

    assert traced.name == "names-an-image"
    assert [source.name for source in traced.sources.values()] == ["one", "two"]
    assert set(traced.sources) == {component.component_spec.implementation.container.image for component in (one, two)}
    assert traced.folder == TESTS / "support"
    assert traced.own_images == ()


def test_text_has_the_references_in_place_of_placeholders() -> None:
    traced = trace(names_an_image)
    text = traced.text({image: f"registry.example.com/{source.name}" for image, source in traced.sources.items()})

    assert PLACEHOLDER not in text
    assert "constant: run registry.example.com/one here" in " ".join(text.split())
    images = {one["image"] for one in traced.specification.containers}
    assert images == set(traced.sources), "the traced pipeline was changed"


def test_our_own_images_are_those_of_built_in_steps() -> None:
    @dsl.pipeline
    def serves():
        fairing_kfp.serve("registry.example.com/server:1", name="digits")

    assert trace(serves).own_images == (OWN_IMAGE,)


def test_only_a_pipeline_with_serve_steps_is_changed_for_a_cluster() -> None:
    @dsl.pipeline
    def serves():
        fairing_kfp.serve("registry.example.com/server:1", name="digits")

    settings, traced, other = Settings(insecure=("registry",)), trace(serves), trace(names_an_image)
    changed = traced.for_cluster(settings)

    assert other.for_cluster(settings) is other
    assert "check-serve-digits" in changed.specification.document["root"]["dag"]["tasks"]
    assert "check-serve-digits" not in traced.specification.document["root"]["dag"]["tasks"]


def test_a_document_has_the_order_of_its_yaml() -> None:
    traced = trace(names_an_image)

    assert list(traced.specification.executors) == ["exec-one", "exec-two"]
    assert repr(traced.specification.document) == repr(yaml.safe_load(traced.specification.text()))


@pytest.mark.parametrize("known", [(), ("2.",)], ids=["unknown version", "known version"])
def test_kfp_refuses_a_download_to_a_workspace_that_is_missing(
    known: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    @dsl.pipeline
    def imports():
        dsl.importer("gs://bucket/data", dsl.Dataset, reimport=False, download_to_workspace=True)

    monkeypatch.setattr("fairing_kfp.pipeline.trace._KNOWN", known)
    with pytest.raises(PipelineError, match="a task uses a workspace, and the pipeline has none"):
        trace(imports)


def test_compilers_of_unknown_versions_are_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("refused")

    monkeypatch.setattr(compiler.Compiler, "compile", refuse)
    monkeypatch.setattr("fairing_kfp.pipeline.trace._KNOWN", ("1.",))
    with pytest.raises(PipelineError, match="the pipeline names-an-image: refused"):
        trace(names_an_image)
