"""`config`: what is packed, how the image is made, and where it runs."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from fairing_kfp.classic.notebook import notebook_util
from fairing_kfp.errors import ConfigError

_Choice = tuple[str, dict[str, Any]]

DEFAULT_PREPROCESSOR = "python"
DEFAULT_BUILDER = "append"
DEFAULT_DEPLOYER = "job"

_PREPROCESSORS = {
    "python": "preprocessors.base.BasePreProcessor",
    "notebook": "preprocessors.converted_notebook.ConvertNotebookPreprocessor",
    "full_notebook": "preprocessors.full_notebook.FullNotebookPreProcessor",
    "function": "preprocessors.function.FunctionPreProcessor",
}
_BUILDERS = {
    "append": "builders.append.append.AppendBuilder",
    "docker": "builders.docker.docker.DockerBuilder",
    "cluster": "builders.cluster.cluster.ClusterBuilder",
    "podman": "builders.podman.podman.PodmanBuilder",
}
_DEPLOYERS = {
    "job": "deployers.job.job.Job",
    "tfjob": "deployers.tfjob.tfjob.TfJob",
    "pytorchjob": "deployers.pytorchjob.pytorchjob.PyTorchJob",
    "gcp": "deployers.gcp.gcp.GCPJob",
    "serving": "deployers.serving.serving.Serving",
    "kfserving": "deployers.kfserving.kfserving.KFServing",
    "local": "deployers.local.LocalJob",
}


class Config:
    """What is packed, how the image is made, and where it runs."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Restores the defaults: a script, or in a notebook the notebook; the builder `append`; a Job."""
        self._preprocessor: _Choice = ("notebook" if notebook_util.is_in_notebook() else DEFAULT_PREPROCESSOR, {})
        self._builder: _Choice = (DEFAULT_BUILDER, {})
        self._deployer: _Choice = (DEFAULT_DEPLOYER, {})

    def set_preprocessor(self, name: str | None = None, **kwargs: Any) -> None:
        """Sets what is packed.

        Args:
            name: `python`, `notebook`, `full_notebook` or `function`.
            kwargs: arguments of its class in `fairing_kfp.classic.preprocessors`.

        Raises:
            ConfigError: the name or an argument is unknown.
        """
        name = name or DEFAULT_PREPROCESSOR
        _check("preprocessor", _PREPROCESSORS, name, kwargs)
        self._preprocessor = (name, kwargs)

    def get_preprocessor(self) -> Any:
        """The preprocessor.

        Raises:
            ConfigError: an argument is missing or invalid.
        """
        return _make("preprocessor", _PREPROCESSORS, *self._preprocessor)

    def set_builder(self, name: str = DEFAULT_BUILDER, **kwargs: Any) -> None:
        """Sets how the image is made.

        Args:
            name: `append`, `docker`, `podman` or `cluster`.
            kwargs: arguments of its class in `fairing_kfp.classic.builders`.

        Raises:
            ConfigError: the name or an argument is unknown.
        """
        _check("builder", _BUILDERS, name, kwargs)
        self._builder = (name, kwargs)

    def get_builder(self, preprocessor: Any) -> Any:
        """The builder.

        Args:
            preprocessor: what it packs.

        Raises:
            ConfigError: an argument is missing or invalid.
        """
        name, arguments = self._builder
        return _make("builder", _BUILDERS, name, {**arguments, "preprocessor": preprocessor})

    def set_deployer(self, name: str = DEFAULT_DEPLOYER, **kwargs: Any) -> None:
        """Sets how it runs.

        Args:
            name: `job`, `tfjob`, `pytorchjob`, `gcp`, `serving`, `kfserving`, or `local` for this machine.
            kwargs: arguments of its class in `fairing_kfp.classic.deployers`.

        Raises:
            ConfigError: the name or an argument is unknown.
        """
        _check("deployer", _DEPLOYERS, name, kwargs)
        self._deployer = (name, kwargs)

    def get_deployer(self) -> Any:
        """The deployer.

        Raises:
            ConfigError: an argument is missing or invalid.
        """
        return _make("deployer", _DEPLOYERS, *self._deployer)

    def run(self) -> tuple[Any, Any, Any]:
        """Packs, builds and deploys.

        Returns:
            The preprocessor, the builder and the deployer, whose `handle` or `endpoint` is what was deployed.

        Raises:
            FairingError: the image cannot be made, or what runs failed.
        """
        return self._run(self.get_preprocessor())

    def deploy(self, pod_spec: Any) -> Any:
        """Deploys the pod specification of a builder; see the `deploy` of the deployer.

        Args:
            pod_spec: result of a builder's `generate_pod_spec`.
        """
        return self.get_deployer().deploy(pod_spec)

    def fn(self, fn: Callable[..., Any]) -> Callable[..., Any]:
        """A function that runs another one by the builder and deployer that are set when it is called.

        Args:
            fn: the function, or a class with `train`.

        Returns:
            A function with the same arguments. It returns what the other one returned; the job, if the deployer does
            not wait for it; or the served model.
        """
        wrapped = getattr(fn, "train", fn) if isinstance(fn, type) else fn

        @functools.wraps(wrapped)
        def run(*arguments: Any, **named: Any) -> Any:
            name, given = self._preprocessor
            kept = {key: value for key, value in given.items() if name == "function" and key != "function_obj"}
            preprocessor = _make("preprocessor", _PREPROCESSORS, "function", {**kept, "function_obj": fn})
            preprocessor.arguments, preprocessor.named = arguments, named
            *_, deployer = self._run(preprocessor)
            handle = deployer.endpoint if hasattr(deployer, "endpoint") else deployer.handle
            return handle.wait() if getattr(deployer, "stream_log", False) and hasattr(handle, "wait") else handle

        return run

    def _run(self, preprocessor: Any) -> tuple[Any, Any, Any]:
        builder = self.get_builder(preprocessor)
        deployer = self.get_deployer()
        deployer.deploy(builder.generate_pod_spec())
        return preprocessor, builder, deployer


def _check(kind: str, known: Mapping[str, str], name: str, arguments: Mapping[str, Any]) -> None:
    """Checks a name and the names of arguments.

    Raises:
        ConfigError: one is unknown.
    """
    if name not in known:
        raise ConfigError(f"the {kind} {name!r} does not exist", f"use one of {', '.join(known)}")
    parameters = list(inspect.signature(_find(known[name])).parameters)
    for argument in arguments:
        if argument not in parameters:
            raise ConfigError(
                f"the {kind} {name!r} has no parameter {argument!r}", f"its parameters: {', '.join(parameters)}"
            )


def _make(kind: str, known: Mapping[str, str], name: str, arguments: Mapping[str, Any]) -> Any:
    found = _find(known[name])
    try:
        inspect.signature(found).bind(**arguments)
    except TypeError as error:
        raise ConfigError(f"the {kind} {name!r}: {error}", f"set_{kind}({name!r}, …)") from None
    return found(**arguments)


def _find(path: str) -> Any:
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(f"fairing_kfp.classic.{module}"), name)


config = Config()
