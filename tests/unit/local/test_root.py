"""The unpacked root of a run in this interpreter."""

from __future__ import annotations

from fairing_kfp.cache.store import Cache
from fairing_kfp.image.layer import File
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.local.root import root_digest, unpack_root


def test_a_damaged_root_is_unpacked_again(cache: Cache) -> None:
    layers = [layer_of_files("code", [File("opt/fairing/code/step.py", b"right")])]
    code = unpack_root(layers, {}, root_digest(layers, "", {}), cache) / "code"
    (code / "step.py").unlink()
    unpack_root(layers, {}, root_digest(layers, "", {}), cache)
    assert (code / "step.py").read_bytes() == b"right"
