"""The server layers: locked packages, and our own files, which need no others."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest
from kfp import dsl
from packaging.requirements import Requirement

import fairing_kfp
from fairing_kfp import fairing_component
from fairing_kfp.dependencies.target import Target
from fairing_kfp.recipe import server_layer
from fairing_kfp.recipe.server_layer import server_files, server_lock
from tests.support.stand_in_builder import StandInBuilder

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_PACKAGE = Path(fairing_kfp.__file__).parent
_LOCK = (_PACKAGE / "recipe" / "server.lock").read_text()
_NEEDED = tomllib.loads((_PACKAGE.parent / "pyproject.toml").read_text())["dependency-groups"]["server"]


def test_lock_has_no_url_and_all_hashes():
    assert "://" not in _LOCK
    for pin in re.split(r"\n(?=\S)", _LOCK.rstrip()):
        assert re.fullmatch(r"[a-z0-9-]+==\S+(?: ; [^\n]+)?(?: \\\n    --hash=sha256:[0-9a-f]{64})+", pin), pin


@pytest.mark.parametrize("minor", [10, 11, 12, 13])
@pytest.mark.parametrize("platform", ["linux/amd64", "linux/arm64"])
def test_lock_satisfies_the_project(minor, platform):
    pins = server_lock(Target.for_image((3, minor), platform)).pins

    for needed in map(Requirement, _NEEDED):
        assert needed.specifier.contains(pins[needed.name].version), "run make lock"
    assert "click" in pins


def test_what_is_compiled_is_left_out_where_there_is_no_wheel():
    assert set(server_lock(Target.for_image((3, 15))).pins) == {"click", "h11", "uvicorn"}


def test_our_files_import_the_standard_library_and_server_packages_only():
    packages = {requirement.name for requirement in map(Requirement, _NEEDED)}
    allowed = {*sys.stdlib_module_names, *packages, "simdjson", "fairing_runtime", "fairing_start"}
    for file in server_files():
        assert file.path.startswith("opt/fairing/server/")
        if not file.path.endswith(".py"):
            continue
        tree = ast.parse(file.data, feature_version=(3, 10))
        for node in ast.walk(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            for name in names:
                late = {"kserve"} if node not in tree.body else set()
                assert name.partition(".")[0] in {*allowed, *late}, (file.path, name)


def test_a_predictor_is_published_with_its_pipeline(cache, monkeypatch):
    """No step runs in its image; a step gets its reference."""
    monkeypatch.setattr(server_layer, "server_layers", lambda target, cache, compression: ())

    @fairing_component
    class Digits:
        def load(self, model_path): ...

        def predict(self, instances): ...

    @fairing_component
    def deploy(image: str) -> str:
        return image

    @dsl.pipeline
    def served():
        deploy(image=Digits.placeholder)

    builder = StandInBuilder()
    compiled = fairing_kfp.compile(served, builder=builder, cache=cache)
    images = {recipe.name: recipe for recipe in builder.published}

    assert set(compiled.images) == {"digits", "deploy"}
    assert "fairing://" not in compiled.text
    assert f"constant: {compiled.images['digits']}" in compiled.text
    assert images["digits"].images[0].command == ("python3", "/opt/fairing/server/serve.py")
    assert images["deploy"].images[0].command is None
