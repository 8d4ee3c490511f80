"""Served models: a Deployment and a Service."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from fairing_kfp.classic.builders.base_builder import Built
from fairing_kfp.classic.deployers.job.job import Job
from fairing_kfp.classic.preprocessors.base import image_options
from fairing_kfp.classic.utils import camel_to_snake
from fairing_kfp.classic.work.deprecation import warn_unused
from fairing_kfp.classic.work.task import ServeTask
from fairing_kfp.errors import ConfigError

if TYPE_CHECKING:
    from fairing_kfp.classic.work.endpoint import EndpointHandle

_logger = logging.getLogger("fairing_kfp.classic")
_NAME_LENGTH = 40


class Serving(Job):
    """Serves a class with `predict` as a Deployment and a Service, and waits until it is ready.

    Args:
        serving_class: name of the class. For a script, its module has the same name.
        namespace: see `Job`.
        runs: has no effect any more.
        labels: labels of the objects and pods.
        service_type: `ClusterIP`, `NodePort` or `LoadBalancer`.
        pod_spec_mutators: see `Job`.

    Attributes:
        endpoint: the model that `deploy` served.
    """

    kind: ClassVar[str] = "serving"

    def __init__(
        self,
        serving_class: str,
        namespace: str | None = None,
        runs: int = 1,
        labels: Mapping[str, str] | None = None,
        service_type: str = "ClusterIP",
        pod_spec_mutators: Sequence[Callable[..., Any]] | None = None,
    ) -> None:
        warn_unused("Serving", "runs", runs, 1, "serve with fairing_kfp.serve(…, replicas=…)")
        super().__init__(namespace, labels=labels, deployer_type=self.kind, pod_spec_mutators=pod_spec_mutators)
        self.serving_class = serving_class
        self.service_type = service_type
        self.endpoint: EndpointHandle | None = None

    def deploy(self, pod_spec: Any) -> EndpointHandle:  # type: ignore[override]  # as in Fairing
        """Serves the class, and waits until it is ready.

        Args:
            pod_spec: result of a builder's `generate_pod_spec`; changes to it apply to the pods.

        Returns:
            The model; `str()` gives its URL.

        Raises:
            ServingError: it does not become ready; the version before it keeps serving.
            FairingError: the image cannot be made, or the objects cannot be created.
        """
        from fairing_kfp.classic.work.component import predictor_of

        built = Built.of(pod_spec)
        name = served_name(self.serving_class)
        options = built.builder.options()
        files = built.preprocessor.served_files()
        served = built.preprocessor.served(self.serving_class)
        predictor = predictor_of(served, name, {**options, **image_options(files, options)}, Path.cwd())
        serving = {**self.options(pod_spec), "service": self.service_type}
        self.endpoint = self._place().serve(
            ServeTask(name, predictor, options=serving, settings=built.builder.settings())
        )
        _logger.warning("Cluster endpoint: %s", self.endpoint)
        return self.endpoint

    def get_logs(self) -> None:
        """Refused, since the pods have the log."""
        self._refuse("get_logs")

    def delete(self) -> None:
        """Deletes the model's objects.

        Raises:
            ConfigError: no model was deployed.
        """
        if self.endpoint is None:
            raise ConfigError("this Serving has not deployed a model", "call deploy(pod_spec) first")
        self.endpoint.delete()

    def generate_service_spec(self) -> Any:
        """Refused, since `deploy` makes the Service."""
        self._refuse("generate_service_spec")


def served_name(serving_class: str) -> str:
    """The name of a model in URLs and in Kubernetes, such as `housing-serve` for `HousingServe`."""
    kebab = re.sub(r"[^a-z0-9]+", "-", camel_to_snake(serving_class)).strip("-")
    return re.sub(r"^[^a-z]+", "", kebab)[:_NAME_LENGTH].rstrip("-") or "model"
