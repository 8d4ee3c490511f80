"""What every kind of component may say of its image."""

from __future__ import annotations

import re
import types
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from fairing_kfp.errors import ComponentError, SecretError
from fairing_kfp.kubernetes_secrets import references

if TYPE_CHECKING:
    from fairing_kfp.preprocess.bundle import Code
    from fairing_kfp.source import ComponentSource

_LISTS = ("provided", "extras", "groups", "platforms")


class ImageOptions(TypedDict, total=False):
    """The options that functions, scripts and notebooks share.

    Attributes:
        base_image: the image below, or `dockerfile:PATH`, the path beginning at this file; its Python minor must be the
            author's. By default `[tool.fairing-kfp] base_image`,
            else the official Python image of the author's minor.
        packages: what is shipped as layers of wheels: a list of requirements (PEP 508); `"environment"`, which is the
            distributions that the code imports, at the versions installed here; or the path of a `requirements.txt`,
            `pyproject.toml` or `uv.lock`, beginning at this file's folder. `fairing.lock` keeps the versions.
        extras: optional dependencies of that project to include.
        groups: dependency groups of that project (PEP 735) to include.
        provided: requirements that the base image holds already, and that are therefore not shipped, nor is what they
            need.
        build: whether pure wheels are built here of what has only a source distribution; `[tool.fairing-kfp] build` by
            default, else not.
        libc: the newest C library that wheels may ask for, as their names have it: `manylinux_2_28` by default,
            `musllinux_1_2` for Alpine.
        env: environment variables of the image.
        files: files, folders and globs, by where they are put: `{"conf/a.yaml": "/etc/app/a.yaml"}`; places that are
            relative begin at the working folder of a script or notebook.
        secrets: variables from Kubernetes Secrets, as `{"HF_TOKEN": "SECRET/KEY"}`; a run here takes them from its own
            environment.
        platforms: the image's platforms, of which several make an index; `[tool.fairing-kfp] platforms` by default,
            else `linux/amd64`.
        python_version: the base image's Python (`"3.12"`), where its configuration does not say.
        tag: the image's tag; `NAME-<12 digits of its digest>` by default.
        builder: makes the image: `append`, `layout:FOLDER`, `docker`, `podman` or `dry-run`; by default the one that
            the call or the settings name.
    """

    base_image: str | None
    packages: str | Sequence[str]
    extras: Sequence[str]
    groups: Sequence[str]
    provided: Sequence[str]
    build: bool | None
    libc: str | None
    env: Mapping[str, str] | None
    files: Mapping[str, str] | None
    secrets: Mapping[str, str] | None
    platforms: Sequence[str]
    python_version: str | None
    tag: str | None
    builder: str | None


def source_of(code: Code, name: str, key: str, options: ImageOptions) -> ComponentSource:
    """A component's source of its code and what its author says of its image.

    Raises:
        ComponentError: an option is unknown or has the wrong form.
        SecretError: a value of `env` looks like a credential.
    """
    from fairing_kfp.source import ComponentSource

    given: dict[str, Any] = dict(options)
    for option in given:
        if option not in ImageOptions.__annotations__:
            raise ComponentError(
                f"{name}: there is no option {option!r}", f"use one of {', '.join(ImageOptions.__annotations__)}"
            )
    for option in _LISTS:
        check_list(name, option, given.get(option, ()))
        given[option] = tuple(given.get(option, ()))
    packages = given.get("packages", ())
    if isinstance(packages, str) or given["extras"] or given["groups"]:
        from fairing_kfp.preprocess.requirements import check_form

        check_form(name, packages, given["extras"], given["groups"])
    given["packages"] = packages if isinstance(packages, str) else tuple(packages)
    given["env"] = dict(given.get("env") or {})
    _check_environment(name, given["env"])
    given["files"] = dict(given.get("files") or {})
    given["secrets"] = references(name, given.get("secrets") or {})
    return ComponentSource(key=key, name=name, code=code, **given)


def check_list(name: str, option: str, value: Any) -> None:
    """Refuses a string where a list is wanted.

    Raises:
        ComponentError: it is one.
    """
    if isinstance(value, str):
        raise ComponentError(f"{name}: {option}={value!r} is a string", f'give a list: {option}=["{value}"]')


def module_names(modules: Sequence[str | types.ModuleType]) -> tuple[str, ...]:
    """The names of own modules that an author gives as modules or as names."""
    return tuple(module if isinstance(module, str) else module.__name__ for module in modules)


def check_places(name: str, files: Mapping[str, str], kind: str) -> None:
    """Refuses places of files that are relative: they begin nowhere for what has no working folder of its own.

    Raises:
        ComponentError: one is.
    """
    for place in files.values():
        if not place.startswith("/"):
            raise ComponentError(
                f"{name}: files= places a file at {place!r}, but {kind} has no working folder of its own",
                "name an absolute place in the image, such as /etc/app/settings.yaml",
            )


def valid_name(name: str, shown: str) -> str:
    """The name as KFP and image tags take it: small letters, digits and dashes (RFC 1123 label).

    Args:
        name: what the author calls the component.
        shown: what it is made of, for messages.

    Raises:
        ComponentError: nothing is left of it, or it is not ASCII.
    """
    valid = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not valid or not name.isascii():
        raise ComponentError(
            f"KFP refuses the name {name!r} of {shown}", 'give one of letters, digits and dashes: name="…"'
        )
    return valid


def _check_environment(name: str, env: Mapping[str, str]) -> None:
    from fairing_kfp.preprocess import secrets

    for variable, value in env.items():
        if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", variable):
            raise ComponentError(
                f"{name}: env={{{variable!r}: …}} is not a name with a string", "give strings as names and as values"
            )
        if secrets.secret_form(value) or secrets.secret_name(variable, value):
            raise SecretError(f"{name}: the variable {variable} of env= looks like a credential", secrets.REMEDY)
