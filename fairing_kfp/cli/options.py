"""The options that several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])

_OPTIONS = (
    click.option("--registry", metavar="HOST/PATH", help="Where images are pushed to."),
    click.option("--project", metavar="NAME", help="The repository below it, shared by the project's images."),
    click.option("--base-image", metavar="IMAGE", help="The base of components that name none."),
    click.option(
        "--builder", metavar="BUILDER", help="append (the default), layout:FOLDER, docker, podman or dry-run."
    ),
    click.option(
        "--platform",
        "platforms",
        metavar="PLATFORM",
        multiple=True,
        help="The platform of components that name none, such as linux/arm64; given twice, images for both.",
    ),
    click.option(
        "--compression",
        type=click.Choice(["gzip", "zstd"]),
        help="Of layers of packages; zstd is pulled by containerd, and by Docker only from 23.0 on.",
    ),
    click.option(
        "--own-image",
        metavar="IMAGE",
        help="What steps that talk to Kubernetes run in, by digest; made along with the others by default.",
    ),
    click.option("--insecure", metavar="HOST", multiple=True, help="A registry spoken to over plain http."),
    click.option("--ca", metavar="FILE", help="Authorities that are trusted besides the machine's, as PEM."),
    click.option("--client-cert", metavar="FILE", help="The certificate and key that registries are shown, as PEM."),
)


def image_options(command: F) -> F:
    """Adds the options that say how images are made and where they go."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


target = click.argument("target", metavar="FILE[:NAME]")
quiet = click.option("-q", "--quiet", is_flag=True, help="Only errors.")
