"""From a Git commit to predictions, all in pods, as KFP's driver and launcher run them."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import fairing_kfp
from fairing_kfp.pipeline import roles
from tests.support.authority import Authority
from tests.support.git_server import LOGIN, git_server
from tests.support.kfp_driver import BUCKET, Driver, Store, TaskFailedError
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
    namespace: str,
    kubectl: Callable[..., str],
    tmp_path: Path,
) -> None:
    """Another run fails at the source, and a third starts from a folder in the store instead."""
    project = f"own-{uuid.uuid4().hex[:8]}"
    kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    kubectl("-n", namespace, "create", "serviceaccount", "pipeline-runner")
    kubectl("apply", "-f", "-", input=roles.manifest("deployment", namespace))
    kubectl("-n", namespace, "create", "secret", "generic", "registry", "--from-literal=config.json={}")
    login = [f"--from-literal={key}={value}" for key, value in zip(("username", "password"), LOGIN, strict=True)]
    kubectl("-n", namespace, "create", "secret", "generic", "git", "--type=kubernetes.io/basic-auth", *login)
    compiled, imported = (
        fairing_kfp.compile(
            fairing_kfp.load_pipeline(f"{TOP}/pipelines/{name}.py"),
            builder="cluster",
            cluster_namespace=namespace,
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
        without_login = compiled.replace("secretName: git", "secretName: absent")
        whole, refused = (
            pool.submit(Driver(kubectl, namespace, store).run, text, {**arguments, "git": git.closed, "ref": "master"})
            for text in (compiled, without_login)
        )
        from_store = pool.submit(
            Driver(kubectl, namespace, store).run, plain_http, {**target, "source": f"s3://{BUCKET}/source"}
        )
        tasks = whole.result()
        with pytest.raises(TaskFailedError, match="asks for a login"):
            refused.result()

    assert LOGIN[1] not in tasks["fetch-source"].log
    assert tasks["fetch-source"].parameters["revision"] == commit
    assert tasks["fetch-source"].artifacts["source"]["metadata"]["commit"] == commit
    image = tasks["append-image"].parameters["image"]
    assert tasks["fit"].image == image
    assert "A curve of degree 3 with a mean squared error of 0.01" in tasks["fit"].log
    text, other = (store.get(done["fit"].artifacts["fitted_model"]["uri"]) for done in (tasks, from_store.result()))
    assert text == other
    model = json.loads(text)
    predictions = json.loads(store.get(tasks["predict"].artifacts["predictions"]["uri"]))
    wanted = [sum(factor * x**power for power, factor in enumerate(model["coefficients"])) for x in (-1.0, 0.0, 1.0)]
    assert predictions == pytest.approx(wanted)
    assert tasks["predict"].parameters["outcome"] == "passed"
    served = tasks["serve-deployment"].parameters["served_image"]
    assert served.startswith(f"{TESTBED}/{unique}@sha256:")
    running = json.loads(kubectl("-n", namespace, "get", "deployment", "curve", "-o", "json"))
    assert running["spec"]["template"]["spec"]["containers"][0]["image"] == served
