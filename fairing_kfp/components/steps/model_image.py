"""`model_image`: a model → an image that KServe, Kubeflow Pipelines and Kubernetes mount."""

from __future__ import annotations

import tempfile
from pathlib import Path

from fairing_kfp.cache.store import Cache
from fairing_kfp.components.declaration import Input, Output, ReusableComponent, StepInputs, StepResult
from fairing_kfp.components.pushed_image import push_image
from fairing_kfp.components.registries import (
    CA,
    CACHING,
    CREDENTIALS,
    INSECURE,
    MOUNT_LOGIN,
    PLATFORMS,
    SERVICE,
    bases,
    connected,
    image_reference,
    repository_name,
)
from fairing_kfp.image.platform import Platform
from fairing_kfp.recipe.model_image import BASE, model_recipe
from fairing_kfp.serving.model import Model


def run(given: StepInputs) -> StepResult:
    """Builds the image in the registry; everything is read and checked before anything is sent.

    Raises:
        ServingError: the model is empty.
        ConfigError: the repository has a tag or digest, or the file name does not fit the model.
        InvalidReferenceError: a name of an image is malformed.
        PackError: a file of the model cannot be packed.
        ImageError: the base cannot be used, or lacks a platform.
        RegistryError: the base does not exist, or the image cannot be pushed.
    """
    path = given.artifacts["model"]
    base = image_reference(MODEL_IMAGE.name, "base_image", given.values["base_image"])
    target = repository_name(MODEL_IMAGE.name, "repository", given.values["repository"])
    platforms = tuple(dict.fromkeys(map(Platform.parse, given.values["platforms"])))
    model = Model.of_artifact(path, given.uris["model"], given.values["file_name"])
    with tempfile.TemporaryDirectory(prefix="fairing-model-") as scratch, connected(given.values) as client:
        found = bases(base, client, platforms)
        pinned = next(iter(found.values())).reference
        recipe = model_recipe(model, pinned, found)
        pushed = push_image(recipe, target, Cache.temporary(Path(scratch)), client, given.log)
    uri = f"oci://{pushed.reference}"
    return StepResult(
        f"the model is an image in {target.name}",
        (
            ("image", pushed.reference),
            ("URI", uri),
            ("tag", pushed.plan.tag),
            ("model", f"{len(model.files):,} files, {model.size:,} bytes"),
            ("base", pushed.plan.base),
            ("sent", pushed.sent),
        ),
        {"image": pushed.reference, "uri": uri},
    )


MODEL_IMAGE = ReusableComponent(
    name="model-image",
    category="building",
    description="Puts a model into an image, by digest, which KServe, KFP and Kubernetes mount as files.",
    details=(
        "The model is below `/models` of the image, in layers of about 256 MB that are streamed: the step needs "
        "little memory and no disk space. The output `uri` (`oci://…`) is a storage URI of KServe (a modelcar) and "
        "an artifact URI for `dsl.importer`; `image` is a reference for an image volume of Kubernetes. KServe and "
        "KFP run the image with `sh`, so its base needs a shell. The image has no server and no entrypoint, and its "
        "user is 65532. "
        f"An equal model on an equal base gives an equal digest. {CACHING} {CREDENTIALS}"
    ),
    inputs=(
        Input("model", "artifact", "Model: a file or a folder."),
        Input("repository", "str", "Repository of the image, such as `registry.example.com/team/models`."),
        Input("base_image", "str", "Base image with a shell, by tag or digest.", default=BASE),
        Input(
            "file_name",
            "str",
            "Name in the image of a model of one file, such as `model.joblib`; the artifact's by default.",
            default="",
        ),
        PLATFORMS,
        INSECURE,
        CA,
    ),
    outputs=(
        Output("image", "str", "Reference of the image by digest."),
        Output("uri", "str", "URI of the image, `oci://` and its reference."),
    ),
    run=run,
    example=f'''\
model_image = load("building/model_image")


@dsl.component(base_image="python:3.12-slim")
def count(model: dsl.Input[dsl.Model]) -> int:
    """Reads the files of the image."""
    from pathlib import Path

    return len(list(Path(model.path).iterdir()))


@dsl.pipeline(name="model-image-example")
def example(source: str = "s3://bucket/model", repository: str = "registry.example.com/team/models"):
    """Puts a model into an image, and mounts the image into the next task."""
    model = dsl.importer(artifact_uri=source, artifact_class=dsl.Model)
    packed = model_image(model=model.output, repository=repository)
{MOUNT_LOGIN.format(task="packed")}\
    mounted = dsl.importer(artifact_uri=packed.outputs["uri"], artifact_class=dsl.Model)
    count(model=mounted.output)
''',
    needs=(SERVICE,),
    tags=("building", "model", "modelcar", "oci"),
)
