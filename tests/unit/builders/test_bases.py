from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp.builders.bases import Bases, registry_base
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import ConfigError, RegistryError
from fairing_kfp.image import Image, Platform, Reference
from fairing_kfp.image.dockerfile import Dockerfile
from fairing_kfp.registry.client import RegistryClient


def test_a_dockerfile_needs_an_engine() -> None:
    image = Image("train", Dockerfile(Path("/x/Dockerfile")), (), Platform("linux", "amd64"), (3, 12))

    with pytest.raises(ConfigError, match="the base of train is a Dockerfile, /x/Dockerfile") as caught:
        registry_base(image)
    assert 'builder = "docker"' in caught.value.remedy


def test_an_unreachable_base_is_named_with_its_component(cache: Cache) -> None:
    bases = Bases(cache, RegistryClient())
    for name in ("prepare", "train"):
        one = Image(name, Reference.parse("127.0.0.1:9/base/python:3.11"), (), Platform("linux", "amd64"), (3, 11))
        with pytest.raises(RegistryError) as caught:
            bases.of(one, bases.repository(one))
        begin = f"cannot read the base image 127.0.0.1:9/base/python:3.11 of {name}: cannot connect to the registry 127"
        assert caught.value.message.startswith(begin)
        assert caught.value.remedy


def test_an_unreachable_base_is_named_when_it_is_locked(cache: Cache) -> None:
    with pytest.raises(RegistryError, match=r"cannot read the base image 127\.0\.0\.1:9/base/python:3\.11: cannot"):
        Bases(cache, RegistryClient()).digest(Reference.parse("127.0.0.1:9/base/python:3.11"))
