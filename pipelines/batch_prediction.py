"""Predicts for many rows in shards side by side, and joins the answers into one checked file.

fairing-kfp run pipelines/batch_prediction.py -p rows=1000 -p shards=4
"""

import csv
import math
from pathlib import Path
from typing import NamedTuple

from curve import Curve, measure
from kfp import dsl
from pages import page

from fairing_kfp import fairing_component


class Numbered(NamedTuple):
    shard_numbers: list


class Joined(NamedTuple):
    row_count: int
    mean: float


@fairing_component
def prepare(rows: int, shards: int, rows_file: dsl.Output[dsl.Dataset], model: dsl.Output[dsl.Model]) -> Numbered:
    """Makes a model and the rows to predict for, numbered, and numbers the shards."""
    if not 1 <= shards <= rows:
        raise ValueError(f"{rows} rows cannot be split into {shards} shards: choose 1 to {rows}")
    Curve.fit(measure(80, seed=1, noise=0.2), degree=3, penalty=0.01).save(model.path)
    with Path(rows_file.path).open("w", newline="") as file:
        csv.writer(file).writerows(enumerate(x for x, _ in measure(rows, seed=7, noise=0)))
    return Numbered(list(range(shards)))


@fairing_component
def predict(
    shard: int,
    shards: int,
    rows_file: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    shard_predictions: dsl.Output[dsl.Dataset],
) -> None:
    """Predicts for the rows of one shard: every so many rows, from its number on."""
    curve = Curve.load(model.path)
    with Path(rows_file.path).open(newline="") as rows, Path(shard_predictions.path).open("w", newline="") as answers:
        writer = csv.writer(answers)
        for number, x in csv.reader(rows):
            if int(number) % shards == shard:
                writer.writerow((number, curve.at(float(x))))


@fairing_component
def join(
    rows_file: dsl.Input[dsl.Dataset],
    shard_predictions: dsl.Input[list[dsl.Dataset]],
    predictions: dsl.Output[dsl.Dataset],
    batch_metrics: dsl.Output[dsl.Metrics],
    batch_report: dsl.Output[dsl.HTML],
) -> Joined:
    """Joins the shards in the order of the rows; fails unless every row has exactly one finite prediction."""
    with Path(rows_file.path).open(newline="") as file:
        wanted = [int(number) for number, _ in csv.reader(file)]
    found: dict[int, float] = {}
    for part in shard_predictions:
        with Path(part.path).open(newline="") as file:
            for number, answer in csv.reader(file):
                if int(number) in found:
                    raise ValueError(f"row {number} has two predictions")
                found[int(number)] = float(answer)
    missing = sorted(set(wanted) - set(found))
    wrong = sorted(number for number, answer in found.items() if not math.isfinite(answer))
    if missing or wrong or len(found) != len(wanted):
        raise ValueError(
            f"{len(found)} predictions for {len(wanted)} rows: {len(missing)} are missing, such as those of rows "
            f"{missing[:5]}, and {len(wrong)} are no finite numbers"
        )
    with Path(predictions.path).open("w", newline="") as file:
        csv.writer(file).writerows((number, found[number]) for number in wanted)
    mean = sum(found.values()) / len(found)
    batch_metrics.log_metric("rows", len(wanted))
    batch_metrics.log_metric("mean", mean)
    verdict = f"All {len(wanted)} rows have one prediction"
    rows = (("shards", len(shard_predictions)), ("mean", mean), ("least", min(found.values())))
    Path(batch_report.path).write_text(page(verdict, ("", "value"), (*rows, ("largest", max(found.values())))))
    return Joined(len(wanted), mean)


@dsl.pipeline(name="batch-prediction", description="Predicts in shards side by side, and joins them.")
def batch_prediction(rows: int = 1000, shards: int = 4) -> int:
    prepared = prepare(rows=rows, shards=shards)
    inputs = {name: prepared.outputs[name] for name in ("rows_file", "model")}
    with dsl.ParallelFor(prepared.outputs["shard_numbers"]) as shard:
        predicted = predict(shard=shard, shards=shards, **inputs)
    joined = join(
        rows_file=prepared.outputs["rows_file"],
        shard_predictions=dsl.Collected(predicted.outputs["shard_predictions"]),
    )
    return joined.outputs["row_count"]
