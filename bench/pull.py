"""A node's pull of an image with scikit-learn: gzip and zstd, several layers and one for all packages."""

from __future__ import annotations

from functools import partial
from unittest import mock

import fairing_kfp
from bench.measure import Cost, MissingError, Stages, Table, take_turns
from bench.node import Node, node
from bench.services import Workplace, own_layers, workplace
from bench.start import forest_imported, pipeline_of, silence
from fairing_kfp import fairing_component
from fairing_kfp.cache.store import Cache
from fairing_kfp.dependencies import layers
from fairing_kfp.errors import FairingError
from fairing_kfp.image.layer import Compression

ROUNDS = 3

_PACKAGES = ["scikit-learn==1.7.2"]
_VARIANTS: dict[str, tuple[Compression, int]] = {
    "gzip, a layer for each large package": ("gzip", layers.MAX_OWN_LAYERS),
    "zstd, likewise": ("zstd", layers.MAX_OWN_LAYERS),
    "gzip, one layer": ("gzip", 0),
    "zstd, one layer": ("zstd", 0),
}
_NOTE = (
    "An image of a step with scikit-learn, numpy, scipy and byte code, which the kubelet pulls from a registry on the "
    "same machine, so that it mostly unpacks; the node has the base image. In seconds that the kubelet reports, with "
    "containerd {containerd}, which decompresses gzip itself unless `unpigz` is on its PATH. Our layers: "
    "{sizes}."
)


def measure() -> list[Table]:
    """Compares compressions and numbers of layers.

    Raises:
        MissingError: this machine has no cluster, or scikit-learn cannot be fetched.
    """
    with workplace() as work, node(work.base) as there, silence():
        images = {name: _pushed(work, *variant) for name, variant in _VARIANTS.items()}
        runs = take_turns(ROUNDS, {name: partial(pulled, there, image) for name, image in images.items()})
        sizes = "; ".join(f"{name}: {own_layers(image, work.base)}" for name, image in images.items())
        containerd = there.containerd
    default, *others = _VARIANTS
    tables = [Table(default, other, (runs.row("scikit-learn", default, other, "pull"),)) for other in others]
    return [*tables[:-1], Table(default, others[-1], tables[-1].rows, _NOTE.format(containerd=containerd, sizes=sizes))]


def pulled(there: Node, image: str) -> Stages:
    """A pull of an image that the node does not have."""
    return {"pull": Cost(there.pull(image))}


def _pushed(work: Workplace, compression: Compression, own_layers: int) -> str:
    name = work.fresh("pull")
    pipeline = pipeline_of(fairing_component(packages=_PACKAGES)(forest_imported))
    with mock.patch.object(layers, "MAX_OWN_LAYERS", own_layers):
        try:
            compiled = fairing_kfp.compile(
                pipeline,
                registry=f"{work.registry.host}/{name}",
                base_image=work.base,
                cache=Cache(work.folder / "cache"),
                lock=str(work.folder / "fairing.lock"),
                compression=compression,
            )
        except FairingError as error:
            raise MissingError(error.message) from error
    (image,) = compiled.images.values()
    return image
