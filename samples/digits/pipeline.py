"""Reads 1,797 real scans of handwritten digits, trains a classifier on some, judges it by the others, and serves it.

fairing-kfp run samples/digits/pipeline.py -p depth=8
"""

import base64
import io
import json
import pickle
import urllib.request
from pathlib import Path
from typing import NamedTuple

from kfp import dsl
from scans import Scans

from fairing_kfp import OUTPUT, fairing_component, serve

SKLEARN = ["scikit-learn==1.7.*"]
NAMES = [str(digit) for digit in range(10)]


class Counts(NamedTuple):
    known: int
    unknown: int


@fairing_component(packages=SKLEARN)
def load(share: float, train: dsl.Output[dsl.Dataset] = OUTPUT, test: dsl.Output[dsl.Dataset] = OUTPUT) -> Counts:
    """Splits the scans that scikit-learn brings into those to learn from and those to judge by."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    scans = load_digits()
    parts = train_test_split(scans.data, scans.target, test_size=share, random_state=0, stratify=scans.target)
    known, unknown, known_digits, unknown_digits = (part.tolist() for part in parts)
    Scans(known, known_digits).save(train.path)
    Scans(unknown, unknown_digits).save(test.path)
    return Counts(len(known), len(unknown))


@fairing_component(packages=SKLEARN)
def train(scans: dsl.Input[dsl.Dataset], depth: int, trees: int, model: dsl.Output[dsl.Model] = OUTPUT):
    """Learns a random forest."""
    from sklearn.ensemble import RandomForestClassifier

    known = Scans.load(scans.path)
    forest = RandomForestClassifier(n_estimators=trees, max_depth=depth, random_state=0)
    forest.fit(known.pixels, known.digits)
    Path(model.path).write_bytes(pickle.dumps(forest))
    model.metadata["framework"] = "scikit-learn"
    print(f"learned {trees} trees from {len(known.digits)} scans")


@fairing_component(packages=[*SKLEARN, "matplotlib==3.10.*"])
def evaluate(
    scans: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    metrics: dsl.Output[dsl.Metrics] = OUTPUT,
    confusion: dsl.Output[dsl.ClassificationMetrics] = OUTPUT,
    report: dsl.Output[dsl.HTML] = OUTPUT,
) -> float:
    """Judges the model: accuracy, a confusion matrix, and a page that shows it."""
    from sklearn.metrics import accuracy_score, confusion_matrix

    unknown = Scans.load(scans.path)
    forest = pickle.loads(Path(model.path).read_bytes())
    guesses = forest.predict(unknown.pixels)
    accuracy = float(accuracy_score(unknown.digits, guesses))
    matrix = confusion_matrix(unknown.digits, guesses)
    metrics.log_metric("accuracy", accuracy)
    confusion.log_confusion_matrix(NAMES, matrix.tolist())
    Path(report.path).write_text(page(accuracy, matrix))
    return accuracy


def page(accuracy: float, matrix) -> str:
    """The report: one file that needs no other."""
    from matplotlib.figure import Figure
    from sklearn.metrics import ConfusionMatrixDisplay

    figure = Figure(figsize=(6, 6))
    ConfusionMatrixDisplay(matrix, display_labels=NAMES).plot(ax=figure.subplots(), colorbar=False)
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    data = base64.b64encode(picture.getvalue()).decode()
    return (
        "<!doctype html><meta charset=utf-8><title>Digits</title>"
        f"<h1>{accuracy:.1%} of {matrix.sum()} scans read rightly</h1>"
        f'<img alt="Confusion matrix" src="data:image/png;base64,{data}">'
    )


@fairing_component(packages=SKLEARN)
class Digits:
    """Reads scans: 64 numbers from 0 to 16 each, row by row."""

    def load(self, model_path: str) -> None:
        self.forest = pickle.loads(Path(model_path).read_bytes())

    def predict(self, instances: list) -> list:
        return self.forest.predict(instances).tolist()


@fairing_component
def predict(scans: dsl.Input[dsl.Dataset], endpoint: str) -> float:
    """Asks what is served for some scans, and gives the share that it reads rightly."""
    some = Scans.load(scans.path)
    body = json.dumps({"instances": some.pixels[:20]}).encode()
    with urllib.request.urlopen(f"{endpoint}/v1/models/digits:predict", body) as answer:
        read = json.load(answer)["predictions"]
    print("read  ", *read)
    print("really", *some.digits[:20])
    return sum(map(int.__eq__, read, some.digits[:20])) / len(read)


@dsl.pipeline(name="digits", description="Learns to read handwritten digits, and serves what it learned.")
def digits(share: float = 0.25, depth: int = 10, trees: int = 100) -> float:
    scans = load(share=share)
    trained = train(scans=scans.outputs["train"], depth=depth, trees=trees)
    judged = evaluate(scans=scans.outputs["test"], model=trained.outputs["model"])
    served = serve(Digits, name="digits", model=trained.outputs["model"], sample=[[0] * 64]).after(judged)
    predict(scans=scans.outputs["test"], endpoint=served.outputs["endpoint"])
    return judged.outputs["Output"]
