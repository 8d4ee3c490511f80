"""Images of a pipeline in a notebook: what is compiled, and which layers are shared and which are new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import yaml

from fairing_kfp.display.html import Html, element, folded, fragment, joined, shortened, table, title
from fairing_kfp.display.size import format_size
from fairing_kfp.pipeline.pipeline_html import document_parts

if TYPE_CHECKING:
    from pathlib import Path

    from fairing_kfp.builders.builder import Plan
    from fairing_kfp.recipe.image_recipe import ImageRecipe

    Explained = tuple[ImageRecipe, Plan | None]

_MOST_YAML = 100_000  # characters; those of larger pipelines are neither parsed nor shown
_MOST_IMAGES = 100
_DIGEST = 19  # characters of `sha256:` and 12 digits
_STATES = {
    "exists": "exists",
    "mount": "mounted from another repository",
    "send": "new: to be sent",
    "write": "new: to be written",
    "pull": "to be pulled",
    "build": "to be built",
}


def compiled_html(
    text: str, images: Mapping[str, str], warnings: Sequence[str], planned: Collection[str], lock: Path | None
) -> str:
    """A compiled pipeline in a notebook; the arguments are the attributes of `Compiled`."""
    rows = [
        (element("b", name), element("code", _short(reference)), "planned" if name in planned else "")
        for name, reference in images.items()
    ]
    notes = [element("div", joined((element("span", "warning: ", "bad"), one))) for one in warnings]
    if lock:
        notes.append(element("div", joined(("the lock file ", element("code", lock), " was changed"))))
    is_small = len(text) <= _MOST_YAML
    document: Mapping[str, Any] = next(yaml.safe_load_all(text)) if is_small else {}
    return fragment(
        title(document.get("pipelineInfo", {}).get("name", ""), "compiled pipeline"),
        *(document_parts(document) if document else ()),
        table(["component", "image", ""], rows[:_MOST_IMAGES]),
        _further(len(rows)),
        *notes,
        folded(f"YAML, {format_size(len(text))}", element("pre", text) if is_small else ""),
    )


def images_html(images: Sequence[Explained]) -> str:
    """The images of a pipeline in a notebook.

    Args:
        images: recipe and plan of each; layers that several of them have are marked as shared.
    """
    counts = Counter(digest for one in images for digest in {digest for _, digest, *_ in _layers(one)})
    return fragment(*(_image(one, counts) for one in images[:_MOST_IMAGES]), _further(len(images)))


def _further(count: int) -> Html:
    return element("div", f"and {count - _MOST_IMAGES} further images" if count > _MOST_IMAGES else "", "muted")


def _image(one: Explained, counts: Mapping[str, int]) -> Html:
    recipe, plan = one
    rows = []
    for name, digest, size, state in _layers(one):
        pins = recipe.packages_by_layer.get(digest, ())
        shared = f"shared by {counts[digest]} images" if counts[digest] > 1 else ""
        packages = folded(f"{len(pins)} packages", joined(pins, ", ")) if len(pins) > 1 else joined(set(pins) - {name})
        rows.append((name, element("code", digest[:_DIGEST]), format_size(size), state, shared, packages))
    files = [
        (element("code", f"/{file.path}"), format_size(len(file.data)))
        for file in (*recipe.bundle.placed, *recipe.bundle.files)
    ]
    about = f"on {_short(plan.base) if plan else recipe.image.images[0].base}"
    push = (
        "" if plan is None else "exists: nothing is sent" if plan.exists else f"{format_size(plan.bytes_to_send)} new"
    )
    return joined(
        (
            title(recipe.name, "image", joined((about, push), ", ") if push else about),
            table(["layer", "digest", "size", "state", "shared", "packages"], rows),
            folded(f"{len(files)} files", table([], files) if files else ""),
            *(element("div", joined((element("span", "warning: ", "bad"), text))) for text in recipe.bundle.warnings),
        )
    )


def _layers(one: Explained) -> list[tuple[str, str, int, str]]:
    """Names, digests, sizes and states of the layers; without a plan those that are added to the base image."""
    recipe, plan = one
    if plan:
        return [(layer.name, layer.digest, layer.size, _STATES[layer.state]) for layer in plan.layers]
    found = {layer.digest: layer for image in recipe.image.images for layer in image.layers}
    return [(layer.name, layer.digest, layer.size, "") for layer in found.values()]


def _short(reference: str) -> str:
    """A reference with the first digits of its digest."""
    name, at, digest = reference.partition("@")
    return f"{name}{at}{shortened(digest, _DIGEST + 1)}"
