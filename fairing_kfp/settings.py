"""Settings: `[tool.fairing-kfp]` of pyproject.toml, then `FAIRING_KFP_*` variables, then arguments."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from fairing_kfp.errors import ConfigError
from fairing_kfp.image.dockerfile import anchored

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_LISTS = ("insecure", "platforms")
_TYPES: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(_LISTS, ((list, tuple), "a list of strings")),
    "build": (bool, "true or false"),
}


@dataclass(frozen=True)
class Settings:
    """What holds for all components of a project.

    Attributes:
        registry: where images are pushed: `registry.example.com/me`.
        project: the repository below it that all images of the project share.
        base_image: the base of components that name none: an image, or `dockerfile:PATH`.
        builder: makes the images of components that name none; `append` where nothing is said. `append` pushes to the
            registry; `layout:FOLDER` writes an OCI image layout; `docker` and `podman` have an engine make them, and
            push them if there is a registry; `dry-run` sends nothing.
        insecure: registries that are spoken to over plain http.
        platforms: those of components that name none; of several an index is made.
        build: whether pure wheels are built here of packages that have only a source distribution.
        libc: the newest C library that the wheels of components that name none may ask for.
        compression: of layers of packages: `gzip`, or `zstd`, which containerd pulls and Docker only from 23.0 on.
        lock: the file in which the versions of packages are kept; `fairing.lock` beside the pipeline's file by default.
        own_image: our own image, by digest, as `fairing-kfp components publish` names it, for steps that talk to
            Kubernetes or, published with `--extra vertex`, to Vertex AI; by default it is made along with the
            pipeline's images.
        ca: a PEM file of authorities that are trusted besides the machine's.
        client_cert: a PEM file with the certificate and key that registries are shown.
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
    own_image: str | None = None
    ca: str | None = None
    client_cert: str | None = None

    @classmethod
    def load(cls, start: Path | None = None, **arguments: Any) -> Settings:
        """Reads the settings that hold for a file or folder.

        Args:
            start: where the search for pyproject.toml begins; the current folder by default.
            arguments: settings that outdo the others; None stands for not given.

        Raises:
            ConfigError: a setting is unknown or has the wrong type.
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
            {k: _read(k, v) for k, v in variables.items() if v is not None}, "FAIRING_KFP_* variables"
        )
        given = dict(arguments)
        if given.get("insecure"):
            given["insecure"] = (*settings.insecure, *given["insecure"])
        return settings._with({k: v for k, v in given.items() if v not in (None, ())}, "arguments")

    def repository(self, pipeline: str) -> str:
        """The repository that images are pushed to; the pipeline's name stands in for a project without one.

        Raises:
            ConfigError: no registry is known.
        """
        if not self.registry:
            raise ConfigError(
                "no registry is known to push the images to",
                "give --registry HOST/PATH, set FAIRING_KFP_REGISTRY, or registry = in [tool.fairing-kfp] "
                "of pyproject.toml; or write them to a folder with --builder layout:FOLDER, "
                "or keep them in Docker with --builder docker",
            )
        return f"{self.registry.removesuffix('/')}/{self.name(pipeline)}"

    def name(self, pipeline: str) -> str:
        """The project's name as registries take it; the pipeline's stands in for a project without one."""
        return re.sub(r"[^a-z0-9]+", "-", (self.project or pipeline).lower()).strip("-")

    def _with(self, values: Mapping[str, Any], where: str, folder: Path | None = None) -> Settings:
        known = {field.name for field in fields(self)}
        given = {name.replace("-", "_"): value for name, value in values.items() if value is not None}
        for name, value in given.items():
            if name not in known:
                raise ConfigError(
                    f"{name!r} in {where} is no setting of fairing-kfp", f"use one of {', '.join(sorted(known))}"
                )
            wanted, words = _TYPES.get(name, (str, "a string"))
            if not isinstance(value, wanted):
                raise ConfigError(f"{name} = {value!r} in {where} has the wrong type", f"give {words}")
        changes: dict[str, Any] = {k: tuple(v) if k in _LISTS else v for k, v in given.items()}
        if "base_image" in changes:
            changes["base_image"] = anchored(changes["base_image"], folder or Path.cwd())
        if "lock" in changes:
            changes["lock"] = str((folder or Path.cwd()) / changes["lock"])
        return replace(self, **changes)


def _read(name: str, text: str) -> Any:
    """The value of a variable; one that cannot be read stays as it is, and has the wrong type."""
    if name in _LISTS:
        return text.split(",")
    return {"true": True, "1": True, "false": False, "0": False}.get(text.lower(), text) if name == "build" else text


def _pyproject(start: Path) -> tuple[Path, dict[str, Any]] | None:
    folder = start.resolve()
    for place in [folder, *folder.parents]:
        path = place / "pyproject.toml"
        if path.is_file():
            try:
                return path, tomllib.loads(path.read_text(encoding="utf-8"))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise ConfigError(f"{path} is not valid TOML: {error}", "mend it") from error
    return None
