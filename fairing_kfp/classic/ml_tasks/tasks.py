"""`TrainJob` and `PredictionEndpoint`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from fairing_kfp.classic.ml_tasks.utils import guess_preprocessor
from fairing_kfp.errors import ConfigError

if TYPE_CHECKING:
    from fairing_kfp.classic.backends.backends import BackendInterface
    from fairing_kfp.classic.work.endpoint import EndpointHandle
    from fairing_kfp.classic.work.job import JobHandle

_logger = logging.getLogger("fairing_kfp.classic")


class BaseTask:
    """A job or a model.

    Args:
        entry_point: a function, a class, or the path of a script or notebook.
        base_docker_image: image to build on; the backend's by default.
        docker_registry: where images are pushed; the backend's by default, else `registry` in `[tool.fairing-kfp]`.
        input_files: files, folders and globs that it needs. A `requirements.txt` is installed.
        output_map: places in the image by file.
        backend: where it runs; `KubernetesBackend()` by default.
        pod_spec_mutators: functions that change the pods, in Fairing's form or as `fairing_kfp.mutators`.

    Raises:
        ConfigError: the entry point cannot be run.
    """

    def __init__(
        self,
        entry_point: Any,
        base_docker_image: str | None = None,
        docker_registry: str | None = None,
        input_files: Collection[str] | None = None,
        output_map: Mapping[str, str] | None = None,
        backend: BackendInterface | None = None,
        pod_spec_mutators: Sequence[Callable[..., Any]] | None = None,
    ) -> None:
        from fairing_kfp.classic.backends.backends import KubernetesBackend

        self._pod_spec_mutators = list(pod_spec_mutators or ())
        self._backend = cast(Any, backend or KubernetesBackend())
        self.preprocessor = guess_preprocessor(entry_point, input_files, output_map)
        self.docker_registry = docker_registry or self._backend.get_docker_registry()
        self.base_docker_image = base_docker_image or self._backend.get_base_contanier()
        self.builder = self._backend.get_builder(
            preprocessor=self.preprocessor,
            base_image=self.base_docker_image,
            registry=self.docker_registry,
            pod_spec_mutators=self._pod_spec_mutators,
        )


class TrainJob(BaseTask):
    """A job that trains; see `BaseTask`."""

    def submit(self) -> JobHandle:
        """Runs the job, and prints its log to its end.

        Returns:
            The job; `str()` gives its name, and `result` what the function returned.

        Raises:
            JobFailedError: the job failed.
            FairingError: the image cannot be made, or the job cannot be created.
        """
        deployer = self._backend.get_training_deployer(pod_spec_mutators=self._pod_spec_mutators)
        handle: JobHandle = deployer.deploy(self.builder.generate_pod_spec())
        return handle


class PredictionEndpoint(BaseTask):
    """A served model; see `BaseTask`.

    Args:
        model_class: a class that loads the model in its constructor, and has `predict(self, X, feature_names)`.
        service_type: `ClusterIP`, `NodePort` or `LoadBalancer`.

    Attributes:
        url: URL of the model within the cluster, once it is created.
    """

    def __init__(
        self,
        model_class: Any,
        base_docker_image: str | None = None,
        docker_registry: str | None = None,
        input_files: Collection[str] | None = None,
        output_map: Mapping[str, str] | None = None,
        backend: BackendInterface | None = None,
        service_type: str = "ClusterIP",
        pod_spec_mutators: Sequence[Callable[..., Any]] | None = None,
    ) -> None:
        super().__init__(
            model_class, base_docker_image, docker_registry, input_files, output_map, backend, pod_spec_mutators
        )
        self.model_class = model_class
        self.service_type = service_type
        self.url = ""
        self._endpoint: EndpointHandle | None = None

    def create(self) -> EndpointHandle:
        """Serves the model, and waits until it is ready.

        Returns:
            The model; `str()` gives its URL.

        Raises:
            ServingError: it does not become ready; the version before it keeps serving.
            FairingError: the image cannot be made, or the objects cannot be created.
        """
        deployer = self._backend.get_serving_deployer(
            self.model_class.__name__, service_type=self.service_type, pod_spec_mutators=self._pod_spec_mutators
        )
        self._endpoint = deployer.deploy(self.builder.generate_pod_spec())
        self.url = self._endpoint.url
        _logger.warning("Prediction endpoint: %s", self.url)
        return self._endpoint

    @property
    def endpoint(self) -> EndpointHandle:
        """The served model.

        Raises:
            ConfigError: it is not created yet.
        """
        if self._endpoint is None:
            raise ConfigError("the prediction endpoint does not exist", "call create() first")
        return self._endpoint

    def predict_nparray(self, data: Any, feature_names: Sequence[str] | None = None) -> Mapping[str, Any]:
        """The predictions, in the form of Fairing's servers; `endpoint.predict(data)` gives them as an array.

        Args:
            data: a numpy array whose first dimension is the instances.
            feature_names: names of its columns, passed to `predict`.

        Returns:
            `{"data": {"names": […], "tensor": {"shape": […], "values": […]}}, "meta": {}}`; `ndarray` instead of
            `tensor` if the predictions are not numbers.

        Raises:
            ConfigError: the endpoint is not created yet.
            EndpointError: the model answers with an error, or not at all.
        """
        return self.endpoint.predict_seldon(data, feature_names)

    def delete(self) -> None:
        """Deletes the model's objects.

        Raises:
            ConfigError: the endpoint is not created yet.
        """
        self.endpoint.delete()
