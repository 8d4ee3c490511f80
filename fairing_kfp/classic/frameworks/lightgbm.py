"""LightGBM on one or several machines."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from fairing_kfp.classic.builders.append.append import AppendBuilder
from fairing_kfp.classic.cloud import gcp
from fairing_kfp.classic.deployers.job.job import Job
from fairing_kfp.classic.frameworks import utils
from fairing_kfp.classic.kubernetes.utils import get_resource_mutator
from fairing_kfp.classic.preprocessors.function import FunctionPreProcessor
from fairing_kfp.classic.work.deprecation import refuse, warn_once
from fairing_kfp.classic.work.in_step import functions_of
from fairing_kfp.classic.work.task import Collect
from fairing_kfp.errors import ConfigError

TRAIN_DATA_FIELDS = ("data", "train", "train_data", "train_data_file", "data_filename")
TEST_DATA_FIELDS = (
    *("valid", "test", "valid_data", "valid_data_file", "test_data"),
    *("test_data_file", "valid_filenames"),
)
NUM_MACHINES_FILEDS = ("num_machines", "num_machine")
PORT_FIELDS = ("local_listen_port", "local_port")
MLIST_FIELDS = ("machine_list_filename", "machine_list_file", "machine_list", "mlist")
MACHINE_FIELDS = ("machines", "workers", "nodes")
INPUT_MODEL_FIELDS = ("input_model", "model_input", "model_in")
OUTPUT_MODEL_FIELDS = ("output_model", "model_output", "model_out")
OUTPUT_RESULT_FIELDS = (
    *("output_result", "predict_result", "prediction_result", "predict_name"),
    *("prediction_name", "pred_name", "name_pred"),
)
TREE_LEARNER_FIELDS = ("tree_learner", "tree", "tree_type", "tree_learner_type")
DATA_PARALLEL_MODES = ("data", "voting")

_TASK_FIELDS = ("task", "task_type")
_PACKAGES = ("lightgbm>=4",)
_FILE_SYSTEMS = {"gs": "gcsfs", "gcs": "gcsfs", "s3": "s3fs", "abfs": "adlfs", "hf": "huggingface_hub"}


def execute(
    config: str | Mapping[str, Any],
    docker_registry: str | None,
    base_image: str | None = None,
    namespace: str | None = None,
    stream_log: bool = True,
    cores_per_worker: float | None = None,
    memory_per_worker: float | None = None,
    pod_spec_mutators: Sequence[Callable[..., Any]] | None = None,
) -> Job:
    """Trains or predicts with LightGBM as a Job, on `num_machines` nodes that find each other.

    Args:
        config: LightGBM's parameters, or a file with them. Files are local, which are packed, or URLs that fsspec
            opens. In the modes `data` and `voting`, several nodes need one file of training data each. A local
            `output_model` or `output_result` is written on this machine when the job has ended.
        docker_registry: where the image is pushed; `registry` in `[tool.fairing-kfp]` by default.
        base_image: image to build on, with GNU's OpenMP library; the official Python image by default.
        namespace: namespace of the job.
        stream_log: whether to print the log, and return when the job has ended.
        cores_per_worker: limit of cores of each node.
        memory_per_worker: memory of each node, in gigabytes.
        pod_spec_mutators: functions that change the pods.

    Returns:
        The deployer, whose `handle` is the job.

    Raises:
        ConfigError: a parameter is missing or malformed, or the number of files does not fit.
        JobFailedError: the job failed, if `stream_log` is set.
    """
    given = dict(utils.load_properties_config_file(config) if isinstance(config, str) else config)
    utils.scrub_fields(given, (*PORT_FIELDS, *MLIST_FIELDS, *MACHINE_FIELDS))
    nodes = _nodes(_take(given, NUM_MACHINES_FILEDS))
    files, packed = _files(given, nodes)
    preprocessor = _Boosting(functions_of("boosting.py")["boost"], output_map=packed)
    preprocessor.arguments = (given, files)
    preprocessor.output = Path(files["output"]) if "://" not in files["output"] else None
    schemes = {url.partition("://")[0] for url in _urls(files)}
    preprocessor.packages = (*_PACKAGES, *sorted({_FILE_SYSTEMS.get(one, "fsspec") for one in schemes}))
    base = base_image or f"python:{sys.version_info[0]}.{sys.version_info[1]}"  # the slim one lacks OpenMP
    builder = AppendBuilder(docker_registry, base_image=base, preprocessor=preprocessor)
    mutators = [*(pod_spec_mutators or ()), get_resource_mutator(cores_per_worker, memory_per_worker)]
    if schemes & {"gs", "gcs"}:
        mutators.append(gcp.add_gcp_credentials_if_exists)
    deployer = Job(namespace, runs=nodes, stream_log=stream_log, pod_spec_mutators=mutators)
    deployer.framework = "lightgbm"
    deployer.deploy(builder.generate_pod_spec())
    return deployer


def generate_context_files(config: Mapping[str, Any], config_file_name: str, num_machines: int) -> NoReturn:
    """Refused, since `execute` packs the files."""
    refuse("generate_context_files()", "images are not made from a build context", "call execute(config, …)")


class _Boosting(FunctionPreProcessor):
    """The call of LightGBM, whose result is a file.

    Attributes:
        output: the file; None if the step uploads it.
    """

    output: Path | None = None

    @property
    def collect(self) -> Collect:
        """Writes the model or the predictions."""
        read = super().collect

        def collect(artifacts: Mapping[str, Path], parameters: Mapping[str, Any]) -> None:
            data = read(artifacts, parameters)
            if self.output is not None and data is not None:
                self.output.parent.mkdir(parents=True, exist_ok=True)
                self.output.write_bytes(data)

        return collect


def _files(config: dict[str, Any], nodes: int) -> tuple[dict[str, Any], dict[str, str]]:
    """Takes the files out of LightGBM's parameters.

    Args:
        config: the parameters; changed in place.
        nodes: number of nodes.

    Returns:
        The files as `in_step/boosting.py` takes them, and the places of local ones in the image.

    Raises:
        ConfigError: a parameter is missing, or the number of files of training data does not fit.
    """
    task = str(_take(config, _TASK_FIELDS) or "train")
    data = [one.strip() for one in str(_take(config, TRAIN_DATA_FIELDS) or "").split(",") if one.strip()]
    valid = [one.strip() for one in str(_take(config, TEST_DATA_FIELDS) or "").split(",") if one.strip()]
    model = str(_take(config, INPUT_MODEL_FIELDS) or "")
    results = {"train": OUTPUT_MODEL_FIELDS}.get(task, OUTPUT_RESULT_FIELDS)
    other = OUTPUT_RESULT_FIELDS if results is OUTPUT_MODEL_FIELDS else OUTPUT_MODEL_FIELDS
    output = str(_take(config, results) or ("LightGBM_model.txt" if task == "train" else "LightGBM_predict_result.txt"))
    utils.scrub_fields(config, other)
    _, learner = utils.get_config_value(config, TREE_LEARNER_FIELDS)
    if task not in ("train", "predict", "prediction", "test"):
        raise ConfigError(f"the task {task!r} of LightGBM cannot be run", "use train or predict")
    if not data or (task != "train" and not model):
        raise ConfigError(f"LightGBM's task {task} lacks {'input_model' if data else 'data'}", "set it in the config")
    wanted = nodes if learner in DATA_PARALLEL_MODES else 1
    if task == "train" and len(data) != wanted:
        raise ConfigError(
            f"LightGBM trains on {nodes} nodes with tree_learner={learner}, and {len(data)} files of training data",
            f"give {wanted}: one for each node with tree_learner data or voting, else a single one",
        )
    if task == "train" and learner == "feature" and nodes > 1:
        warn_once(
            "lightgbm.execute",
            "feature",
            "LightGBM's Python package has no tree_learner=feature: the nodes share the rows of the file, as with data",
        )
    used = [*data, *valid, *([model] if model else [])]
    places = {path: path if "://" in path else Path(path).name for path in used}
    packed = {path: place for path, place in places.items() if "://" not in path}
    # LightGBM reads weights from the file next to the data.
    weights = [path for path in data if "://" not in path and Path(f"{path}.weight").is_file()]
    packed |= {f"{path}.weight": f"{places[path]}.weight" for path in weights}
    if len(set(packed.values())) != len(packed):
        raise ConfigError("two files of LightGBM's config have the same name", "rename one of them")
    return {
        "task": "train" if task == "train" else "predict",
        "data": [places[path] for path in data],
        "valid": [places[path] for path in valid],
        "input_model": places.get(model, ""),
        "output": output,
    }, packed


def _take(config: dict[str, Any], names: Sequence[str]) -> Any:
    """Takes a parameter, by any of its names."""
    name, value = utils.get_config_value(config, names)
    if name is not None:
        del config[name]
    return value


def _nodes(value: Any) -> int:
    try:
        nodes = int(value or 1)
    except (TypeError, ValueError):
        nodes = 0
    if nodes < 1:
        raise ConfigError(f"num_machines={value!r} is not a number of machines", "use an integer of at least 1")
    return nodes


def _urls(files: Mapping[str, Any]) -> list[str]:
    paths = [*files["data"], *files["valid"], files["input_model"], files["output"]]
    return [path for path in paths if "://" in path]
