"""`serve` and `serve_model`: tasks that serve the model of another task.

@dsl.pipeline
def digits(depth: int = 8):
    trained = train(depth=depth)
    serve(Digits, name="digits", model=trained.outputs["model"], sample=[[0.0] * 64])
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypedDict

from fairing_kfp.errors import ComponentError, ConfigError
from fairing_kfp.json_spec import OPTION
from fairing_kfp.option_check import check_given
from fairing_kfp.option_signature import lists_options
from fairing_kfp.preprocess.source import OWN_IMAGE
from fairing_kfp.preprocess.stub import stub_component
from fairing_kfp.serving.registration import TOKEN_FILE, TOKEN_KEY, Registration
from fairing_kfp.serving.spec import SERVE_COMMAND, Autoscaling, Mode, Service, ServingSpec, Target
from fairing_kfp.serving.task_inputs import is_known_at_run_time, registration_inputs, type_of

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fairing_kfp.preprocess.task import Task

_CREDENTIALS = "/etc/fairing-kfp/registry"
"""Where the Secret with registry credentials is mounted in the step."""

_TOKEN = "/etc/fairing-kfp/model-registry"  # noqa: S105 - a path
"""Where the Secret with the token of the Model Registry is mounted."""


class ServeOptions(TypedDict, total=False):
    """Options of `serve` and `serve_model`.

    Attributes:
        target: `deployment` (the default) for a Deployment and a Service, or `kserve` for an InferenceService.
        replicas: number of pods; 1 by default.
        autoscaling: overrides `replicas`; see `fairing_kfp.Autoscaling`.
        mutators: changes to the pods, such as `resources` and `gpu` of `fairing_kfp.mutators`.
        env: environment variables of the server, in plain text.
        labels: labels of the objects and pods.
        annotations: annotations of the objects and pods.
        service: type of a Deployment's Service: `ClusterIP` (the default), `NodePort` or `LoadBalancer`.
        host: host name of an Ingress, or of an HTTPRoute with `gateway`; neither by default.
        ingress_class: class of the Ingress; the cluster's default if not set.
        gateway: Gateway of an HTTPRoute, as `NAMESPACE/NAME`; an Ingress by default.
        load_within: time a pod may take to load the model, in seconds; 600 by default.
        workers: number of server processes in a pod, each with the model, for predictors that use much CPU; 1 by
            default. Memory requests and limits are multiplied by it. Predictors only, as the next two.
        max_batch: joins requests into one call of `predict`, with at most so many instances; 1 by default, which
            calls it for each request.
        max_wait: how long a batch waits for further requests, in seconds; 0.005 by default.
        mode: KServe's deployment mode: `Standard` (the default) or `Knative`.
        canary: percentage of requests sent to the new version, while the one before serves the rest; KServe only, and
            in Standard mode `serve_model` only.
        sample: request sent once the model is ready; the step fails if the response is an error. A list of instances,
            or a whole request as JSON values.
        registry_secret: name of a Secret (`kubernetes.io/dockerconfigjson`) with which the step pushes and pods pull.
        register: name of a model in Kubeflow's Model Registry, as a version of which the served model is registered; or
            `fairing_kfp.Registration`.
    """

    target: Target
    replicas: int
    autoscaling: Autoscaling | None
    mutators: Sequence[Callable[[dict[str, Any]], dict[str, Any]]]
    env: Mapping[str, str]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    service: Service
    host: str
    ingress_class: str
    gateway: str
    load_within: int
    workers: int
    max_batch: int
    max_wait: float
    mode: Mode
    canary: int | None
    sample: Any
    registry_secret: str
    register: str | Registration


@lists_options(ServeOptions)
def serve(
    predictor: Any, *, name: str, model: Any = None, repository: str = "", **options: Unpack[ServeOptions]
) -> Task:
    """A task that serves a predictor, with a model in its image. Call it within a pipeline.

    Its outputs are `endpoint` (URL within the cluster), `image` (by digest) and `report` (HTML). KFP never reuses them
    from its cache, since the cluster may have changed since.

    Args:
        predictor: a class decorated by `@fairing_component`, or the name of an image with a server on port 8080.
        name: name of the model, in URLs and in Kubernetes.
        model: output artifact of another task, passed to `load`; optional.
        repository: repository of the image with the model; the predictor's by default.
        options: see `ServeOptions`.

    Returns:
        The KFP task.

    Raises:
        ComponentError: the object is not a predictor, or an option is unknown.
        ConfigError: an option is invalid, or two options contradict each other.
    """
    image = predictor if isinstance(predictor, str) else _placeholder(predictor)
    spec = _spec(name, {"image": image, "repository": repository}, options)
    if "kserve" in getattr(predictor, "takes", ()) and (spec.workers, spec.max_batch) != (1, 1):
        raise ConfigError(
            f"serve(name={name!r}): workers= and max_batch= are not supported for a kserve.Model",
            "leave them out, since KServe's own server runs it; or serve a class without that base",
        )
    return _task(spec, model)


@lists_options(ServeOptions)
def serve_model(
    model_format: str,
    *,
    name: str,
    model: Any = None,
    storage: Any = "",
    runtime: str = "",
    **options: Unpack[ServeOptions],
) -> Task:
    """A task that makes an InferenceService whose model a KServe runtime loads, without an image of ours.

    Args:
        model_format: model format in KServe's terms, such as `sklearn`, `xgboost` or `onnx`.
        name: name of the model, in URLs and in Kubernetes.
        model: output artifact of another task; KServe loads it from its URI.
        storage: URI of the model, such as `s3://bucket/model`, `pvc://claim/path`, `hf://organisation/model`, or
            `oci://registry/project/model:tag` for an image with the model in `/models`; may be a parameter of the
            pipeline, or the output of a task, such as `uri` of `fairing_kfp.components.model_image`.
        runtime: name of a KServe runtime; KServe chooses one by default.
        options: see `ServeOptions`; the target is `kserve`.

    Returns:
        The KFP task.

    Raises:
        ComponentError: an option is unknown.
        ConfigError: an option is invalid, or not exactly one of `model` and `storage` is given.
    """
    runs_later = is_known_at_run_time(storage)
    if (model is None) == (not runs_later and not storage):
        raise ConfigError(f"serve_model(name={name!r}) needs exactly one model", "set either model= or storage=")
    if storage and not runs_later:
        from fairing_kfp.serving.storage import storage_uri

        storage = storage_uri(storage)
    given = {"model_format": model_format, "storage": "" if runs_later else storage, "runtime": runtime}
    inputs = {"storage": storage} if runs_later else {}
    return _task(_spec(name, given, {**options, "target": "kserve"}), model, inputs)


def _spec(name: str, given: Mapping[str, Any], options: Mapping[str, Any]) -> ServingSpec:
    from fairing_kfp.cluster.mutators import composed, environment

    check_given(f"serve(name={name!r})", options, ServeOptions)
    rest = dict(options)
    variables = rest.pop("env", None)
    mutators = [*([environment(variables)] if variables else []), *rest.pop("mutators", ())]
    empty: dict[str, Any] = {"containers": [{"name": "main"}]}
    pod = composed(*mutators)(empty)
    register = rest.get("register")
    if isinstance(register, str):
        rest["register"] = Registration(register)
    spec = ServingSpec(name=name, pod={} if pod == empty else pod, **given, **rest)
    try:
        json.dumps(spec.sample, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"serve(name={name!r}): sample= cannot be written as JSON: {error}",
            "use lists, numbers and strings; a.tolist() converts an array",
        ) from error
    return spec


def _placeholder(predictor: Any) -> str:
    from fairing_kfp.preprocess.source import placeholders

    image = getattr(predictor, "placeholder", None)
    if not isinstance(image, str) or image not in placeholders(image):
        raise ComponentError(
            f"serve() cannot serve {getattr(predictor, '__name__', predictor)!r}: it is not a predictor",
            "decorate a class with load and predict by @fairing_component, or name an image",
        )
    return image


def _task(spec: ServingSpec, model: Any, parameters: Mapping[str, Any] = MappingProxyType({})) -> Task:
    spec, registered = registration_inputs(spec)
    parameters = {**parameters, **registered}
    types = {name: type_of(value) or str for name, value in parameters.items()}
    component = _component(spec, types, with_model=model is not None)
    task: Task = component(**parameters, **({"model": model} if model is not None else {}))
    task.set_caching_options(False)
    if spec.registry_secret:
        from kfp.kubernetes import use_secret_as_volume

        use_secret_as_volume(task, spec.registry_secret, _CREDENTIALS)
        task.set_env_variable("DOCKER_CONFIG", _CREDENTIALS)
    if spec.register and spec.register.token_secret:
        from kfp.kubernetes import use_secret_as_volume

        use_secret_as_volume(task, spec.register.token_secret, _TOKEN)
        task.set_env_variable(TOKEN_FILE, f"{_TOKEN}/{TOKEN_KEY}")
    return task


def _component(spec: ServingSpec, parameters: Mapping[str, type], *, with_model: bool) -> Any:
    """A KFP component with the inputs and outputs of a serve step."""
    from kfp import dsl

    annotations: dict[str, Any] = {
        **({"model": dsl.Input[dsl.Artifact]} if with_model else {}),
        **parameters,
        "endpoint": dsl.OutputPath(str),
        "image": dsl.OutputPath(str),
        "report": dsl.Output[dsl.HTML],
    }
    return stub_component(
        f"serve-{spec.name}",
        [
            inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=annotation)
            for name, annotation in annotations.items()
        ],
        doc=f"Serves {spec.name}.",
        image=OWN_IMAGE,
        command=SERVE_COMMAND,
        arguments=(OPTION, spec.text()),
    )
