"""Runs LightGBM in a step.

The author's side executes this text in a namespace of its own, so that its functions travel with the user's code.
"""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def local(path: str, mode: str) -> Iterator[str]:
    """A path on this machine for a file that may be remote; a file that is written is uploaded at the end."""
    if "://" not in path:
        yield path
        return
    import fsspec  # type: ignore[import-not-found]  # among the packages of the image

    with tempfile.TemporaryDirectory() as folder:
        place = os.path.join(folder, path.rpartition("/")[2])  # noqa: PTH118
        if mode == "r":
            fsspec.filesystem(path.partition("://")[0]).get(path, place)
        yield place
        if mode == "w":
            fsspec.filesystem(path.partition("://")[0]).put(place, path)


def boost(parameters: dict[str, Any], files: dict[str, Any]) -> bytes | None:
    """Trains a model, or predicts with one.

    Args:
        parameters: LightGBM's parameters, without files.
        files: `task`, and the paths of `data` (for each node with a partition of its own, or a single one), `valid`,
            `input_model` and `output`.

    Returns:
        What is written to `output` if that is not remote: the model, or the predictions as text.
    """
    import lightgbm  # type: ignore[import-not-found]  # among the packages of the image

    from fairing_kfp import distributed

    rank = distributed.rank()
    data = files["data"][rank % len(files["data"])]
    with contextlib.ExitStack() as stack:
        source = stack.enter_context(local(data, "r"))
        if files["task"] != "train":
            model = stack.enter_context(local(files["input_model"], "r"))
            predicted = lightgbm.Booster(model_file=model).predict(source, **parameters)
            rows = (row if hasattr(row, "__len__") else [row] for row in predicted)
            text = "".join("\t".join(map(str, row)) + "\n" for row in rows)
        else:
            learner = str(parameters.pop("tree_learner", "data"))
            shared = {**parameters, **distributed.lightgbm_parameters(learner)}
            if shared.get("tree_learner") == "feature":  # which only LightGBM's program has
                shared["tree_learner"] = "data"  # as pre_partition is false, each node takes its share of the file
            train = lightgbm.Dataset(source, params=shared)
            valid = [train.create_valid(stack.enter_context(local(one, "r"))) for one in files["valid"]]
            begin = stack.enter_context(local(files["input_model"], "r")) if files["input_model"] else None
            callbacks = [lightgbm.log_evaluation(int(parameters.get("metric_freq", 1)))] if valid else []
            model = lightgbm.train(shared, train, valid_sets=valid, init_model=begin, callbacks=callbacks)
            text = model.model_to_string()
        if rank:
            return None
        if "://" not in files["output"]:
            return text.encode()
        place = stack.enter_context(local(files["output"], "w"))
        with open(place, "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(text)
    return None
