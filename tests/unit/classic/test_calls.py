"""Every call and parameter of Kubeflow Fairing: it works, warns, or is refused with its successor."""

from __future__ import annotations

import ast
import inspect
import warnings
from typing import Any

import pytest
from kubernetes.client import Configuration

from fairing_kfp.classic.deployers.gcp.gcpserving import GCPServingDeployer
from fairing_kfp.classic.preprocessors.base import BasePreProcessor
from fairing_kfp.errors import ConfigError
from fairing_kfp.migration.successor import REFUSED
from fairing_kfp.migration.table import successor_of
from tests.support.fairing_calls import CALLS, Call

CONSTRUCTORS = [call for call in CALLS if "." not in call.name and call.name[0].isupper() and call.status == "works"]
DIFFERENT = {"base_image", "credentials_file"}
"""Parameters whose default was an image or a file that does not exist any more."""


def train() -> None:
    """Trains."""


class Model:
    def train(self) -> None: ...

    def predict(self, X: Any) -> Any: ...


NEEDED: dict[str, dict[str, Any]] = {
    "KFServing": {"framework": "sklearn", "default_storage_uri": "gs://bucket/model"},
    "Serving": {"serving_class": "Model"},
    "FunctionPreProcessor": {"function_obj": train},
    "FullNotebookPreProcessor": {"notebook_file": "train.ipynb"},
    "ConvertNotebookPreprocessor": {"notebook_file": "train.ipynb"},
    "ConvertNotebookPreprocessorWithFire": {"notebook_file": "train.ipynb"},
    "BaseTask": {"entry_point": train},
    "TrainJob": {"entry_point": train},
    "PredictionEndpoint": {"model_class": Model},
}
VALUES: dict[str, tuple[Any, ...]] = {
    "annotations": ({"a": "b"},),
    "backend": (None,),
    "base_docker_image": ("python:3.11",),
    "base_image": ("python:3.11",),
    "build_context_source": ("source",),
    "canary_storage_uri": ("gs://bucket/canary",),
    "canary_traffic_percent": (10,),
    "chief_count": (1,),
    "class_name": ("Trainer",),
    "cleanup": (True, False),
    "client_configuration": (Configuration(),),
    "command": (["bash"],),
    "config_file": ("config",),
    "context": ("here",),
    "context_source": ("source",),
    "cos_endpoint_url": ("https://cos.example.com",),
    "custom_canary_container": ({"image": "canary"},),
    "custom_default_container": ({"image": "default"},),
    "default_storage_uri": ("gs://bucket/other",),
    "deployer_type": ("other",),
    "docker_registry": ("registry.example.com/me",),
    "dockerfile_path": ("Dockerfile",),
    "entry_point": (train,),
    "executable": ("train.py",),
    "executable_path_prefix": ("/opt/venv/bin/",),
    "framework": ("xgboost",),
    "function_obj": (Model,),
    "image_name": ("digits",),
    "input_files": (["train.py"],),
    "isvc_name": ("digits",),
    "job_config": ({"jobDir": "gs://bucket/folder"},),
    "job_name": ("digits",),
    "labels": ({"a": "b"},),
    "master_count": (2,),
    "model_class": (Model,),
    "namespace": ("team",),
    "notebook_file": ("train.ipynb",),
    "notebook_preprocessor": ("mine",),
    "output": (True,),
    "output_file": ("out.ipynb",),
    "output_map": ({"train.py": "/app/train.py"},),
    "overwrite": (False,),
    "path_prefix": ("/opt/app/",),
    "persist_config": (False,),
    "pod_spec_mutators": ([lambda pod: pod],),
    "preprocessor": (None,),
    "project_id": ("project",),
    "ps_count": (1,),
    "push": (False,),
    "region": ("europe-west4",),
    "registry": ("registry.example.com/me",),
    "runs": (2,),
    "scale_tier": ("BASIC_GPU",),
    "service_type": ("NodePort",),
    "serving_class": ("Model",),
    "stream_log": (True, False),
    "tls_verify": (True,),
    "training_scale_tier": ("BASIC",),
    "use_stream_logs": (True,),
    "worker_count": (3,),
}


def deprecations(found: list[warnings.WarningMessage]) -> list[str]:
    return [str(one.message) for one in found if issubclass(one.category, DeprecationWarning)]


def make(call: Call, **arguments: Any) -> Any:
    return call.find()(**{**NEEDED.get(call.name, {}), **arguments})


