"""Dockerfiles."""

from __future__ import annotations

from typing import Any, NoReturn

from fairing_kfp.classic.work.deprecation import refuse


def write_dockerfile(
    docker_command: Any = None,
    destination: str | None = None,
    path_prefix: str = "/app/",
    base_image: str | None = None,
    install_reqs_before_copy: bool = False,
    executable_path_prefix: str | None = None,
) -> NoReturn:
    """Refused, since images need no Dockerfile."""
    refuse(
        "write_dockerfile()",
        "images are made of layers, without a Dockerfile",
        'to run commands, write a Dockerfile, and build on it: dockerfile_path="Dockerfile"',
    )
