"""The client against the real program, which runs in a process of its own without any package installed."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO

import pytest

from fairing_kfp.builders.cluster.client import BrokenConnectionError, BuildClient, ServerSettings
from fairing_kfp.builders.cluster.recipe_json import plan_from_json
from fairing_kfp.builders.progress import Transfer
from fairing_kfp.errors import CacheError, DigestError, FairingError, NotFoundError, PythonVersionError
from fairing_kfp.image import Image
from tests.support.build_program import LocalProgram
from tests.support.discarding_registry import Discarding, discarding_registry
from tests.support.small_images import image, layer

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="the program of the Job needs Python 3.11")
LARGE = layer("large", bytes(range(256)) * 4096)  # several frames


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Discarding]:
    lower = layer("lower")
    file = tmp_path_factory.mktemp("registry") / "layer"
    with lower.open() as opened:
        file.write_bytes(opened.read())
    with discarding_registry() as running:
        running.give(file, lower.digest, lower.size)
        yield running


@pytest.fixture(scope="module")
def program() -> LocalProgram:
    return LocalProgram()


@pytest.fixture(scope="module")
def transfers() -> list[Transfer]:
    return []


@pytest.fixture(scope="module")
def client(registry: Discarding, program: LocalProgram, transfers: list[Transfer]) -> Iterator[BuildClient]:
    made = BuildClient(program, ServerSettings(f"{registry.host}/me"), transfers.append)
    yield made
    made.close()
    assert program.process.returncode == 0


def on_base(registry: Discarding, *layers: object) -> Image:
    return image(f"{registry.host}/base:1", *layers)  # type: ignore[arg-type]


def test_an_image_is_planned_and_pushed_by_the_program(
    client: BuildClient, registry: Discarding, transfers: list[Transfer]
) -> None:
    one = on_base(registry, layer("code"), LARGE)
    client.call("check", one)
    plan = plan_from_json(client.call("plan", one))
    reference = client.call("publish", one)

    assert plan.reference == reference
    assert reference.startswith(f"{registry.host}/me@sha256:")
    assert {(LARGE.digest, LARGE.size), (one.layers[0].digest, one.layers[0].size)} <= registry.blobs
    assert f"/v2/me/manifests/{plan.tag}" in registry.manifests
    moved = [one.done for one in transfers if one.digest == LARGE.digest and one.state == "moving"]
    assert moved == sorted(moved)
    assert len(moved) > 3
    assert {one.name for one in transfers if one.state == "sent"} >= {"code", "large", "config"}


def test_errors_of_the_program_are_raised_here(client: BuildClient, registry: Discarding) -> None:
    one = on_base(registry, layer("code"))
    with pytest.raises(PythonVersionError, match=r"has Python 3\.11"):
        client.call("check", replace(one, python_version=(3, 12)))
    with pytest.raises(NotFoundError, match="in the cluster, "):
        client.call("check", image(f"{registry.host}/base:absent"))


def test_a_layer_that_cannot_be_read_or_is_damaged_fails_the_call_alone(
    client: BuildClient, registry: Discarding
) -> None:
    def lost() -> BinaryIO:
        raise CacheError("the layer is not in the cache", "run it again")

    missing, damaged = layer("missing"), layer("damaged")
    with pytest.raises(CacheError, match="not in the cache"):
        client.call("publish", on_base(registry, replace(missing, open=lost)))
    with pytest.raises(DigestError, match=r"arrived with \d+ bytes instead of"):
        client.call("publish", on_base(registry, replace(damaged, open=LARGE.open)))
    assert client.call("publish", on_base(registry, layer("whole")))


def test_a_program_that_ends_breaks_the_connection(registry: Discarding) -> None:
    program = LocalProgram()
    client = BuildClient(program, ServerSettings(f"{registry.host}/me"), lambda _: None)

    def ends() -> BinaryIO:
        program.process.kill()
        return LARGE.open()

    with pytest.raises(BrokenConnectionError):
        client.call("publish", on_base(registry, replace(layer("last"), open=ends)))
    with pytest.raises(BrokenConnectionError):
        client.call("check", on_base(registry))
    client.close()


def test_the_program_ends_with_the_connection(registry: Discarding) -> None:
    program = LocalProgram()
    BuildClient(program, ServerSettings(f"{registry.host}/me"), lambda _: None)
    program.close()

    assert program.process.returncode == 1
    assert b"the connection to the author's machine ended" in program.process.stderr.read()  # type: ignore[union-attr]


def test_the_setting_ca_reaches_the_program(registry: Discarding, tmp_path: Path) -> None:
    program = LocalProgram()
    settings = ServerSettings("registry.invalid:5000/me", ca="no certificate")
    client = contextlib.closing(BuildClient(program, settings, lambda _: None))
    with client as connected, pytest.raises(FairingError, match=r"ca\.pem"):
        connected.call("check", image("registry.invalid:5000/base:1"))
