"""`submit`: compiles a pipeline, publishes its images, and runs it on Kubeflow Pipelines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from fairing_kfp.option_signature import lists_options
from fairing_kfp.pipeline.arguments import check_arguments
from fairing_kfp.pipeline.call import check_call
from fairing_kfp.pipeline.compile import compile
from fairing_kfp.pipeline.secret_gate import check_run
from fairing_kfp.pipeline.trace import trace
from fairing_kfp.remote.connect import connect
from fairing_kfp.remote.experiment import ensure_experiment, experiment_name, find_experiment
from fairing_kfp.remote.images import check_builders
from fairing_kfp.remote.pipeline import PipelineDocument
from fairing_kfp.remote.run import Run
from fairing_kfp.settings import SettingOptions, Settings

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fairing_kfp.builders.builder import Builder
    from fairing_kfp.builders.progress import Progress
    from fairing_kfp.cache.store import Cache


@lists_options(SettingOptions, described_by=Settings)
def submit(
    pipeline: Any,
    arguments: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    reuse: bool = True,
    token_file: str | None = None,
    builder: Builder | str | None = None,
    cache: Cache | None = None,
    progress: Progress | None = None,
    **settings: Unpack[SettingOptions],
) -> Run:
    """Publishes the images of a pipeline, and runs it on Kubeflow Pipelines. Does not wait for the run.

    The arguments, the host and the experiment's namespace are checked before anything is published.

    Args:
        pipeline: the result of `@dsl.pipeline` or `@fairing_component`.
        arguments: arguments of the pipeline.
        name: the run's name; by default the pipeline's name and the time.
        reuse: whether steps may reuse outputs of earlier runs; False turns KFP's cache off for all.
        token_file: file with a bearer token for the host. By default `FAIRING_KFP_TOKEN_FILE`, `FAIRING_KFP_TOKEN`, or
            in a pod the token that Kubernetes mounts for Kubeflow Pipelines.
        builder: as for `compile`.
        cache: cache on disk; the user's by default.
        progress: as for `compile`.
        settings: as for `compile`; `host`, `namespace`, `experiment` and `service_account` say where it runs.

    Raises:
        PipelineError: an argument is unknown or missing, or has the wrong type.
        SecretError: an argument, or anything in the pipeline, seems to contain a credential.
        ConfigError: no host is set, or a builder does not push images to a registry.
        KfpError: Kubeflow Pipelines does not answer, or rejects the run.
        FairingError: an image cannot be made or published; nothing was submitted.
    """
    import kfp_server_api

    options = {"name": name, "reuse": reuse, "token_file": token_file, "progress": progress}
    check_call("submit", pipeline, settings, arguments=arguments, **options)
    chosen = Settings.load(builder=builder if isinstance(builder, str) else None, **settings)
    traced = trace(pipeline)
    given = check_arguments(traced.specification, arguments or {}, traced.typed_inputs)
    check_run(traced.name, given, chosen.allow_secrets)
    check_builders(traced, chosen)
    kfp = connect(chosen, token_file)
    experiment = experiment_name(chosen)
    found = find_experiment(kfp, experiment)
    compiled = compile(pipeline, builder=builder, cache=cache, progress=progress, **settings)
    document = PipelineDocument.from_yaml(compiled.text)
    name = name or run_name(document.name)
    body = kfp_server_api.V2beta1Run(
        display_name=name,
        experiment_id=ensure_experiment(kfp, experiment, found),
        pipeline_spec=(document if reuse else document.without_cache()).for_api(),
        runtime_config=runtime_config(given),
        service_account=chosen.service_account,
    )
    run = kfp.call(f"create the run {name}", kfp.client.runs.run_service_create_run, body)
    return Run(kfp, run, compiled)


def run_name(pipeline: str) -> str:
    """The name of a run: the pipeline's, and the time."""
    return f"{pipeline} {datetime.now():%Y-%m-%d %H-%M-%S}"


def runtime_config(arguments: Mapping[str, Any]) -> Any:
    """The arguments of a run. Optional parameters that are None keep their default."""
    import kfp_server_api

    given = {name: value for name, value in arguments.items() if value is not None}
    return kfp_server_api.V2beta1RuntimeConfig(parameters=given)