def owner_of(call: Call) -> Any:
    """An instance of a method's class."""
    (owner,) = [one for one in CALLS if (one.module, one.name) == (call.module, call.owner)]
    return make(owner)


@pytest.mark.parametrize("call", [call for call in CALLS if not (call.owner and call.status == "refused")], ids=str)
def test_a_call_has_its_parameters_and_defaults(call: Call) -> None:
    if call.name in ("ObjectType", "BuilderInterface", "DeployerInterface", "ContextSourceInterface"):
        assert isinstance(call.find(), type)
        return
    found = [one for one in inspect.signature(call.find()).parameters.values() if one.name != "self"]

    given = {("**" if one.kind is one.VAR_KEYWORD else "") + one.name: one.default for one in found}
    given = {{"pod_spec": "pod_template_spec"}.get(name, name): default for name, default in given.items()}
    wanted = {{"pod_spec": "pod_template_spec"}.get(name, name): text for name, text in call.parameters.items()}
    if call.owner in ("Config", "RuntimeConfig", "ContextSourceInterface", "BuilderInterface"):
        assert set(wanted) <= set(given)
        return
    assert list(given) == list(wanted)
    for name, text in wanted.items():
        if text and name not in DIFFERENT and not text[0].isupper():
            value = given[name]
            assert (list(value) if isinstance(value, tuple) else value) == ast.literal_eval(text), name


@pytest.mark.parametrize("call", [call for call in CONSTRUCTORS if call.parameters], ids=str)
def test_parameters_work_or_warn_once_with_their_successor(call: Call) -> None:
    for name in call.parameters:
        default = inspect.signature(call.find()).parameters[name].default
        value = next(one for one in VALUES[name] if one != default or len(VALUES[name]) == 1)
        if name == "preprocessor":
            value = BasePreProcessor(["train.py"])

        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            make(call, **{name: value})
            make(call, **{name: value})

        texts = deprecations(found)
        if name in call.unused:
            (text,) = texts
            assert f"({name}=…) has no effect any more: " in text
            assert found[0].filename == __file__  # the line of the user
        else:
            assert texts == [], name
    with pytest.raises(TypeError, match="unknown"):
        make(call, unknown=1)


@pytest.mark.parametrize(
    "call", [call for call in CALLS if call.owner and "needs_deps_installation" in call.unused], ids=str
)
def test_builders_of_backends_always_install_requirements(call: Call) -> None:
    method = getattr(owner_of(call), call.name.partition(".")[2])

    with pytest.warns(DeprecationWarning, match="needs_deps_installation=…"):
        method(None, None, None, needs_deps_installation=False)


@pytest.mark.parametrize("call", [call for call in CALLS if call.status == "warns"], ids=str)
def test_a_call_without_effect_warns_once(call: Call) -> None:
    arguments = {name: "/x" for name, default in call.parameters.items() if not default}
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        call.find()(**arguments)
        call.find()(**arguments)

    (text,) = deprecations(found)
    assert call.name in text


def required(call: Call) -> dict[str, Any]:
    return {name: "x" for name, default in call.parameters.items() if not default and name[0] != "*"}


@pytest.mark.parametrize("call", [call for call in CALLS if call.status == "refused"], ids=str)
def test_a_refused_call_names_its_successor(call: Call) -> None:
    owner = next((one for one in CALLS if (one.module, one.name) == (call.module, call.owner)), None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        if owner is None:
            found, arguments = call.find(), required(call)
        elif owner.status == "refused":  # so that no instance has the method
            found, arguments = owner.find(), required(owner)
        else:
            made = make(owner) if owner.status == "works" else owner.find()(**required(owner))
            found, arguments = getattr(made, call.name.partition(".")[2]), required(call)
            if owner.status == "warns":
                arguments = {}

        with pytest.raises(ConfigError, match="is not available any more: ") as error:
            found(**arguments)

    assert error.value.remedy


def test_a_refused_deployer_names_its_successor_whatever_its_arguments() -> None:
    with pytest.raises(ConfigError, match="GCPServingDeployer is not available any more: ") as error:
        GCPServingDeployer()

    assert "serve" in error.value.remedy


@pytest.mark.parametrize("call", [call for call in CALLS if call.status == "refused" and not call.owner], ids=str)
def test_a_refused_call_is_marked_in_the_table_of_moving(call: Call) -> None:
    found = successor_of(str(call))

    assert found is not None
    assert found.classic == REFUSED
