"""Options of a component's image, which functions, scripts, notebooks and predictors share."""

from __future__ import annotations

import os
import re
import types
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

from fairing_kfp.errors import ComponentError, ConfigError
from fairing_kfp.option_check import check_given, check_options
from fairing_kfp.preprocess.secret_env import references

if TYPE_CHECKING:
    from fairing_kfp.preprocess.bundle import Code
    from fairing_kfp.preprocess.source import ComponentSource
    from fairing_kfp.runtime.value_types import ValueType

_FORMS = {
    "python_version": (r"3\.\d+", ("a minor version of Python", '"3.12"')),
    "platforms": (r"\w+/\w+(/\w+)?", ("a platform", '"linux/amd64"')),
    "libc": (r"(manylinux|musllinux)_\d+_\d+", ("a C library", '"manylinux_2_28" or "musllinux_1_2"')),
    "tag": (r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", ("a tag", '"1.2"')),
}
"""Patterns of options, what they describe, and an example."""

_ARGUMENTS = {
    **dict.fromkeys(("name", "module", "command", "root", "class_name", "method"), str | None),
    **dict.fromkeys(("serve", "shell", "writefile"), bool),
    **dict.fromkeys(("include", "exclude", "tags"), Sequence[str]),
    "modules": Sequence[str | types.ModuleType],
    "arguments": Mapping[str, Any] | None,
    **dict.fromkeys(("script", "path", "embedded_artifact_path"), str | os.PathLike[str] | None),
}
"""Types of the other arguments, which are not options of the image."""

_LISTS = ("provided", "extras", "groups", "platforms", "allow_secrets")


class ImageOptions(TypedDict, total=False):
    """Options of a component's image.

    Attributes:
        base_image: the image to build on, or `dockerfile:PATH`, relative to this file. Its Python minor version must be
            the author's. By default `[tool.fairing-kfp] base_image`, otherwise the official Python image.
        packages: packages to install as layers of wheels: a list of requirements (PEP 508); `"environment"` for the
            distributions that the code imports, in the versions installed here; or the path of a `requirements.txt`,
            `pyproject.toml` or `uv.lock`, relative to this file. Versions are pinned in `fairing.lock`.
        extras: optional dependencies of that project to include.
        groups: dependency groups of that project (PEP 735) to include.
        provided: requirements already in the base image; neither they nor their dependencies are added.
        build: whether to build pure wheels from source distributions where there is no wheel;
            `[tool.fairing-kfp] build` by default, otherwise False.
        libc: the newest C library that wheels may require, as in their file names: `manylinux_2_28` by default,
            `musllinux_1_2` for Alpine.
        env: environment variables of the image.
        files: files, folders and globs with their destinations: `{"conf/a.yaml": "/etc/app/a.yaml"}`. Relative
            destinations start at the working folder of a script or notebook.
        secrets: environment variables from Kubernetes Secrets: `{"HF_TOKEN": "SECRET/KEY"}`. A local run takes them
            from its own environment.
        allow_secrets: what only looks like a credential: names of variables, keys and parameters, paths of files, and
            fingerprints from the error that refuses it.
        platforms: the image's platforms; several make an index. `[tool.fairing-kfp] platforms` by default, otherwise
            `linux/amd64`.
        python_version: the base image's Python (`"3.12"`), where its configuration does not declare it.
        tag: the image's tag; `NAME-<12 digits of its digest>` by default.
        builder: the builder to use: `append`, `cluster`, `layout:FOLDER`, `docker`, `podman` or `dry-run`; by
            default that of the call or the settings.
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
    allow_secrets: Sequence[str]
    platforms: Sequence[str]
    python_version: str | None
    tag: str | None
    builder: str | None


def component_source(
    code: Code, name: str, key: str, options: ImageOptions, types: Mapping[str, ValueType] | None = None
) -> ComponentSource:
    """Makes a component's source from its code and the options of its image.

    Args:
        code: the step's code.
        name: the component's name.
        key: its key.
        options: the options of its image.
        types: types of its inputs that KFP does not read itself.

    Raises:
        ComponentError: an option is unknown or malformed.
    """
    from fairing_kfp.preprocess.source import ComponentSource

    check_image_options(name, options)
    given: dict[str, Any] = dict(options)
    for option in _LISTS:
        given[option] = tuple(given.get(option) or ())
    packages = given.get("packages", ())
    if isinstance(packages, str) or given["extras"] or given["groups"]:
        from fairing_kfp.dependencies.formats import find_format

        find_format(name, packages, given["extras"], given["groups"])
    given["packages"] = packages if isinstance(packages, str) else tuple(packages)
    given["env"] = dict(given.get("env") or {})
    _check_environment(name, given["env"])
    given["files"] = dict(given.get("files") or {})
    given["secrets"] = references(name, given.get("secrets") or {})
    return ComponentSource(key=key, name=name, code=code, types=types or {}, **given)


def check_image_options(name: str, options: Mapping[str, Any]) -> None:
    """Checks the options of a component's image, as far as no file and no base image is needed.

    Args:
        name: the component's name.
        options: the options.

    Raises:
        ComponentError: an option is unknown or malformed.
    """
    secrets = options.get("secrets")  # checked by `references`, whose message omits values
    check_given(
        name, {**options, "secrets": None if isinstance(secrets, Mapping) else secrets}, ImageOptions, ComponentError
    )
    for option, (pattern, words) in _FORMS.items():
        given = options.get(option)
        for value in given if isinstance(given, (list, tuple)) else [given]:
            if value is not None and not re.fullmatch(pattern, value):
                raise ComponentError(f"{name}: {option}={value!r} is not {words[0]}", f"write it like {words[1]}")
    if options.get("builder") is not None:
        _check_builder(name, options["builder"])


def check_declaration(owner: str, options: Mapping[str, Any], **arguments: Any) -> None:
    """Checks the types of what `@fairing_component`, `from_script` and `from_notebook` are called with.

    Args:
        owner: what the component is made from, which begins the message.
        options: the options of its image.
        arguments: the others, by name.

    Raises:
        ComponentError: an option is unknown, or a value has another type.
    """
    check_options(owner, arguments, _ARGUMENTS, ComponentError)
    check_image_options(owner, options)


def check_list(name: str, option: str, value: Any) -> None:
    """Rejects a string where a list is expected.

    Raises:
        ComponentError: the value is a string.
    """
    if isinstance(value, str):
        raise ComponentError(f"{name}: {option}={value!r} is a string", f'give a list: {option}=["{value}"]')


def module_names(modules: Sequence[str | types.ModuleType]) -> tuple[str, ...]:
    """The names of own modules that an author passes as modules or as names."""
    return tuple(module if isinstance(module, str) else module.__name__ for module in modules)


def check_absolute(name: str, files: Mapping[str, str], kind: str) -> None:
    """Rejects relative destinations of files in a component without a working folder of its own.

    Args:
        name: the component's name.
        files: the destinations by path or pattern.
        kind: the kind of component, for the message.

    Raises:
        ComponentError: a destination is relative.
    """
    for place in files.values():
        if not place.startswith("/"):
            raise ComponentError(
                f"{name}: the destination {place!r} in files= is relative, but {kind} has no working folder of its own",
                "give an absolute path in the image, such as /etc/app/settings.yaml",
            )


def valid_name(name: str, origin: str) -> str:
    """Makes a name valid for KFP and for image tags: lower case letters, digits and dashes (RFC 1123 label).

    Args:
        name: the author's name for the component.
        origin: what it is made from, for messages.

    Raises:
        ComponentError: no valid character is left, or the name is not ASCII.
    """
    valid = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    if not valid or not name.isascii():
        raise ComponentError(
            f"KFP does not accept the name {name!r} of {origin}", 'use letters, digits and dashes: name="…"'
        )
    return valid


def _check_environment(name: str, env: Mapping[str, str]) -> None:
    for variable, value in env.items():
        if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", variable):
            raise ComponentError(
                f"{name}: env={{{variable!r}: …}} does not map a valid name to a string",
                "give names and values as strings",
            )


def _check_builder(name: str, builder: str) -> None:
    """Checks that a builder exists.

    Raises:
        ComponentError: it does not.
    """
    from fairing_kfp.builders.select import DRY_RUN, builder_type

    if builder != DRY_RUN:
        try:
            builder_type(builder)
        except ConfigError as error:
            raise ComponentError(f"{name}: {error.message}", error.remedy) from error
