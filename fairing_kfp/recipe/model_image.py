"""Images of models without a server, which KServe, Kubeflow Pipelines and Kubernetes mount beside their own.

The model is below `/models`. KServe and Kubeflow Pipelines run the image with a shell, which therefore the base has.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from fairing_kfp.builders.builder import Builder
from fairing_kfp.builders.progress import Progress
from fairing_kfp.builders.select import Builders
from fairing_kfp.cache.store import Cache
from fairing_kfp.errors import ConfigError
from fairing_kfp.image.image import AnyImage, Image, combine
from fairing_kfp.image.platform import Platform
from fairing_kfp.image.reference import Reference
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.recipe.defaults import USER, chosen_platforms
from fairing_kfp.recipe.image_recipe import ImageRecipe
from fairing_kfp.recipe.publish import publish_recipe
from fairing_kfp.serving.model import Model
from fairing_kfp.settings import Settings

BASE = "busybox:1.37"
"""The default base: a shell and little more."""

_NAME = "model"
_MOST_SCANNED = 64 << 20  # bytes of a file; what follows in larger ones is weights


def model_image(
    path: str | os.PathLike[str],
    *,
    base_image: str = BASE,
    file_name: str = "",
    builder: Builder | str | None = None,
    cache: Cache | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> str:
    """Publishes an image with a model in `/models`, for `oci://` URIs and image volumes.

    Equal models on an equal base have the same digest. In a pipeline, use `fairing_kfp.components.model_image`.

    Args:
        path: file or folder of the model.
        base_image: base image, which must have a shell for KServe and Kubeflow Pipelines.
        file_name: name in the image of a model of one file, such as `model.joblib`; its own by default.
        builder: as for `fairing_kfp.compile`.
        cache: the cache on disk; the user's by default.
        progress: reports the blobs that are pushed.
        settings: as for `fairing_kfp.compile`; without a project, the repository is `model`.

    Returns:
        The image's reference by digest; its URI is `oci://` followed by it.

    Raises:
        SecretError: a file of the model seems to contain a credential that is not allowed.
        FairingError: the image cannot be made or published.
    """
    model_path, base = Path(path), Reference.parse(base_image)
    if not model_path.exists():
        raise ConfigError(f"the model {model_path} does not exist", "name a file or folder")
    model = Model.of_artifact(model_path.absolute(), str(model_path), file_name)
    builder_name, given = (builder, None) if isinstance(builder, str) else (None, builder)
    chosen = Settings.load(builder=builder_name, **settings)
    _check_secrets(model, chosen.allow_secrets)
    with Builders(chosen, _NAME, cache or Cache(), progress, given) as builders:
        recipe = ImageRecipe(_NAME, Bundle(_NAME, ()), model_recipe(model, base, chosen_platforms(chosen)))
        return publish_recipe(recipe, builders.of(), builders)


def _check_secrets(model: Model, allow: Sequence[str]) -> None:
    from fairing_kfp.preprocess.secrets.gate import judge, refuse
    from fairing_kfp.preprocess.secrets.scan import scan_file

    found = []
    for path, file in sorted(model.files.items()):
        with file.open("rb") as opened:
            found += scan_file(f"/{path}", path, opened.read(_MOST_SCANNED))
    refuse(model.uri, judge(found, allow))


def model_recipe(model: Model, base: Reference, platforms: Iterable[Platform]) -> AnyImage:
    """The image of a model for some platforms, which share its layers.

    Args:
        model: the model.
        base: the base image.
        platforms: the platforms.

    Raises:
        PackError: a file of the model cannot be read, or its name is not allowed in an image.
    """
    layers = model.layers()
    return combine([Image(_NAME, base, layers, platform, None, user=USER) for platform in platforms])
