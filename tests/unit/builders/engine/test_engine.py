from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from docker.errors import APIError, ImageNotFound

from fairing_kfp.builders.engine.engine import Engine, connect
from fairing_kfp.builders.engine.podman import connect_podman
from fairing_kfp.builders.progress import Transfer, silent
from fairing_kfp.errors import ConfigError, ImageError
from fairing_kfp.image import Platform, Reference
from fairing_kfp.image.dockerfile import Dockerfile

NAME = Reference.parse("registry.example.com/me:v1")
AMD64 = Platform("linux", "amd64")


def engine(**answers: Any) -> Engine:
    """An engine whose calls return the given values, or raise the given errors."""
    client = MagicMock()
    for call, answer in answers.items():
        how = "side_effect" if isinstance(answer, Exception) else "return_value"
        setattr(getattr(client.api, call), how, answer)
    return Engine(client, "Docker")


def test_without_the_docker_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "docker", None)

    with pytest.raises(ConfigError, match="the docker builder needs the docker package") as caught:
        connect("the docker builder")
    assert "fairing-kfp[docker]" in caught.value.remedy


def test_without_an_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")

    with pytest.raises(ConfigError, match="the docker builder: Docker Engine does not answer"):
        connect("the docker builder")


def test_without_podman(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CONTAINER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(ConfigError, match="the podman builder: Podman Engine does not answer") as caught:
        connect_podman()
    assert f"{tmp_path}/none.sock" in caught.value.remedy

    monkeypatch.delenv("CONTAINER_HOST")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr(Path, "is_socket", lambda _: False)
    with pytest.raises(ConfigError, match=f"no Podman service at {tmp_path}/podman/podman.sock or /run/podman"):
        connect_podman()


def test_a_push_reports_progress_and_returns_the_digest() -> None:
    digest = f"sha256:{'1' * 64}"
    transfers: list[Transfer] = []
    events = [
        {"status": "The push refers to repository [x]"},
        {"status": "Preparing", "progressDetail": {}, "id": "aa"},
        {"status": "Pushing", "progressDetail": {"current": 5, "total": 9}, "id": "aa"},
        {"status": "Pushing", "progressDetail": {"current": 12, "total": 9}, "id": "aa"},
        {"status": "Pushed", "progressDetail": {}, "id": "aa"},
        {"status": "Layer already exists", "progressDetail": {}, "id": "bb"},
        {"status": f"v1: digest: {digest} size: 7"},
    ]

    assert engine(push=events).push(NAME, transfers.append) == digest
    assert transfers == [
        Transfer("layer", "aa", 9, 5),
        Transfer("layer", "aa", 12, 12),
        Transfer("layer", "aa", 12, 12, "sent"),
        Transfer("layer", "bb", 0, 0, "mounted"),
    ]


def test_a_push_without_a_digest_fails() -> None:
    with pytest.raises(ImageError, match=r"pushed registry\.example\.com/me:v1 but returned no digest"):
        engine(push=[{"status": "Pushed", "id": "aa"}]).push(NAME, silent)


@pytest.mark.parametrize(
    ("call", "verb", "arguments"),
    [
        ("push", "push", (NAME, silent)),
        ("pull", "pull", (NAME, AMD64, silent)),
        ("load_image", "load", ([], "name")),
        ("build", "build", (Dockerfile(Path("/x/Dockerfile")), AMD64, silent)),
    ],
)
@pytest.mark.parametrize("how", ["in the stream", "at once"])
def test_errors_name_the_engine_the_object_and_the_cause(
    call: str, verb: str, arguments: tuple[Any, ...], how: str
) -> None:
    answer: Any = [{"error": "denied: no"}] if how == "in the stream" else APIError("x", explanation="denied: no")

    with pytest.raises(ImageError, match=f"^Docker cannot {verb} .*: denied: no"):
        getattr(engine(**{call: answer}), verb)(*arguments)


def test_a_failed_build_shows_the_end_of_its_output() -> None:
    output = [{"stream": f"line {number}\n"} for number in range(30)]

    with pytest.raises(ImageError) as caught:
        engine(build=[*output, {"error": "exit code 1"}]).build(Dockerfile(Path("/x/Dockerfile")), AMD64, silent)
    assert caught.value.message.startswith("Docker cannot build /x/Dockerfile: exit code 1\n  line 10\n")


def test_an_image_that_does_not_exist() -> None:
    assert engine(inspect_image=ImageNotFound("x")).inspect("x") is None
    with pytest.raises(ImageError, match="Docker cannot inspect x: broken"):
        engine(inspect_image=APIError("x", explanation="broken")).inspect("x")
