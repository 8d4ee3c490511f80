"""KServe's package: its client with our server, and its server with a `kserve.Model` in our image."""

from __future__ import annotations

import importlib.machinery
import json
import sys
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp import Endpoint
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import DependencyError
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.local.launch import Launch
from fairing_kfp.local.root import bare_python, root_digest, unpack_root
from fairing_kfp.local.server import start_server
from fairing_kfp.preprocess.image_paths import DEPENDENCIES
from fairing_kfp.recipe.runtime_layer import runtime_layer
from fairing_kfp.recipe.server_layer import server_files
from tests.support import predictors
from tests.support.kserve_python import RELEASE
from tests.support.kserve_python import kserve_python as make_kserve_python
from tests.support.paths import TESTS
from tests.support.services import missing, run

_PROGRAM = TESTS / "support" / "kserve_client.py"


@pytest.fixture(scope="session")
def kserve_python() -> Path:
    """A Python interpreter with KServe."""
    try:
        return make_kserve_python()
    except OSError as error:
        missing(str(error))
        raise


def test_kserves_client_and_its_openapi_document(kserve_python: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.write_text("2")
    try:
        with predictors.Scales.here(model) as endpoint:
            found = json.loads(run(str(kserve_python), str(_PROGRAM), endpoint.url, "scales"))
    except DependencyError as error:
        missing(f"packages cannot be resolved: {error}")

    doubled = [[2.0, 4.0], [6.0, 9.0]]
    refused = found["client"].pop("v2_refused")
    assert found["client"] == {
        "v1_live": True,
        "v1_ready": True,
        "v1": {"predictions": doubled},
        "v1_explain": {"explanations": {"factor": 2.0}},
        "v2_live": True,
        "v2_ready": True,
        "v2_model_ready": True,
        "v2_other_ready": False,
        "v2_json": ["42", "scales", [doubled]],
        "v2_binary": ["42", "scales", [doubled]],
    }
    assert refused[0] == 400
    assert 'expected a JSON object with "inputs"' in refused[1]
    assert found["openapi"] == {"published": 8, "missing": [], "checked": 7}


@pytest.fixture
def kserve_here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The part of KServe that decorating a class needs: its name."""
    for name in ("kserve", "kserve.model"):
        module = types.ModuleType(name)
        module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=name == "kserve")
        monkeypatch.setitem(sys.modules, name, module)
    model = type("Model", (), {"__module__": "kserve.model", "__init__": lambda self, name: None})
    for name in ("kserve", "kserve.model"):
        sys.modules[name].Model = model  # type: ignore[attr-defined]
    return


OURS = """
    import kserve
    from fairing_kfp import fairing_component

    @fairing_component(packages=["kserve"])
    class Theirs(kserve.Model):
        def load(self):
            self.ready = True
            return self.ready

        async def predict(self, payload, headers=None, response_headers=None):
            return {"predictions": [2 * one for one in payload["instances"]]}
    """


@pytest.mark.usefixtures("kserve_here")
def test_a_kserve_model_runs_in_kserves_server(
    kserve_python: Path, tmp_path: Path, shared_cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "theirs.py").write_text(textwrap.dedent(OURS))
    monkeypatch.syspath_prepend(str(tmp_path))
    import theirs  # type: ignore[import-not-found]

    predictor: Any = theirs.Theirs
    (packages,) = kserve_python.parents[1].glob("lib/python*/site-packages")
    layers = [runtime_layer(), layer_of_files("server", server_files()), *predictor.source.bundle().layers]
    root = unpack_root(layers, {DEPENDENCIES: packages}, root_digest(layers, RELEASE, {}), shared_cache)
    launch = Launch("theirs", "subprocess", [str(bare_python(shared_cache)), str(root / "server" / "serve.py")], {})
    with start_server(launch) as server:
        told = server.endpoint._get("/v2")
        assert told is not None
        assert told["name"] == "kserve"
        assert server.endpoint.predict([1, 2]) == [2, 4]
        assert Endpoint(server.endpoint.url).model == "theirs"
    del sys.modules["theirs"]
