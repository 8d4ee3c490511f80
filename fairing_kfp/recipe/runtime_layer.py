"""The runtime layer: our own runtime, cloudpickle, and the part of kfp that its executor imports.

Its content depends on the packing format only, and on the Python minor version, for which it has byte code: all steps
of one minor version share one layer.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from fairing_kfp.image.layer import File, Layer
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.preprocess.image_paths import ROOT
from fairing_kfp.recipe import license_texts
from fairing_kfp.recipe.layer_record import recorded_layer
from fairing_kfp.recipe.packing_format import LOCK, installed_folder, package_folder

_OURS = Path(__file__).parent.parent / "runtime"
_PACKING = (_OURS.parent / "recipe", _OURS.parent / "layers", _OURS.parent / "dependencies")
"""The folders of the code that packs and compiles the files."""
_PACKAGES = ("kfp", "cloudpickle")
_EXECUTOR = (
    "kfp/__init__.py",
    "kfp/dsl/__init__.py",
    "kfp/dsl/constants.py",
    "kfp/dsl/executor.py",
    "kfp/dsl/notebook_helpers.py",
    "kfp/dsl/task_config.py",
    "kfp/dsl/task_final_status.py",
    "kfp/dsl/types/__init__.py",
    "kfp/dsl/types/artifact_types.py",
    "kfp/dsl/types/type_annotations.py",
    "kfp/dsl/types/type_utils.py",
    "kfp/version.py",
)
"""The modules that kfp's executor imports if `_KFP_RUNTIME` is set, in the release of kfp of this packing format."""
_making = threading.Lock()
_PLACED_SEPARATELY = ("step.py", "stand_in.py")
_STAND_IN_MODULES = ("distributed.py", "record.py")


def runtime_layer() -> Layer:
    """The layer that all images share, made once.

    Raises:
        DependencyError: the files of kfp or cloudpickle cannot be fetched, or byte code cannot be compiled.
        CacheError: the cache cannot be written.
    """
    with _making:
        return _runtime_layer()


def make_runtime_layer_ahead() -> None:
    """Begins to make the layer in a thread. The first time, its byte code is compiled by another process meanwhile."""

    def make() -> None:
        with contextlib.suppress(Exception):  # raised again to who asks for the layer
            runtime_layer()

    threading.Thread(target=make, name="fairing-kfp-runtime-layer", daemon=True).start()


@cache
def _runtime_layer() -> Layer:
    places = (_OURS, *map(installed_folder, _PACKAGES))
    return recorded_layer("runtime", " ".join([*map(str, places), sys.version]), _layer_with_byte_code, _sources)


def _layer_with_byte_code() -> Layer:
    from fairing_kfp.recipe.byte_code import byte_code

    files = runtime_files()
    return layer_of_files("runtime", (*files, *byte_code(files, "runtime")))


def _sources() -> Iterable[Path]:
    """The files that decide the layer's content: those in it, and the code that packs them."""
    folders = [_OURS, _OURS / "child", license_texts.FOLDER]
    ours = [path for folder in (*folders, *_PACKING) for path in folder.iterdir() if path.is_file()]
    kfp = [package_folder("kfp").parent / place for place in _EXECUTOR]
    return {*folders, *ours, *kfp, package_folder("cloudpickle") / "cloudpickle.py", LOCK}


@cache
def local_runtime_layer() -> Layer:
    """The same without byte code, for runs on this machine: Python keeps it outside of the folders that they share.

    Raises:
        DependencyError, CacheError: as for `runtime_files`.
    """
    return layer_of_files("runtime", runtime_files())


@cache
def runtime_files() -> tuple[File, ...]:
    """The files of the runtime layer without byte code, at their paths in the image.

    Raises:
        DependencyError: the files of kfp or cloudpickle cannot be fetched.
        CacheError: the cache cannot be written.
    """
    files = notebook_runtime_files()
    files["step.py"] = (_OURS / "step.py").read_bytes()
    files["child/sitecustomize.py"] = (_OURS / "child" / "sitecustomize.py").read_bytes()
    files["fairing_runtime/cloudpickle.py"] = (package_folder("cloudpickle") / "cloudpickle.py").read_bytes()
    files.update(license_texts.license_texts("cloudpickle", "fairing-kfp", "kfp"))
    kfp = package_folder("kfp").parent
    files.update({f"private/{place}": (kfp / place).read_bytes() for place in _EXECUTOR})
    return tuple(File(f"{ROOT}/runtime/{place}", files[place]) for place in sorted(files))


def notebook_runtime_files() -> dict[str, bytes]:
    """The part of the runtime that runs notebooks, without kfp and cloudpickle, by path in the folder `runtime`."""
    modules = [path for path in _OURS.glob("*.py") if path.name not in _PLACED_SEPARATELY]
    files = {f"fairing_runtime/{path.name}": path.read_bytes() for path in modules}
    files["stand_in/fairing_kfp/__init__.py"] = (_OURS / "stand_in.py").read_bytes()
    for name in _STAND_IN_MODULES:
        files[f"stand_in/fairing_kfp/{name}"] = (_OURS / name).read_bytes()
    return files
