"""The files that start a step: `function.pickle`, `step.json`, its own modules and its source texts.

`fairing_kfp.runtime.step` reads them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fairing_kfp.image.layer import File
from fairing_kfp.preprocess.files.read import read_files
from fairing_kfp.preprocess.image_paths import CODE, PICKLE
from fairing_kfp.preprocess.modules.metadata import own_metadata
from fairing_kfp.preprocess.source import AUTHORS_PYTHON

if TYPE_CHECKING:
    from fairing_kfp.preprocess.pickle.context import Packing


def step_files(
    name: str,
    function: Any,
    annotations: Mapping[str, Any],
    packing: Packing,
    *,
    files: Mapping[str, bytes] | None = None,
    embedded: str | None = None,
    serve: Mapping[str, str] | None = None,
) -> tuple[File, ...]:
    """Pickles what a step or a server runs, and describes it.

    Args:
        name: the component's name.
        function: a callable, or a predictor's class.
        annotations: its resolved type hints.
        packing: the context of the pickle; own modules added to it are packed, too.
        files: further files of the step's code folder, by their places in it.
        embedded: the name of an embedded file, see `dsl.EmbeddedInput`.
        serve: the inputs of a predictor's methods, by method.

    Returns:
        The files in order of their paths.

    Raises:
        CaptureError: a captured value cannot be pickled, or not deterministically.
        PackError: an own module cannot be read.
    """
    from fairing_kfp.preprocess.pickle.pickler import dumps  # cloudpickle: loaded by packing, not by declaring

    pickled = dumps({"function": function, "annotations": dict(annotations)}, packing)
    step: dict[str, Any] = {
        "name": name,
        "python": list(AUTHORS_PYTHON),
        "packed_modules": sorted(packing.packed),
        "embedded": embedded,
    }
    if serve is not None:
        step["serve"] = dict(serve)
    contents = {
        PICKLE: pickled,
        **{place: text.encode() for place, text in packing.sources.texts.items()},
        **(files or {}),
        "step.json": json.dumps(step, sort_keys=True).encode(),
    }
    # An executable own module is an ordinary file in a step.
    own = packing.modules.files
    modules = [File(file.path, file.data) for file in read_files(own, f"{CODE}/modules")]
    about = own_metadata(own.values(), packing.modules.foreign)
    contents.update({f"modules/{place}": data for place, data in about.items()})
    return tuple(
        sorted([*modules, *(File(f"{CODE}/{place}", data) for place, data in contents.items())], key=lambda f: f.path)
    )
