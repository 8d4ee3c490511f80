"""`upload`: compiles a pipeline, publishes its images, and uploads it to Kubeflow Pipelines as a version."""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.builders.dry_run import DryRunBuilder
from fairing_kfp.builders.select import DEFAULT, DRY_RUN
from fairing_kfp.errors import ConfigError, KfpError, UnavailableError
from fairing_kfp.option_signature import lists_options
from fairing_kfp.pipeline.call import check_call
from fairing_kfp.pipeline.compile import Compiled, compile
from fairing_kfp.pipeline.secret_gate import check_run
from fairing_kfp.pipeline.trace import trace
from fairing_kfp.remote.connect import connect
from fairing_kfp.remote.experiment import equals
from fairing_kfp.remote.images import check_builders
from fairing_kfp.remote.pipeline import PipelineDocument, version_name
from fairing_kfp.settings import SettingOptions, Settings

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fairing_kfp.builders.builder import Builder
    from fairing_kfp.builders.progress import Progress
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.remote.connect import Kfp


@dataclass(frozen=True)
class Uploaded:
    """A version of a pipeline on Kubeflow Pipelines.

    Attributes:
        pipeline: name of the pipeline.
        version: name of the version.
        pipeline_id: id of the pipeline.
        version_id: id of the version.
        url: its page; empty if the page's address is unknown.
        is_new: whether it was uploaded now; False if an equal version was there.
        compiled: the pipeline and its images.
    """

    pipeline: str
    version: str
    pipeline_id: str
    version_id: str
    url: str
    is_new: bool
    compiled: Compiled = field(repr=False)


@lists_options(SettingOptions, described_by=Settings)
def upload(
    pipeline: Any,
    *,
    name: str | None = None,
    version: str | None = None,
    description: str | None = None,
    tags: Mapping[str, str] | None = None,
    token_file: str | None = None,
    builder: Builder | str | None = None,
    cache: Cache | None = None,
    progress: Progress | None = None,
    **settings: Unpack[SettingOptions],
) -> Uploaded:
    """Publishes the images of a pipeline, and uploads it as a version, unless an equal one is there.

    Args:
        pipeline: the result of `@dsl.pipeline` or `@fairing_component`.
        name: name on Kubeflow Pipelines; the pipeline's own by default.
        version: name of the version; by default a digest of the YAML, so that it is unchanged if the pipeline is.
        description: description of the version.
        tags: tags of the version.
        token_file: as for `submit`.
        builder: as for `compile`.
        cache: cache on disk; the user's by default.
        progress: as for `compile`.
        settings: as for `submit`.

    Raises:
        ConfigError: no host is set, or a builder does not push images to a registry.
        UnavailableError: there are tags, which the installed kfp-server-api lacks.
        KfpError: another version has that name, or Kubeflow Pipelines does not answer; nothing was changed.
        FairingError: an image cannot be made or published; nothing was uploaded.
    """
    given = {"name": name, "version": version, "description": description, "tags": tags}
    check_call("upload", pipeline, settings, token_file=token_file, progress=progress, **given)
    chosen = Settings.load(builder=builder if isinstance(builder, str) else None, **settings)
    traced = trace(pipeline)
    check_run(traced.name, {"description": description}, chosen.allow_secrets, "text")
    check_run(traced.name, tags or {}, chosen.allow_secrets, "tag")
    check_builders(traced, chosen)
    _check_tags(tags)
    kfp = connect(chosen, token_file)
    return upload_with(
        kfp,
        pipeline,
        chosen,
        name=name,
        version=version,
        description=description,
        tags=tags,
        builder=builder,
        cache=cache,
        progress=progress,
        **settings,
    )


def upload_with(
    kfp: Kfp,
    pipeline: Any,
    chosen: Settings,
    *,
    name: str | None = None,
    version: str | None = None,
    description: str | None = None,
    tags: Mapping[str, str] | None = None,
    builder: Builder | str | None = None,
    **arguments: Any,
) -> Uploaded:
    """`upload` over an open connection."""
    name = name or trace(pipeline).name
    if not name.strip() or (version is not None and not version.strip()):
        raise ConfigError("the name of a pipeline or version is empty", "leave it out, or choose one")
    pipeline_id = _find_pipeline(kfp, name)
    found = _find_version(kfp, pipeline_id, version)
    planner = _planner(builder, chosen) if found else None
    if planner is not None:  # what would be published is known without publishing it
        _check_same(found, compile(pipeline, builder=planner, **{**arguments, "progress": None}), name, str(version))
    compiled = compile(pipeline, builder=builder, **arguments)
    version = version or version_name(compiled.text)
    found = found or _find_version(kfp, pipeline_id, version)
    if found:
        _check_same(found, compiled, name, version)
        _set_tags(kfp, found, tags)
        return _uploaded(kfp, name, version, found, compiled, is_new=False)
    created = None
    if pipeline_id is None:
        pipeline_id = created = _create_pipeline(kfp, name)
    try:
        found = _upload_version(kfp, pipeline_id, name, version, compiled, description, tags)
    except KfpError:
        if created:
            with contextlib.suppress(KfpError):  # the first error is the cause
                method = kfp.client.pipelines.pipeline_service_delete_pipeline
                kfp.call(f"delete the pipeline {name}", method, pipeline_id=created)
        raise
    return _uploaded(kfp, name, version, found, compiled, is_new=True)


