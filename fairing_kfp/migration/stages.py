"""The successors of Fairing's stages: `config`, preprocessors, builders, deployers and tasks."""

from __future__ import annotations

from fairing_kfp.migration.successor import REFUSED, Successor

_SCRIPT = '`fairing_component.from_script("train.py", include=["data/"])`'
_CODE = '`fairing_component.from_notebook("train.ipynb", mode="script")`'
_NOTEBOOK = '`fairing_component.from_notebook("train.ipynb")`'
_FUNCTION = "`@fairing_component` above the function"
_APPEND = '`builder="append"`, the default'
_DOCKER = '`builder="docker"`; a Dockerfile as `base_image="dockerfile:PATH"`'
_PODMAN = '`builder="podman"`'
_CLUSTER = '`builder="cluster"`, or the step `append_image` of `fairing_kfp.components`'
_JOB = "`job(train)(depth=8)` in a pipeline"
_TFJOB = "`tfjob(train, nodes=3)(depth=8)` in a pipeline; all nodes are workers"
_PYTORCHJOB = "`pytorchjob(train, nodes=2)(depth=8)` in a pipeline"
_VERTEX = "`vertexjob(train, project=…, region=…, staging=…)(depth=8)` in a pipeline"
_SERVE = '`serve(Model, name="model", model=trained.outputs["model"])` in a pipeline'
_KSERVE = (
    '`serve(Model, name="model", target="kserve")`, or `serve_model("sklearn", name="model", storage=…)` in a pipeline'
)
_NO_SERVERS = "the same; `ps_count` has no effect, all nodes are workers"
_ON_VERTEX = 'the same; requires Kubeflow Pipelines, and `job_config={"jobDir": "gs://…"}`'
_NO_CANARY = "the same; `custom_canary_container` has no effect"
_SUBMIT = "`fairing-kfp submit pipeline.py -p depth=8`, or `fairing_kfp.submit(pipeline, {…})`"

