"""Options shared by several commands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from fairing_kfp.cli import candidates

F = TypeVar("F", bound=Callable[..., Any])

allow_secret = click.option(
    "--allow-secret",
    "allow_secrets",
    metavar="NAME",
    multiple=True,
    help="Credential look-alike to allow (repeatable)",
)

parallel = click.option(
    "--parallel",
    type=click.IntRange(min=1),
    metavar="N",
    default=1,
    show_default=True,
    help="Number of steps that may run at a time",
)
docker_network = click.option("--docker-network", metavar="NETWORK", help="Docker network of the containers")
report = click.option(
    "--report",
    type=click.Path(path_type=Path, dir_okay=False, writable=True),
    metavar="HTML",
    help="File for a page about the run",
)
output_folder = click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    default="local_outputs",
    show_default=True,
    help="Output directory",
)

_OPTIONS = (
    click.option("--registry", metavar="HOST/PATH", help="Registry to push images to"),
    click.option("--project", metavar="NAME", help="Repository name below the registry"),
    click.option("--base-image", metavar="IMAGE", help="Base image for components that set none"),
    click.option("--builder", metavar="BUILDER", help="append|cluster|layout:DIR|docker|podman|dry-run"),
    click.option(
        "--platform",
        "platforms",
        metavar="OS/ARCH",
        multiple=True,
        help="Platform to build for (repeatable)",
    ),
    click.option("--locked", is_flag=True, default=None, help="Fail if fairing.lock would change (for CI)"),
    click.option(
        "--compression",
        type=click.Choice(["gzip", "zstd"]),
        help="Compression of dependency layers",
    ),
    click.option(
        "--own-image",
        metavar="IMAGE",
        help="Published fairing-kfp image, by digest",
    ),
    click.option(
        "--create-repository",
        is_flag=True,
        default=None,
        help="Create missing repositories (Amazon ECR)",
    ),
    click.option("--insecure", metavar="HOST", multiple=True, help="Registry to reach over plain HTTP (repeatable)"),
    allow_secret,
    click.option("--ca", metavar="FILE", help="Extra CA certificates (PEM)"),
    click.option("--client-cert", metavar="FILE", help="Client certificate and key (PEM)"),
    click.option("--cluster-image", metavar="IMAGE", help="Image of the builder cluster"),
    click.option("--cluster-namespace", metavar="NAME", help="Its namespace"),
    click.option("--cluster-account", "cluster_service_account", metavar="NAME", help="Its service account"),
    click.option("--cluster-secret", metavar="NAME", help="Its Secret with registry logins"),
    click.option("--cluster-upload", metavar="URI", help="Store for its layers"),
)


_ATTEST = click.option("--attest", is_flag=True, default=None, help="Attach an SBOM and provenance to images")


def image_options(command: F) -> F:
    """Adds the options for building images."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def push_options(command: F) -> F:
    """Adds the options for building images, and for those that are pushed to stay."""
    return image_options(_ATTEST(command))


_HOST_OPTIONS = (
    click.option("--host", metavar="URL", help="URL of Kubeflow Pipelines"),
    click.option("-n", "--namespace", metavar="NAMESPACE", help="Namespace, if it serves several users"),
    click.option("--token-file", metavar="FILE", help="File with a bearer token"),
)


def host_options(command: F) -> F:
    """Adds the options for reaching Kubeflow Pipelines, except `--ca`, which is among the image options, too."""
    for option in reversed(_HOST_OPTIONS):
        command = option(command)
    return command


def pair(text: str, option: str = "-p") -> tuple[str, str]:
    """The name and value of `NAME=VALUE`.

    Raises:
        click.BadParameter: the text has another form.
    """
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{text!r} does not have the form NAME=VALUE", param_hint=option)
    return name, value


ca = click.option("--ca", metavar="FILE", help="Extra CA certificates (PEM)")
parameters = click.option(
    "-p",
    "--param",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    shell_complete=candidates.parameters,
    help="Pipeline parameter, or @FILE (repeatable)",
)
target = click.argument("target", metavar="FILE[:NAME]", shell_complete=candidates.pipelines)
targets = click.argument(
    "targets", metavar="FILE[:NAME]...", nargs=-1, required=True, shell_complete=candidates.pipelines
)
as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON")
quiet = click.option("-q", "--quiet", is_flag=True, help="Print errors only")
