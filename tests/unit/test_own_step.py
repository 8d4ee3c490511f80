"""Steps of our own in compiled pipelines."""

from __future__ import annotations

from fairing_kfp.own_step import ORDER, OWN_IMAGE, TRAIN, image_of, order_of
from fairing_kfp.source import placeholders
from fairing_kfp.train.order import Order

ORDERED = Order("job", "train", "registry/code@sha256:0")
TEXT = ORDERED.text()


def test_order_of_a_train_step_is_found() -> None:
    step = {"image": OWN_IMAGE, "command": list(TRAIN), "args": ["--executor_input", "{{$}}", ORDER, TEXT]}
    assert order_of(step) == ORDERED
    assert image_of(step) == "registry/code@sha256:0"


def test_other_steps_have_none_though_they_look_alike() -> None:
    for command, args in ((["python3", "-m", "fairing_kfp.trained"], [ORDER, TEXT]), (list(TRAIN), []), (None, None)):
        step = {"image": "i", **({"command": command} if command else {}), **({"args": args} if args else {})}
        assert order_of(step) is None
        assert image_of(step) == "i"
    assert image_of({}) == ""


def test_own_image_stands_for_no_component() -> None:
    assert placeholders(f"image: {OWN_IMAGE}") == {}
