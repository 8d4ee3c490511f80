"""`fairing-kfp doctor` with the testbed's registry, and with one that has a base image with another Python."""

from __future__ import annotations

import json

import pytest

from fairing_kfp.registry.client import RegistryClient
from tests.support.command_line import fairing_kfp
from tests.support.private_registry import PrivateRegistry
from tests.support.small_images import layer, push_small_base

pytestmark = pytest.mark.registry


def states(*arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
    code, output = fairing_kfp("doctor", "--json", *arguments)
    return code, {finding["name"]: finding for finding in json.loads(output)}


def test_registry_and_base_image_work(testbed_registry: str, base_image: str, unique: str) -> None:
    registry = f"{testbed_registry}/{unique}"
    code, found = states(
        "--registry", registry, "--project", "doctor", "--base-image", base_image, "--insecure", testbed_registry
    )

    assert code == 0, found
    assert found["registry"]["detail"] == f"{registry}/doctor accepts a push"
    assert "@sha256:" in found["base image"]["detail"]


def test_the_base_image_has_another_python(private_registry: PrivateRegistry) -> None:
    client = RegistryClient()
    push_small_base(client, private_registry.host, "base", layer("base"), python="3.7")
    client.close()
    base = f"{private_registry.host}/base:1"
    private_registry.requests()
    code, found = states("--registry", f"{private_registry.host}/team", "--base-image", base)
    uploads = [line.split()[0] for line in private_registry.requests() if "/uploads/" in line]

    assert code == 3
    assert found["registry"]["state"] == "ok"
    assert uploads == ["POST", "DELETE"]
    assert found["base image"]["state"] == "failed"
    assert "has Python 3.7" in found["base image"]["detail"]
