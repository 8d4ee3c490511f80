"""Models that serve steps serve in the testbed, and requests to them."""

from __future__ import annotations

import contextlib
import json
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from fairing_kfp import Endpoint
from fairing_kfp.cluster.client import Cluster, Object
from fairing_kfp.cluster.connect import from_kubeconfig
from fairing_kfp.cluster.kinds import POD
from fairing_kfp.errors import MissingObjectError
from fairing_kfp.serving.check import check
from fairing_kfp.serving.result import ServeResult
from fairing_kfp.serving.sample import send_sample
from fairing_kfp.serving.spec import ServingSpec
from fairing_kfp.serving.step import serve
from tests.support.administrator import administrator, delete, kind_named, listed, remaining
from tests.support.waiting import eventually

_APIS = {
    "Deployment": "apps/v1",
    "Service": "v1",
    "Ingress": "networking.k8s.io/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "InferenceService": "serving.kserve.io/v1beta1",
    "HTTPRoute": "gateway.networking.k8s.io/v1",
}
"""The APIs of the kinds of objects that serve models."""


@dataclass
class Place:
    """A model that is served in a namespace.

    Attributes:
        namespace: the namespace, which other models may share.
        spec: how it is served.
        folder: folder of the model and of the step's outputs.
        cluster: client that serves it.
    """

    namespace: str
    spec: ServingSpec
    folder: Path
    cluster: Cluster

    @classmethod
    def of(cls, namespace: str, spec: ServingSpec, folder: Path) -> Place:
        """A model that an administrator serves."""
        cluster = Cluster(lambda: replace(from_kubeconfig(), namespace=namespace), retry_timeout=20)
        return cls(namespace, spec, folder, cluster)

    def __call__(self, factor: object = 2.0, **options: Any) -> ServeResult:
        """Serves a factor; anything but a number cannot be loaded."""
        model = self.folder / "model"
        model.write_text(json.dumps({"factor": factor} if isinstance(factor, float) else factor))
        given = {"inputs": {"artifacts": {"model": {"artifacts": [{"uri": str(model)}]}}}}
        outputs = {name: {"outputFile": str(self.folder / name)} for name in ("endpoint", "image")}
        report = {"report": {"artifacts": [{"uri": str(self.folder / "report.html")}]}}
        places = {"outputs": {"outputFile": str(self.folder / "out"), "parameters": outputs, "artifacts": report}}
        spec = replace(self.spec, **options)
        return serve(spec, {**given, **places}, self.cluster, log=print, send_sample=self.send_sample)

    def check(self, cluster: Cluster | None = None, **options: Any) -> None:
        check(replace(self.spec, **options), cluster or self.cluster, log=print)

    def url(self, endpoint: str) -> str:
        """The IP address of a Service, since its name is not known outside the cluster."""
        name = endpoint.removeprefix("http://").partition(".")[0]
        return f"http://{self.get('Service', name)['spec']['clusterIP']}"

    def send_sample(self, endpoint: str, name: str, sample: Any) -> Any:
        return send_sample(self.url(endpoint), name, sample)

    def get(self, kind: str, name: str = "") -> Object:
        """The object of a kind with a name, the model's by default."""
        path = kind_named(_APIS[kind], kind).path(self.namespace, name or self.spec.name)
        return administrator().request("GET", path)

    def objects(self) -> list[Object]:
        """All objects that serve the model, but its route, whose kind the cluster may not have."""
        kinds = [kind_named(_APIS[kind], kind) for kind in _APIS if kind != "HTTPRoute"]
        found = [state for kind in kinds for state in remaining(self.namespace, kind)]
        return [one for one in found if f"{one['metadata']['name']}-".startswith(f"{self.spec.name}-")]

    def kinds(self) -> set[str]:
        return {state["kind"] for state in self.objects()}

    def pods(self) -> list[Object]:
        return listed(self.namespace, POD, f"fairing-kfp/serves={self.spec.name}")

    def delete(self) -> None:
        """Deletes all objects that serve the model."""
        for state in self.objects():
            with contextlib.suppress(MissingObjectError):
                delete(state)

    def predict(self, endpoint: str, *instance: float) -> float:
        with Endpoint(self.url(endpoint), protocol="v1") as client:
            return float(client.predict([list(instance)])[0])


@dataclass
class Load:
    """A steady stream of requests, each over a new connection.

    Attributes:
        url: URL of the server.
        model: name of the model.
        answers: predictions, in order.
        failures: errors of failed requests.
    """

    url: str
    model: str
    answers: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def running(self) -> Iterator[Load]:
        over = threading.Event()
        threads = [threading.Thread(target=self._send, args=(over,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        try:
            yield self
        finally:
            over.set()
            for thread in threads:
                thread.join()

    def wait(self) -> None:
        """Waits until further requests have been answered, or one has failed."""
        seen = len(self.answers)
        eventually(lambda: self.failures or len(self.answers) > seen + 10)

    def _send(self, over: threading.Event) -> None:
        while not over.wait(0.05):
            try:
                with urllib.request.urlopen(
                    f"{self.url}/v1/models/{self.model}:predict", b'{"instances": [[1, 2]]}', timeout=60
                ) as answer:
                    self.answers.append(json.load(answer)["predictions"][0])
            except (OSError, ValueError) as error:
                self.failures.append(repr(error))
