"""From a Git commit to predictions, all in pods, as KFP's driver and launcher run them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

import fairing_kfp
from fairing_kfp.cluster.kinds import DEPLOYMENT
from fairing_kfp.pipeline import roles
from tests.support.administrator import create, listed
from tests.support.authority import Authority
from tests.support.git_server import LOGIN, git_server
from tests.support.kfp_driver import BUCKET, Driver, Store
from tests.support.paths import TOP
from tests.support.s3_server import s3_server
from tests.support.services import TESTBED

pytestmark = [pytest.mark.kubernetes, pytest.mark.registry]

HERE = TESTBED.partition(":")[0]  # this machine, also in pods
FILES = ("fit.py", "curve.py", "curve_server.py", "pages.py")


@pytest.fixture(scope="module")
def store() -> Iterator[Store]:
    """An S3-compatible store with a bucket."""
    with s3_server() as url:
        running = Store(url)
        running.put(BUCKET)
        yield running


def test_a_commit_becomes_a_served_model(
    store: Store,
    authority: Authority,
    base_image: str,
    unique: str,
    restricted: str,
    tmp_path: Path,
) -> None:
    """Another run starts from a folder in the store instead."""
    project = f"own-{uuid.uuid4().hex[:8]}"
    for role in yaml.safe_load_all(roles.manifest("deployment", restricted)):
        create(restricted, role)
    for name, kind, data in (
        ("registry", "Opaque", {"config.json": "{}"}),
        ("git", "kubernetes.io/basic-auth", dict(zip(("username", "password"), LOGIN, strict=True))),
    ):
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind, "stringData": data}
        create(restricted, secret)
    compiled, imported = (
        fairing_kfp.compile(
            fairing_kfp.load_pipeline(f"{TOP}/pipelines/{name}.py"),
            builder="cluster",
            cluster_namespace=restricted,
            registry=f"{TESTBED}/tests",
            project=project,
            insecure=[TESTBED],
            base_image=base_image,
        ).text
        for name in ("build_train_serve", "build_then_run")
    )
    trusted = {"insecure": [TESTBED], "ca": authority.ca.read_text()}
    target = {"repository": f"{TESTBED}/{unique}", "base_image": base_image}
    arguments = {**target, **trusted}
    for name in FILES:
        store.put(f"{BUCKET}/source/{name}", (TOP / "pipelines" / name).read_bytes())
    default = "insecure:\n          defaultValue: []"
    assert default in imported
    plain_http = imported.replace(default, default.replace("[]", f"[{TESTBED}]"))
    with git_server(tmp_path / "repository", HERE, authority) as git, ThreadPoolExecutor() as pool:
        commit = git.commit({f"pipelines/{name}": (TOP / "pipelines" / name).read_text() for name in FILES})
        from_store = pool.submit(
            Driver(restricted, store).run, plain_http, {**target, "source": f"s3://{BUCKET}/source"}
        )
        tasks = Driver(restricted, store).run(compiled, {**arguments, "git": git.closed, "ref": "master"})

    assert LOGIN[1] not in tasks["fetch-source"].log
    assert tasks["fetch-source"].parameters["revision"] == commit
    assert tasks["fetch-source"].artifacts["source"]["metadata"]["commit"] == commit
    image = tasks["append-image"].parameters["image"]
    assert tasks["fit"].image == image
    assert "A curve of degree 3 with a mean squared error of 0.01" in tasks["fit"].log
    stored = from_store.result()
    assert stored["fit"].image == stored["append-image"].parameters["image"]
    assert "A curve of degree 3 with a mean squared error of 0.01" in stored["fit"].log
    text, other = (store.get(done["fit"].artifacts["fitted_model"]["uri"]) for done in (tasks, stored))
    assert text == other
    model = json.loads(text)
    predictions = json.loads(store.get(tasks["predict"].artifacts["predictions"]["uri"]))
    wanted = [sum(factor * x**power for power, factor in enumerate(model["coefficients"])) for x in (-1.0, 0.0, 1.0)]
    assert predictions == pytest.approx(wanted)
    assert tasks["predict"].parameters["outcome"] == "passed"
    served = tasks["serve-deployment"].parameters["served_image"]
    assert served.startswith(f"{TESTBED}/{unique}@sha256:")
    (running,) = listed(restricted, DEPLOYMENT)
    assert running["spec"]["template"]["spec"]["containers"][0]["image"] == served
