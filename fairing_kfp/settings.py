"""Settings from `[tool.fairing-kfp]` in pyproject.toml, then `FAIRING_KFP_*` variables, then arguments."""

from __future__ import annotations

import functools
import os
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Literal, TypedDict, get_type_hints

from fairing_kfp.errors import ConfigError
from fairing_kfp.frozen import dataclass
from fairing_kfp.option_check import fits, remedy_of, similar

DOCKERFILE = "dockerfile:"
"""Prefix of a base image that is built from a Dockerfile."""

_LISTS = ("insecure", "platforms", "allow_secrets")
_SWITCHES = ("attest", "build", "create_repository", "locked")
_LABEL = (r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", "a name in Kubernetes: lower case letters, digits and dashes")
_FORMS = {
    "registry": (r"[\w.-]+(:\d+)?(/[\w./-]*)?|\[[\da-f:]+\](:\d+)?(/[\w./-]*)?", "HOST[:PORT]/PATH, without https://"),
    "insecure": (r"[\w.-]+(:\d+)?|\[[\da-f:]+\](:\d+)?", "HOST[:PORT] of a registry, without http://"),
    "platforms": (r"\w+/\w+(/\w+)?", "a platform such as linux/amd64"),
    "compression": (r"gzip|zstd", "gzip or zstd"),
    **dict.fromkeys(
        ("namespace", "service_account", "cluster_namespace", "cluster_service_account", "cluster_secret"), _LABEL
    ),
}
"""Patterns of settings that are checked here, and what they describe."""


@dataclass(frozen=True)
class Settings:
    """The defaults for all components of a project.

    Attributes:
        registry: where images are pushed, such as `registry.example.com/me`.
        project: the repository below `registry`, shared by all images of the project.
        base_image: the base image of components that set none: a reference, or `dockerfile:PATH`.
        builder: the builder of components that set none. `append` (the default) pushes to the registry without Docker;
            `cluster` has a Job on Kubernetes do so, which is for machines that cannot reach the registry;
            `layout:FOLDER` writes an OCI image layout; `docker` and `podman` build in an engine, and push if
            `registry` is set; `dry-run` sends nothing.
        insecure: registries that are reached over plain HTTP.
        platforms: the platforms of components that set none; with several, a multi-platform image is built.
        build: whether pure Python packages without a wheel are built on this machine.
        libc: the newest C library that wheels may require, such as `manylinux_2_28`.
        compression: the compression of dependency layers: `gzip` or `zstd`. Docker pulls zstd from version 23.0 on.
        lock: the lock file; by default `fairing.lock` next to the pipeline's file.
        locked: whether a change of the lock file is an error, as in CI.
        own_image: fairing-kfp's own image, by digest, as printed by `fairing-kfp components publish`. Steps that use
            the API of Kubernetes or, if published with `--extra vertex`, of Vertex AI run in it. By default it is
            built with the pipeline's images.
        create_repository: whether to create a repository in Amazon ECR that does not exist; other registries create it
            on push, or in their user interface.
        attest: whether to attach an SBOM and provenance to each image that is pushed.
        ca: a PEM file of CA certificates to trust in addition to the system's.
        client_cert: a PEM file with the client certificate and key for registries.
        host: the URL of Kubeflow Pipelines, such as `https://kubeflow.example.com/pipeline`.
        namespace: the namespace of runs; installations for several users require it.
        experiment: the experiment of runs; created if it does not exist.
        service_account: the Kubernetes service account of runs.
        allow_secrets: what only looks like a credential: names of variables, keys and parameters, paths of files, and
            fingerprints from the error that refuses it.
        cluster_image: the image of the Job of the builder `cluster`, with Python 3.11 or newer; by default `own_image`,
            else `base_image`, else the official Python image.
        cluster_namespace: its namespace; by default that of runs, else that of the kubeconfig.
        cluster_service_account: its service account; by default that of runs.
        cluster_secret: the Secret of type `kubernetes.io/dockerconfigjson` with its registry logins.
        cluster_upload: the store that layers go through, such as `s3://bucket/prefix`; by default they are sent to its
            pod through the Kubernetes API.
        model_registry: the URL of the Model Registry, from within the cluster, in which serve steps register models.
    """

    registry: str | None = None
    project: str | None = None
    base_image: str | None = None
    builder: str | None = None
    insecure: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    build: bool = False
    libc: str | None = None
    compression: str = "gzip"
    lock: str | None = None
    locked: bool = False
    own_image: str | None = None
    create_repository: bool = False
    attest: bool = False
    ca: str | None = None
    client_cert: str | None = None
    host: str | None = None
    namespace: str | None = None
    experiment: str | None = None
    service_account: str | None = None
    allow_secrets: tuple[str, ...] = ()
    cluster_image: str | None = None
    cluster_namespace: str | None = None
    cluster_service_account: str | None = None
    cluster_secret: str | None = None
    cluster_upload: str | None = None
    model_registry: str | None = None

    @classmethod
    def load(cls, start: Path | None = None, **arguments: Any) -> Settings:
        """Loads the settings for a file or folder.

        Args:
            start: the folder in which the search for pyproject.toml starts, going up; by default the current folder.
            arguments: settings that override all others; None means not set.

        Raises:
            ConfigError: a setting is unknown or has the wrong type, or pyproject.toml is not valid TOML.
        """
        settings = cls()
        found = _pyproject(start or Path.cwd())
        if found is not None:
            path, document = found
            table = document.get("tool", {}).get("fairing-kfp", {})
            project = document.get("project", {}).get("name")
            settings = settings._with({"project": project, **table}, str(path), path.parent)
        names = [field.name for field in fields(cls)]
        variables = {name: os.environ.get(f"FAIRING_KFP_{name.upper()}") or None for name in names}
        settings = settings._with(
            {k: _parse(k, v) for k, v in variables.items() if v is not None}, "FAIRING_KFP_* variables"
        )
        given = dict(arguments)
        cls()._check({k: v for k, v in given.items() if v is not None}, "arguments")
        for name in ("insecure", "allow_secrets"):  # which add to those of the project
            if given.get(name):
                given[name] = (*getattr(settings, name), *given[name])
        return settings._with({k: v for k, v in given.items() if v not in (None, ())}, "arguments")

    def repository(self, pipeline: str) -> str:
        """The repository that images are pushed to.

        Args:
            pipeline: the pipeline's name, used if the project has no name.

        Raises:
            ConfigError: no registry is set.
        """
        if not self.registry:
            raise ConfigError(
                "no registry is set to push the images to",
                "use --registry HOST/PATH, FAIRING_KFP_REGISTRY, or registry in [tool.fairing-kfp] of "
                "pyproject.toml; or write the images to a folder with --builder layout:FOLDER, "
                "or keep them in Docker with --builder docker",
            )
        return f"{self.registry.removesuffix('/')}/{self.name(pipeline)}"

    def name(self, pipeline: str) -> str:
        """The project's name in the characters that registries allow; the pipeline's if the project has none."""
        return re.sub(r"[^a-z0-9]+", "-", (self.project or pipeline).lower()).strip("-")

    def _with(self, values: Mapping[str, Any], where: str, folder: Path | None = None) -> Settings:
        given = {name.replace("-", "_"): value for name, value in values.items() if value is not None}
        self._check(given, where)
        changes: dict[str, Any] = {k: tuple(v) if k in _LISTS else v for k, v in given.items()}
        if "base_image" in changes:
            changes["base_image"] = _absolute_base(changes["base_image"], folder or Path.cwd())
        if "lock" in changes:
            changes["lock"] = str((folder or Path.cwd()) / changes["lock"])
        return replace(self, **changes)

    @classmethod
    def _check(cls, given: Mapping[str, Any], where: str) -> None:
        kinds = _kinds()
        for name, value in given.items():
            if name not in kinds:
                raise ConfigError(f"unknown setting {name!r} in {where}", similar(name, kinds))
            if not fits(value, kinds[name]):
                raise ConfigError(
                    f"{name} = {value!r} in {where} has the wrong type", remedy_of(name, value, kinds[name])
                )
            pattern, words = _FORMS.get(name, ("", ""))
            for one in value if name in _LISTS else [value]:
                if pattern and one and not re.fullmatch(pattern, one):
                    raise ConfigError(f"{name} = {one!r} in {where} is not {words}", f"write {words}")


class SettingOptions(TypedDict, total=False):
    """Settings as options of a call, which override those of pyproject.toml and of variables; None leaves them.

    They are the fields of `fairing_kfp.Settings`; calls that declare `builder` themselves take a builder object, too.

    Attributes:
        start: the folder in which the search for pyproject.toml starts; the current folder by default.
    """

    start: Path | None
    registry: str | None
    project: str | None
    base_image: str | None
    insecure: Sequence[str] | None
    platforms: Sequence[str] | None
    build: bool | None
    libc: str | None
    compression: Literal["gzip", "zstd"] | None
    lock: str | None
    locked: bool | None
    own_image: str | None
    create_repository: bool | None
    attest: bool | None
    ca: str | None
    client_cert: str | None
    host: str | None
    namespace: str | None
    experiment: str | None
    service_account: str | None
    allow_secrets: Sequence[str] | None
    cluster_image: str | None
    cluster_namespace: str | None
    cluster_service_account: str | None
    cluster_secret: str | None
    cluster_upload: str | None
    model_registry: str | None


class BuilderSettingOptions(SettingOptions, total=False):
    """`SettingOptions`, and the name of a builder.

    Attributes:
        start: the folder in which the search for pyproject.toml starts; the current folder by default.
        builder: the builder of components that set none, as in `fairing_kfp.Settings`.
    """

    builder: str | None


@functools.cache
def _kinds() -> Mapping[str, Any]:
    """The types of the settings."""
    return get_type_hints(Settings)


def _absolute_base(base_image: str, folder: Path) -> str:
    """The same base image, with a Dockerfile's path made absolute."""
    path = base_image.removeprefix(DOCKERFILE)
    return f"{DOCKERFILE}{(folder / path).absolute()}" if path != base_image else base_image


def _parse(name: str, text: str) -> Any:
    """The value of an environment variable. Text that cannot be parsed is returned as is, and fails the type check."""
    if name in _LISTS:
        return text.split(",")
    return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text) if name in _SWITCHES else text


def _pyproject(start: Path) -> tuple[Path, dict[str, Any]] | None:
    folder = start.resolve()
    for parent in [folder, *folder.parents]:
        path = parent / "pyproject.toml"
        if path.is_file():
            if sys.version_info >= (3, 11):
                import tomllib
            else:
                import tomli as tomllib
            try:
                return path, tomllib.loads(path.read_text(encoding="utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise ConfigError(f"{path} is not valid TOML: {error}", "fix the file") from error
    return None
