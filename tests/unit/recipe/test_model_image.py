"""Images of models without a server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import fairing_kfp
from fairing_kfp.errors import ConfigError, FairingError, InvalidReferenceError, ServingError
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference
from fairing_kfp.recipe.model_image import BASE, model_recipe
from fairing_kfp.serving.model import Model
from tests.support.stand_in_builder import StandInBuilder

_BASE = Reference.parse(BASE)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "forest"
    path.write_bytes(b"abc")
    return path


def test_the_image_runs_no_program_of_ours(model: Path) -> None:
    platforms = [Platform.parse(name) for name in ("linux/amd64", "linux/arm64")]
    made = model_recipe(Model.of_artifact(model, "u"), _BASE, platforms)

    assert [image.platform for image in made.images] == platforms
    for image in made.images:
        assert [layer.name for layer in image.layers] == ["model link", "model"]
        assert (image.python_version, image.command, image.env, image.user) == (None, None, {}, "65532:65532")


def test_it_is_published_by_the_chosen_builder(model: Path) -> None:
    builder = StandInBuilder()

    reference = fairing_kfp.model_image(model, builder=builder)

    recipe = model_recipe(Model.of_artifact(model, "u"), _BASE, [Platform.parse("linux/amd64")])
    assert builder.published == [recipe]
    assert reference == builder.publish(recipe)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"path": "missing"}, ConfigError, "the model .*missing does not exist"),
        ({"path": "empty"}, ServingError, "the model .*empty has no files"),
        ({"path": "folder", "file_name": "a.onnx"}, ConfigError, "is a folder, to which file_name='a.onnx'"),
        ({"path": "forest", "file_name": "a/b"}, ConfigError, "file_name='a/b' is not the name of a file"),
        ({"path": "forest", "base_image": "A b"}, InvalidReferenceError, "A b"),
        ({"path": "forest", "builder": "append"}, ConfigError, "no registry is set"),
    ],
)
def test_bad_input_is_an_error_before_anything_is_sent(
    options: dict[str, Any], kind: type[FairingError], message: str, model: Path
) -> None:
    (model.parent / "empty").mkdir()
    (model.parent / "folder").mkdir()
    (model.parent / "folder/a").write_bytes(b"a")
    builder = StandInBuilder()
    given = {"builder": builder, **options, "path": model.parent / options["path"]}

    with pytest.raises(kind, match=message):
        fairing_kfp.model_image(**given)
