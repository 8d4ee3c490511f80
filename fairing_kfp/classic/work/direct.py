"""Jobs and models directly in a cluster, with the credentials of a kubeconfig or of this pod."""

from __future__ import annotations

import contextlib
import logging
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from fairing_kfp.classic.work.endpoint import EndpointHandle
from fairing_kfp.classic.work.job import JobHandle, Log
from fairing_kfp.classic.work.publish import Published, publish
from fairing_kfp.classic.work.task import ServeTask, TrainTask
from fairing_kfp.cluster.cleanup import delete_owned
from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.connect import find_config, from_client, in_pod
from fairing_kfp.cluster.forward import Forwarder
from fairing_kfp.cluster.kinds import POD, find_kind
from fairing_kfp.cluster.owner import Owner
from fairing_kfp.errors import ConfigError, MissingObjectError
from fairing_kfp.pipeline.builtin_steps import serving_spec_of, train_spec_of
from fairing_kfp.serving.backend import backend, is_pod_ready
from fairing_kfp.serving.client.endpoint import Endpoint
from fairing_kfp.serving.pod import PORT, selector
from fairing_kfp.serving.spec import ServingSpec
from fairing_kfp.serving.step import serve
from fairing_kfp.serving.undeploy import undeploy
from fairing_kfp.train.kinds.kind import training_kind
from fairing_kfp.train.node_client import Node
from fairing_kfp.train.pod_template import PORT as NODE_PORT
from fairing_kfp.train.spec import JobSpec
from fairing_kfp.train.step import train

_TASK = "classic"
_VERTEX = "vertex"
_READY_SECONDS = 30.0
_logger = logging.getLogger("fairing_kfp.classic")


class DirectPlace:
    """The current cluster. Pods are reached directly from a pod, and through the API server from elsewhere.

    Args:
        namespace: namespace of the jobs and models; that of the kubeconfig's context, or of this pod, by default.
        config_file: a kubeconfig; by default as kubectl finds it, or this pod's service account.
        context: context of the kubeconfig.
        client_configuration: a `kubernetes.client.Configuration`.
    """

    logged = False

    def __init__(
        self,
        namespace: str | None = None,
        *,
        config_file: str | None = None,
        context: str | None = None,
        client_configuration: Any = None,
    ) -> None:
        source = find_config(context, config_file)
        if client_configuration is not None:
            source = lambda: from_client(client_configuration)  # noqa: E731
        self._source = (lambda: replace(source(), namespace=namespace)) if namespace else source

    @cached_property
    def cluster(self) -> Cluster:
        """The client of the cluster; connects on first use."""
        return Cluster(self._source)

    def train(self, task: TrainTask) -> JobHandle:
        """Publishes the image, and runs the job; see `Place`."""
        if task.kind == _VERTEX:
            raise ConfigError(
                f"{task.component.name} runs on Vertex AI only as a step of a pipeline",
                "set FAIRING_KFP_HOST, or host in [tool.fairing-kfp] of pyproject.toml",
            )
        cluster = self.cluster
        published = publish(task.pipeline(), task.settings)
        spec = train_spec(published)
        owner = Owner(uuid.uuid4().hex[:16], _TASK)
        name = task.name or owner.name(spec.name)
        kind = training_kind(spec.kind)
        executor_input, folder = executor_input_of(published)

        def run(log_line: Log) -> Any:
            with contextlib.ExitStack() as stack:
                stack.callback(shutil.rmtree, folder, ignore_errors=True)
                connect = None if in_pod() else _forwarded(stack.enter_context(Forwarder(cluster)))
                train(
                    spec,
                    executor_input,
                    cluster,
                    log=_logger.info,
                    log_line=log_line,
                    owner=owner,
                    name=name,
                    keep=task.keep,
                    connect=connect,
                )
                return collected(task, executor_input)

        def delete() -> None:
            found = find_kind(cluster, kind.api_version, kind.kind)
            delete_owned(cluster, found, name, cluster.namespace, owner.labels)

        return JobHandle(name, run, delete)

    def serve(self, task: ServeTask) -> EndpointHandle:
        """Publishes the image, and rolls the model out; see `Place`."""
        cluster = self.cluster
        published = publish(task.pipeline(), task.settings)
        containers = published.specification.containers
        (spec,) = [spec for spec in map(serving_spec_of, containers) if spec]
        spec = replace(spec, image=published.images.get(spec.image, spec.image))
        result = serve(spec, {}, cluster, log=_logger.info)

        return EndpointHandle(
            result.endpoint,
            lambda: client_of(cluster, spec),
            lambda: self.delete(spec.name, spec.target),
            tuple(result.external_urls),
        )

    def delete(self, name: str, target: str) -> None:
        """Deletes the objects of a served model.

        Args:
            name: name of the model.
            target: `deployment` or `kserve`.

        Raises:
            ClusterError: Kubernetes answers with an error.
        """
        undeploy(name, target=target, cluster=self.cluster, log=_logger.info)