def _planner(builder: Builder | str | None, chosen: Settings) -> Builder | str | None:
    """A builder that knows the images' references and publishes nothing; None if there is none."""
    if builder is not None and not isinstance(builder, str):
        return DryRunBuilder(builder)
    return DRY_RUN if chosen.builder in (None, DEFAULT) else None


def _find_pipeline(kfp: Kfp, name: str) -> str | None:
    listed = kfp.call(
        f"list the pipelines for {name}",
        kfp.client.pipelines.pipeline_service_list_pipelines,
        namespace=kfp.namespace,
        filter=equals("display_name", name),
    )
    found = listed.pipelines or []
    if len(found) > 1:
        raise KfpError(f"there are {len(found)} pipelines {name!r}", "delete or rename one, or choose another --name")
    return str(found[0].pipeline_id) if found else None


def _find_version(kfp: Kfp, pipeline_id: str | None, version: str | None) -> Any:
    if pipeline_id is None or version is None:
        return None
    listed = kfp.call(
        f"list the versions for {version}",
        kfp.client.pipelines.pipeline_service_list_pipeline_versions,
        pipeline_id=pipeline_id,
        filter=equals("display_name", version),
    )
    return next(iter(listed.pipeline_versions or []), None)


def _check_tags(tags: Mapping[str, str] | None) -> None:
    """Checks that the installed client can send tags.

    Raises:
        UnavailableError: it cannot.
    """
    import kfp_server_api

    if tags and "tags" not in kfp_server_api.V2beta1PipelineVersion.openapi_types:
        raise UnavailableError(
            f"tags need kfp-server-api 2.17 or newer, but {kfp_server_api.__version__} is installed",
            "leave them out, or pip install 'kfp>=2.17'",
        )


def _check_same(found: Any, compiled: Compiled, name: str, version: str) -> None:
    """Checks that a version that exists is the compiled pipeline.

    Raises:
        KfpError: it is another.
    """
    if not PipelineDocument.from_api(found.pipeline_spec).equals(PipelineDocument.from_yaml(compiled.text)):
        raise KfpError(
            f"the pipeline {name} has a version {version!r} with other content",
            "choose another --version, or leave it out: then the version is named by its content",
            status=409,
        )


def _create_pipeline(kfp: Kfp, name: str) -> str:
    import kfp_server_api

    model = kfp_server_api.V2beta1Pipeline
    fields = {"name": name, "display_name": name, "namespace": kfp.namespace}
    body = model(**{field: fields[field] for field in fields if field in model.openapi_types})  # no name before 2.14
    created = kfp.call(f"create the pipeline {name}", kfp.client.pipelines.pipeline_service_create_pipeline, body)
    return str(created.pipeline_id)


def _upload_version(
    kfp: Kfp,
    pipeline_id: str,
    name: str,
    version: str,
    compiled: Compiled,
    description: str | None,
    tags: Mapping[str, str] | None,
) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pipeline.yaml")
        path.write_text(compiled.text, encoding="utf-8")
        return kfp.call(
            f"upload the version {version} of the pipeline {name}",
            kfp.client.pipeline_uploads.upload_pipeline_version,
            uploadfile=str(path),
            name=version,
            pipelineid=pipeline_id,
            description=description,
            tags=json.dumps(dict(tags), sort_keys=True) if tags else None,
        )


def _set_tags(kfp: Kfp, found: Any, tags: Mapping[str, str] | None) -> None:
    """Adds tags to a version that exists."""
    import kfp_server_api

    known = getattr(found, "tags", None) or {}
    wanted = {**known, **(tags or {})}
    if wanted == known:
        return
    body = kfp_server_api.V2beta1PipelineVersion(
        pipeline_id=found.pipeline_id,
        pipeline_version_id=found.pipeline_version_id,
        display_name=found.display_name,
        tags=wanted,
    )
    kfp.call(
        f"tag the version {found.display_name}",
        kfp.client.pipelines.pipeline_service_update_pipeline_version,
        pipeline_version_pipeline_id=found.pipeline_id,
        pipeline_version_pipeline_version_id=found.pipeline_version_id,
        pipeline_version=body,
    )


def _uploaded(kfp: Kfp, name: str, version: str, found: Any, compiled: Compiled, *, is_new: bool) -> Uploaded:
    place = f"/#/pipelines/details/{found.pipeline_id}/version/{found.pipeline_version_id}"
    url = f"{kfp.page}{place}" if kfp.page else ""
    return Uploaded(name, version, str(found.pipeline_id), str(found.pipeline_version_id), url, is_new, compiled)
