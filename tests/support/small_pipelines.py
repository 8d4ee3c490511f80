"""Small pipelines of components without packages."""

from __future__ import annotations

from kfp import dsl

import fairing_kfp


@fairing_kfp.fairing_component
def one() -> int:
    return 1


@fairing_kfp.fairing_component
def two(image: str) -> str:
    return image


@fairing_kfp.fairing_component(builder="dry-run")
def planned() -> int:
    return 2


@dsl.pipeline(name="names-an-image")
def names_an_image():
    one()
    two(image=f"run {one.component_spec.implementation.container.image} here")


@dsl.pipeline(name="mixed")
def mixed():
    one()
    planned()