def train_spec(published: Published) -> JobSpec:
    """The spec of the train step of a published pipeline, with the image by digest."""
    found = map(train_spec_of, published.specification.containers)
    (spec,) = [spec for spec in found if isinstance(spec, JobSpec)]
    return replace(spec, image=published.images[spec.image])


def executor_input_of(published: Published) -> tuple[dict[str, Any], Path]:
    """KFP's ExecutorInput of a pipeline's first step, and the folder of its outputs.

    The nodes of a job write to the same paths in their pods, so the folder is below `/tmp`.
    """
    root = published.specification.document["root"]["dag"]["tasks"]
    first = next(iter(root.values()))["componentRef"]["name"]
    component = published.specification.components[first]
    folder = Path(tempfile.mkdtemp(prefix="fairing-kfp-", dir="/tmp"))
    made = component.get("outputDefinitions", {})
    parameters = component.get("inputDefinitions", {}).get("parameters", {})
    values = {name: one["defaultValue"] for name, one in parameters.items() if "defaultValue" in one}
    artifacts = {
        name: {"artifacts": [{"name": name, "type": one["artifactType"], "uri": str(folder / name), "metadata": {}}]}
        for name, one in made.get("artifacts", {}).items()
    }
    outputs = {name: {"outputFile": str(folder / f"{name}.txt")} for name in made.get("parameters", {})}
    executor_input = {
        "inputs": {"parameterValues": values},
        "outputs": {"outputFile": str(folder / "outputs.json"), "parameters": outputs, "artifacts": artifacts},
    }
    return executor_input, folder


def collected(task: TrainTask, executor_input: Mapping[str, Any]) -> Any:
    """The result of a job, from its outputs on this machine.

    Raises:
        JobFailedError: a cell of its notebook failed.
    """
    outputs = executor_input["outputs"]
    artifacts = {name: Path(one["artifacts"][0]["uri"]) for name, one in outputs["artifacts"].items()}
    texts = {name: Path(one["outputFile"]) for name, one in outputs["parameters"].items()}
    parameters = {name: path.read_text("utf-8") for name, path in texts.items() if path.exists()}
    return task.collect(artifacts, parameters)


@contextlib.contextmanager
def client_of(cluster: Cluster, spec: ServingSpec) -> Iterator[Endpoint]:
    """A client of a served model: of its Service from a pod, of one of its pods from elsewhere.

    Raises:
        MissingObjectError: no pod serves the model.
        ClusterError: the port of the pod cannot be forwarded.
    """
    chosen = backend(spec.target)
    if in_pod():
        state = cluster.request("GET", chosen.kinds(cluster)[0].path(cluster.namespace, spec.name))
        with Endpoint(chosen.endpoint(state), spec.name) as endpoint:
            yield endpoint
        return
    pod = _ready_pod(cluster, spec)
    with Forwarder(cluster) as forwarder:
        port = forwarder.port(cluster.namespace, pod["metadata"]["name"], PORT)
        with Endpoint(f"http://127.0.0.1:{port}", spec.name) as endpoint:
            yield endpoint


def _ready_pod(cluster: Cluster, spec: ServingSpec) -> Object:
    labels = ",".join(f"{key}={value}" for key, value in selector(spec).items())
    deadline = time.monotonic() + _READY_SECONDS
    while True:
        pods = cluster.request("GET", POD.path(cluster.namespace), query={"labelSelector": labels}).get("items") or []
        ready = [pod for pod in pods if is_pod_ready(pod)]
        if ready:
            return dict(ready[-1])
        if time.monotonic() > deadline:
            raise MissingObjectError(
                f"no pod serves {spec.name} in the namespace {cluster.namespace}",
                f"kubectl get pods -n {cluster.namespace} -l {labels}",
                status=404,
            )
        time.sleep(0.5)


def _forwarded(forwarder: Forwarder) -> Callable[[Object, str, Callable[[], bool]], Node]:
    """Connects with nodes through forwarded ports."""

    def connect(pod: Object, token: str, alive: Callable[[], bool]) -> Node:
        metadata = pod["metadata"]
        port = forwarder.port(metadata["namespace"], metadata["name"], NODE_PORT)
        return Node("127.0.0.1", token, alive, port=port)

    return connect
