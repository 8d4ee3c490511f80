"""Reusable components that preprocess and build: as pods under the restricted standard, and with a private index."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fairing_kfp.components.code_bundle import CodeBundle
from fairing_kfp.components.package_layers import PackageLayers
from fairing_kfp.registry.client import RegistryClient
from tests.support.administrator import create
from tests.support.bundles import unpack_code
from tests.support.component_pods import ComponentPods, Task
from tests.support.component_steps import run_component
from tests.support.notebook_files import write
from tests.support.package_index import PackageIndex, serve_packages
from tests.support.private_registry import PrivateRegistry
from tests.support.services import TESTBED
from tests.support.small_images import layer, push_small_base, repository

pytestmark = [pytest.mark.registry]

_MODEL = """
import gauge

def train(depth: int, name: str = "tree") -> dict:
    print("gauge", gauge.version)
    return {"depth": 2 * depth, "name": name}
"""
_RUN = """
python3 -u /opt/fairing/code/run.py --depth 4 --return /dev/termination-log
python3 -c "import unit; print(unit.version)"
"""


@pytest.fixture(scope="module")
def index() -> Iterator[PackageIndex]:
    """A package index that asks for a password."""
    index = PackageIndex()
    index.wheel("gauge", "1.0")
    index.wheel("gauge", "2.0", needs=["unit"])
    index.wheel("unit", "1.5")
    with serve_packages(index, TESTBED.partition(":")[0]) as served:
        yield served


@pytest.mark.kubernetes
def test_a_function_a_notebook_and_packages_are_built_by_pods(
    component_pods: ComponentPods,
    index: PackageIndex,
    base_image: str,
    testbed_registry: str,
    unique: str,
    tmp_path: Path,
) -> None:
    """The image is that of the function; the notebook is packed alone."""
    held = {"kind": "Secret", "metadata": {"name": "package-index"}, "stringData": {"url": index.private_url}}
    create(component_pods.namespace, {"apiVersion": "v1", **held})
    cells = ("%load_ext autoreload\ndepth = 8", ["parameters"]), "print('depth', depth)"
    notebook = write(tmp_path / "train.ipynb", *cells).read_text()
    secret = {"secretKeyRef": {"name": "package-index", "key": "url"}}
    target = {"base_image": base_image, "insecure": [testbed_registry]}
    ended = component_pods.run(
        Task("preprocessing/preprocess_notebook", {"notebook": "train.ipynb", "text": notebook}),
        Task("preprocessing/preprocess_function", {"function": "lab.model:train", "text": _MODEL}),
        Task("building/resolve_dependencies", {"requirements": "gauge<2", **target}),
        Task(
            "building/append_image",
            {"repository": f"{testbed_registry}/{unique}", "packages": ["unit"], **target},
            {"bundle": "preprocess_function/bundle", "layers": "resolve_dependencies/layers"},
        ),
        gives="image",
        env=[{"name": "UV_DEFAULT_INDEX", "valueFrom": secret}],
    )

    assert ended.code == 0, ended.log
    assert index.password not in ended.log
    called = component_pods.call(ended.gave, "sh", "-c", _RUN)
    assert (called.code, called.log) == (0, "gauge 1.0\n1.5\n")
    assert json.loads(called.gave) == {"depth": 8, "name": "tree"}


def test_a_notebook_runs_in_full(tmp_path: Path) -> None:
    record = "from fairing_kfp import record\nrecord('twice', 2 * depth)"
    cells = ("depth = 8", ["parameters"]), "print('depth', depth)", "1 / (depth - 3)", record
    text = write(tmp_path / "train.ipynb", *cells).read_text()
    packed = run_component(
        "preprocessing/preprocess_notebook",
        tmp_path / "packed",
        {"notebook": "train.ipynb", "text": text, "mode": "full", "outputs": {"twice": "int"}},
    )
    assert packed.code == 0, packed.log
    root = unpack_code(CodeBundle.read(packed.artifact("bundle")), tmp_path / "image")

    def call(depth: int, *more: str) -> subprocess.CompletedProcess[str]:
        report = str(tmp_path / f"report-{depth}")
        command = [sys.executable, str(root / "code/run.py"), "--report", report, "--depth", str(depth), *more]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    done = call(4, "--twice", str(tmp_path / "twice"))
    assert (done.returncode, done.stdout) == (0, "depth 4\n"), done.stderr
    assert "depth 4" in (tmp_path / "report-4").read_text()
    assert (tmp_path / "twice").read_text() == "8"
    failed = call(3, "--notebook", str(tmp_path / "executed.ipynb"))
    assert failed.returncode == 1
    assert "the notebook train.ipynb failed: cell 3: ZeroDivisionError" in failed.stderr
    assert "ZeroDivisionError" in (tmp_path / "report-3").read_text()
    assert "ZeroDivisionError" in (tmp_path / "executed.ipynb").read_text()
    kept = call(3, "--status", str(tmp_path / "status"))
    assert kept.returncode == 0
    assert "cell 3" in (tmp_path / "status").read_text()
    assert not [path.name for path in tmp_path.glob("report-*.*")]


def test_each_platform_has_its_packages_and_wrong_ones_are_refused(
    index: PackageIndex, private_registry: PrivateRegistry, tmp_path: Path
) -> None:
    env = {"UV_DEFAULT_INDEX": index.private_url, "UV_CACHE_DIR": str(tmp_path / "uv")}
    client = RegistryClient([private_registry.host])
    push_small_base(client, private_registry.host, "base", layer("lower"), python="3.12")
    base = {"base_image": f"{private_registry.host}/base:1", "insecure": [private_registry.host]}
    packed = run_component(
        "preprocessing/preprocess_function", tmp_path / "packed", {"function": "model:train", "text": _MODEL}
    )
    target = {**base, "repository": f"{private_registry.host}/me/train"}
    artifacts = {"bundle": str(packed.artifact("bundle"))}

    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "uv.toml").write_text(f'[[index]]\nurl = "{index.url}/simple"\ndefault = true\n')
    (secret / "netrc").write_text(f"machine {TESTBED.partition(':')[0]} login {index.user} password {index.password}\n")
    mounted = {"UV_CONFIG_FILE": str(secret / "uv.toml"), "NETRC": str(secret / "netrc")}
    resolved = run_component(
        "building/resolve_dependencies",
        tmp_path / "resolved",
        {"requirements": "gauge", **base},
        **mounted,
        UV_CACHE_DIR=env["UV_CACHE_DIR"],
    )
    assert resolved.code == 0, resolved.log
    assert PackageLayers.read(resolved.artifact("layers")).lock.target.python == (3, 12)
    with_layers = {**artifacts, "layers": str(resolved.artifact("layers"))}
    made = run_component("building/append_image", tmp_path / "made", target, with_layers)
    again = run_component(
        "building/append_image", tmp_path / "again", {**target, "packages": ["gauge"]}, artifacts, **env
    )
    assert made.code == again.code == 0, made.log + again.log
    assert made.parameter("image") == again.parameter("image")
    image = repository(client, private_registry.host, "me/train").manifest(made.parameter("image").partition("@")[2])
    config = json.loads(repository(client, private_registry.host, "me/train").blob(image.config.digest))["config"]
    assert "PYTHONPATH=/opt/fairing/dependencies" in config["Env"]

    push_small_base(client, private_registry.host, "newer", layer("lower"), python="3.13")
    push_small_base(client, private_registry.host, "odd", layer("lower"), python="new")
    private_registry.requests()
    other = {**target, "base_image": f"{private_registry.host}/newer:1"}
    odd = {**target, "base_image": f"{private_registry.host}/odd:1", "packages": ["gauge"]}
    unknown = run_component("building/append_image", tmp_path / "unknown", odd, artifacts, **env)
    refused = run_component("building/append_image", tmp_path / "refused", other, with_layers)
    absent = run_component(
        "building/append_image", tmp_path / "absent", {**target, "packages": ["gauge==9"]}, artifacts, **env
    )
    wrong = {**env, "UV_DEFAULT_INDEX": index.private_url.replace(index.password, "wrong-password")}
    denied = run_component(
        "building/resolve_dependencies", tmp_path / "denied", {"requirements": "gauge", **base}, **wrong
    )
    assert [one.code for one in (refused, absent, denied, unknown)] == [1, 1, 1, 1]
    assert "the layers are for Python 3.12 on linux/amd64" in refused.log
    assert "has Python 3.13 on linux/amd64" in refused.log
    assert "gauge" in absent.log
    assert "is unknown, so no packages can be resolved for it" in unknown.log
    for one in (refused, absent, denied, unknown):
        assert "→" in one.log
        assert "Traceback" not in one.log
        assert index.password not in one.log
        assert "wrong-password" not in one.log
    assert {one.split()[0] for one in private_registry.requests()} <= {"GET", "HEAD"}