CONFIG = (
    Successor(
        "config.set_preprocessor",
        _SCRIPT,
        option="python",
        fault="scripts with absolute paths do not run; folders are packed without their files; nothing can be excluded",
        now="the script runs in a copy of its folder; folders, globs, `exclude=` and `.fairingignore` work",
    ),
    Successor(
        "config.set_preprocessor",
        _CODE,
        option="notebook",
        fault="indented `!ls`, `%%bash` and `%%writefile` make an invalid script; a `.py` file next to the notebook is "
        "overwritten; `input_files` are ignored",
        now="magics are removed by the syntax tree; nothing is written next to the notebook; `include=` works",
    ),
    Successor(
        "config.set_preprocessor",
        _NOTEBOOK,
        option="full_notebook",
        fault="a notebook has no parameters; as executed, it stays in the pod and is lost",
        now="its parameters are inputs; the executed notebook and its HTML are outputs, even if a cell fails",
    ),
    Successor(
        "config.set_preprocessor",
        _FUNCTION,
        option="function",
        fault="a function has no arguments; helpers from own modules are missing in the container; another Python "
        "version is noticed there only",
        now="arguments and results are inputs and outputs; own modules are packed; the Python version is checked "
        "before anything is pushed",
    ),
    Successor("config.set_preprocessor", "`fairing_component`, and its `from_script` and `from_notebook`"),
    Successor(
        "config.set_builder",
        _APPEND,
        option="append",
        fault="the tag changes although the input is the same; containerd refuses the image; images and indexes of OCI "
        "are not read; layers are downloaded and uploaded again; a layer over 2 GiB or a broken connection fails; "
        "requirements are never installed; there is no option for a registry's own CA",
        now="the same input gives the same digest; images are OCI; layers are mounted, streamed and retried; "
        "`packages=` become layers; `ca`, `insecure` and `client_cert` are settings",
    ),
    Successor("config.set_builder", _DOCKER, option="docker"),
    Successor("config.set_builder", _PODMAN, option="podman"),
    Successor(
        "config.set_builder",
        _CLUSTER,
        option="cluster",
        classic="the same; `context_source` has no effect",
        fault="it does not look whether its Job succeeded; kaniko is archived, and runs as root; credentials are plain "
        "environment variables",
        now="the step fails if the build fails; it needs no privilege; credentials are in a Secret",
    ),
    Successor("config.set_builder", "`builder=` of a component, of a call, or in `[tool.fairing-kfp]`"),
    Successor(
        "config.set_deployer",
        _JOB,
        option="job",
        fault="a failed Job raises no error; Jobs are deleted only while their log is shown; containers run as root",
        now="a failed job fails the step with its cause; it is deleted however the step ends; images run as any user",
    ),
    Successor(
        "config.set_deployer",
        _TFJOB,
        option="tfjob",
        classic=_NO_SERVERS,
        fault="limits for GPUs are removed from parameter servers",
        now="all nodes have the resources of the task",
    ),
    Successor("config.set_deployer", _PYTORCHJOB, option="pytorchjob"),
    Successor(
        "config.set_deployer",
        _VERTEX,
        option="gcp",
        classic=_ON_VERTEX,
        fault="the service, AI Platform jobs, is retired",
        now="the job runs on Vertex AI",
    ),
    Successor(
        "config.set_deployer",
        _SERVE,
        option="serving",
        fault="the base image has to contain the server; the endpoint is returned before it is ready; an external "
        "address is awaited forever",
        now="the server is a layer of the image; the step ends when the model answers, and rolls back if it does not",
    ),
    Successor(
        "config.set_deployer",
        _KSERVE,
        option="kfserving",
        classic=_NO_CANARY,
        fault="labels are not applied; it creates an object that KServe no longer serves",
        now="labels and annotations are on all objects; the object is KServe's `v1beta1`",
    ),
    Successor("config.set_deployer", "`job`, `trainjob`, `pytorchjob`, `tfjob`, `vertexjob`, `serve` in a pipeline"),
    Successor("config.get_preprocessor", "`fairing-kfp explain pipeline.py` shows what is packed"),
    Successor("config.get_builder", "`fairing-kfp explain pipeline.py` shows what would be pushed"),
    Successor("config.get_deployer", "the steps of the pipeline"),
    Successor("config.run", f"{_SUBMIT}; here: `fairing-kfp run pipeline.py`"),
    Successor("config.deploy", _SUBMIT),
    Successor(
        "config.fn",
        f"{_FUNCTION}, and a call in a pipeline",
        classic="the same; the function that it returns takes arguments, and returns the result",
        fault="the function that it returns takes no arguments, and returns nothing",
        now="the function takes arguments, and returns the result",
    ),
    Successor("config.reset", "nothing to reset: there is no global state"),
    Successor("config", "`[tool.fairing-kfp]` in pyproject.toml, and options of components"),
)
TASKS = (
    Successor(
        "TrainJob.submit",
        _SUBMIT,
        classic="the same; it returns a handle with `wait()` and `logs()`, whose text is the name",
        fault="a failed job looks like success",
        now="the handle's `wait()` raises an error with the end of the log",
    ),
    Successor("TrainJob", _JOB),
    Successor("PredictionEndpoint.create", _SUBMIT, classic="the same; it returns when the model answers"),
    Successor("PredictionEndpoint.predict_nparray", "`Endpoint(url).predict(array)`"),
    Successor(
        "PredictionEndpoint.delete",
        "`undeploy` of `fairing_kfp.components`, a step of a pipeline",
    ),
    Successor("PredictionEndpoint", _SERVE),
    Successor("ml_tasks", "`fairing_component`, `job` and `serve`"),
)
PREPROCESSORS = (
    Successor("preprocessors.base", _SCRIPT),
    Successor(
        "preprocessors.converted_notebook.ConvertNotebookPreprocessorWithFire",
        '`fairing_component.from_notebook("train.ipynb", mode="script", class_name="Trainer")`',
    ),
    Successor("preprocessors.converted_notebook.FilterIncludeCell", "cells tagged or marked `fairing:include-cell`"),
    Successor("preprocessors.converted_notebook", _CODE),
    Successor("preprocessors.full_notebook", _NOTEBOOK),
    Successor("preprocessors.function", _FUNCTION),
)
BUILDERS = (
    Successor("builders.append", _APPEND),
    Successor("builders.docker", _DOCKER),
    Successor("builders.podman", _PODMAN),
    Successor(
        "builders.cluster.context_source",
        "leave it out",
        others=tuple(f"builders.cluster.{it}_context" for it in ("azurestorage", "cos", "gcs", "minio", "s3")),
        classic="no effect: the builder needs no store",
    ),
    Successor("builders.cluster", _CLUSTER, classic="the same; `context_source` has no effect"),
    Successor("builders.dockerfile.write_dockerfile", '`base_image="dockerfile:PATH"`', classic=REFUSED),
    Successor("builders", '`fairing_kfp.compile(pipeline, builder="…")`'),
)
DEPLOYERS = (
    Successor("deployers.job", _JOB),
    Successor("deployers.tfjob", _TFJOB, classic=_NO_SERVERS),
    Successor("deployers.pytorchjob", _PYTORCHJOB),
    Successor("deployers.gcp.gcpserving.GCPServingDeployer", _SERVE, classic=REFUSED),
    Successor("deployers.gcp", _VERTEX, classic=_ON_VERTEX),
    Successor("deployers.serving", _SERVE),
    Successor("deployers.kfserving", _KSERVE, classic=_NO_CANARY),
    Successor("deployers", _JOB),
)
