"""Built-in steps in compiled pipelines."""

from __future__ import annotations

from fairing_kfp.json_spec import OPTION
from fairing_kfp.pipeline.builtin_steps import image_of, train_spec_of
from fairing_kfp.preprocess.source import OWN_IMAGE, placeholders
from fairing_kfp.train.spec import TRAIN_COMMAND, JobSpec

SPEC = JobSpec("job", "train", "registry/code@sha256:0")
TEXT = SPEC.text()


def test_the_spec_of_a_train_step() -> None:
    step = {"image": OWN_IMAGE, "command": list(TRAIN_COMMAND), "args": ["--executor_input", "{{$}}", OPTION, TEXT]}
    assert train_spec_of(step) == SPEC
    assert image_of(step) == "registry/code@sha256:0"


def test_similar_steps_have_no_spec() -> None:
    for command, args in (
        (["python3", "-m", "fairing_kfp.trained"], [OPTION, TEXT]),
        (list(TRAIN_COMMAND), []),
        (None, None),
    ):
        step = {"image": "i", **({"command": command} if command else {}), **({"args": args} if args else {})}
        assert train_spec_of(step) is None
        assert image_of(step) == "i"
    assert image_of({}) == ""


def test_our_own_image_has_no_component() -> None:
    assert placeholders(f"image: {OWN_IMAGE}") == {}
