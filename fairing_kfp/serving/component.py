"""`serve`: a task of a pipeline that serves what another task trained.

@dsl.pipeline
def digits(depth: int = 8):
    trained = train(depth=depth)
    serve(Digits, name="digits", model=trained.outputs["model"], sample=[[0.0] * 64])
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from fairing_kfp.errors import ComponentError, ConfigError
from fairing_kfp.own_step import ORDER, OWN_IMAGE, SERVE
from fairing_kfp.serving.order import Autoscaling, Order

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fairing_kfp.serving.order import Mode, Service, Target

_LOGINS = "/etc/fairing-kfp/registry"
"""Where the Secret with logins lies in the step."""


class ServeOptions(TypedDict, total=False):
    """What may be said of how a model is served.

    Attributes:
        target: `deployment` (the default), a Deployment with its Service; or `kserve`, an InferenceService.
        replicas: the number of pods; 1 by default.
        autoscaling: instead as many pods as there is work for: `fairing_kfp.serving.order.Autoscaling`.
        mutators: what is wanted of the pods: `fairing_kfp.cluster.mutators`, such as `resources`, `gpu`, `environment`.
        env: environment variables of the server, in the clear.
        labels: of all that is made.
        annotations: likewise.
        service: how a Deployment's Service is reached: `ClusterIP` (the default), `NodePort` or `LoadBalancer`.
        host: the name that an Ingress answers to; none is made by default.
        ingress_class: whose Ingress it is; the cluster's default by default.
        load_within: seconds in which a pod must have loaded the model; 600 by default.
        mode: how KServe deploys: `Standard` (the default) or `Knative`.
        canary: the percentage of requests that the new version gets, with KServe in Knative mode.
        sample: a request that is sent in the end, whose answer must be none of an error: a list of instances, or the
            whole request as JSON has it.
        registry_secret: the name of a Secret (`kubernetes.io/dockerconfigjson`) with the login of the registry, by
            which the step pushes and pods pull.
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
    load_within: int
    mode: Mode
    canary: int | None
    sample: Any
    registry_secret: str


def serve(
    predictor: Any, *, name: str, model: Any = None, repository: str = "", **options: Unpack[ServeOptions]
) -> Any:
    """Makes a task that serves a predictor, with a model in its image; called within a pipeline.

    Its outputs are `endpoint`, the URL within the cluster; `image`, by digest; and `report`, a page of HTML. It is
    never answered from KFP's cache: what serves may have changed since.

    Args:
        predictor: what `@fairing_component` made of a class; or the name of an image that serves at port 8080.
        name: of what is served, in URLs and in Kubernetes.
        model: an artifact of another task, which `load` is given; optional.
        repository: where the image with the model goes; that of the predictor by default.
        options: see `ServeOptions`.

    Returns:
        The task, as any component's.

    Raises:
        ComponentError: it is no predictor, or an option is unknown.
        ConfigError: an option is one that no cluster could serve.
    """
    image = predictor if isinstance(predictor, str) else _placeholder(predictor)
    order = _order(name, {"image": image, "repository": repository, "python": _python()}, options)
    return _task(order, model)


def serve_model(
    model_format: str,
    *,
    name: str,
    model: Any = None,
    storage: str = "",
    runtime: str = "",
    **options: Unpack[ServeOptions],
) -> Any:
    """Makes a task that has KServe load a model by one of its runtimes, without an image of ours.

    Args:
        model_format: as KServe's runtimes name it, such as `sklearn`, `xgboost` or `onnx`.
        name: of what is served, in URLs and in Kubernetes.
        model: an artifact of another task; its URI is handed on.
        storage: instead a URI, such as `s3://bucket/model`, `pvc://claim/path` or `hf://organisation/model`.
        runtime: the name of a runtime; chosen by KServe by default.
        options: see `ServeOptions`; the target is `kserve`.

    Returns:
        The task, as any component's.

    Raises:
        ComponentError: an option is unknown.
        ConfigError: an option is one that no cluster could serve.
    """
    if (model is None) == (not storage):
        raise ConfigError(f"serve_model(name={name!r}) needs one model", "give either model= or storage=")
    if storage:
        from fairing_kfp.serving.storage import storage_uri

        storage = storage_uri(storage)
    given = {"model_format": model_format, "storage": storage, "runtime": runtime}
    return _task(_order(name, given, {**options, "target": "kserve"}), model)


def _order(name: str, given: Mapping[str, Any], options: Mapping[str, Any]) -> Order:
    from fairing_kfp.cluster.mutators import composed, environment

    rest = dict(options)
    variables = rest.pop("env", None)
    mutators = [*([environment(variables)] if variables else []), *rest.pop("mutators", ())]
    empty: dict[str, Any] = {"containers": [{"name": "main"}]}
    pod = composed(*mutators)(empty)
    try:
        order = Order(name=name, pod={} if pod == empty else pod, **given, **rest)
    except TypeError as error:
        known = ", ".join(ServeOptions.__annotations__)
        raise ComponentError(f"serve(name={name!r}): {error}", f"use some of {known}") from error
    try:
        json.dumps(order.sample, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"serve(name={name!r}): sample= is nothing that JSON has: {error}", "give lists, numbers, texts; a.tolist()"
        ) from error
    return order


def _placeholder(predictor: Any) -> str:
    from fairing_kfp.source import placeholders

    image = getattr(predictor, "placeholder", None)
    if not isinstance(image, str) or image not in placeholders(image):
        raise ComponentError(
            f"serve() is given {getattr(predictor, '__name__', predictor)!r}, which is no predictor",
            "decorate a class that has load and predict with @fairing_component, or name an image",
        )
    return image


def _python() -> str:
    from fairing_kfp.prepare import AUTHORS_PYTHON

    return ".".join(map(str, AUTHORS_PYTHON))


def _task(order: Order, model: Any) -> Any:
    component = _component(order, with_model=model is not None)
    task = component(model=model) if model is not None else component()
    task.set_caching_options(False)
    if order.registry_secret:
        from kfp.kubernetes import use_secret_as_volume

        use_secret_as_volume(task, order.registry_secret, _LOGINS)
        task.set_env_variable("DOCKER_CONFIG", _LOGINS)
    return task


def _component(order: Order, *, with_model: bool) -> Any:
    """A KFP component with the inputs and outputs of a serve step."""
    from kfp import dsl

    kinds: dict[str, Any] = {
        **({"model": dsl.Input[dsl.Artifact]} if with_model else {}),
        "endpoint": dsl.OutputPath(str),
        "image": dsl.OutputPath(str),
        "report": dsl.Output[dsl.HTML],
    }

    def stand_in() -> None: ...

    stand_in.__name__ = f"serve_{order.name}".replace("-", "_")
    stand_in.__doc__ = f"Serves {order.name}."
    stand_in.__annotations__ = kinds
    stand_in.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(key, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=kind)
            for key, kind in kinds.items()
        ]
    )
    component = dsl.component(stand_in, base_image=OWN_IMAGE, target_image=OWN_IMAGE)
    container = component.component_spec.implementation.container
    container.command = list(SERVE)
    container.args = ["--executor_input", dsl.PIPELINE_TASK_EXECUTOR_INPUT_PLACEHOLDER, ORDER, order.text()]
    return component
