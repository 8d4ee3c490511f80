"""Sorts messages to a help desk by topic, lists those that it gets wrong, and has a predictor to serve.

fairing-kfp run samples/text/pipeline.py -p smoothing=0.5
fairing-kfp serve samples/text/pipeline.py:Topics --model local_outputs/…/train/model
"""

import csv
import io
import pickle
from collections.abc import Sequence
from pathlib import Path

from kfp import dsl

from fairing_kfp import OUTPUT, fairing_component

SKLEARN = ["scikit-learn==1.7.*"]
MESSAGES = Path(__file__).with_name("messages.csv").read_text(encoding="utf-8")  # small, so it is packed with `split`


@fairing_component
def split(every: int, train: dsl.Output[dsl.Dataset] = OUTPUT, test: dsl.Output[dsl.Dataset] = OUTPUT) -> None:
    """Keeps each so many-th message to judge by, and the others to learn from."""
    rows = list(csv.reader(io.StringIO(MESSAGES)))[1:]
    write(train.path, [row for number, row in enumerate(rows) if number % every])
    write(test.path, rows[::every])


@fairing_component(packages=SKLEARN)
def train(messages: dsl.Input[dsl.Dataset], smoothing: float, model: dsl.Output[dsl.Model] = OUTPUT) -> None:
    """Learns which parts of words belong to which topic."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    texts, topics = read(messages.path)
    parts = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    Path(model.path).write_bytes(pickle.dumps(make_pipeline(parts, MultinomialNB(alpha=smoothing)).fit(texts, topics)))


@fairing_component(packages=SKLEARN)
def evaluate(
    messages: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    confusion: dsl.Output[dsl.ClassificationMetrics] = OUTPUT,
    mistakes: dsl.Output[dsl.Markdown] = OUTPUT,
) -> float:
    """Judges by messages that the model has not seen: a confusion matrix, and a list of mistakes."""
    from sklearn.metrics import accuracy_score, confusion_matrix

    texts, topics = read(messages.path)
    guesses = pickle.loads(Path(model.path).read_bytes()).predict(texts).tolist()
    names = sorted(set(topics))
    confusion.log_confusion_matrix(names, confusion_matrix(topics, guesses, labels=names).tolist())
    wrong = [row for row in zip(texts, topics, guesses, strict=True) if row[1] != row[2]]
    lines = ["| message | topic | guess |", "| --- | --- | --- |", *(f"| {' | '.join(row)} |" for row in wrong)]
    Path(mistakes.path).write_text("\n".join(lines), encoding="utf-8")
    return float(accuracy_score(topics, guesses))


@fairing_component(packages=SKLEARN)
class Topics:
    """Gives the topic of each message."""

    def load(self, model_path: str) -> None:
        self.model = pickle.loads(Path(model_path).read_bytes())

    def predict(self, instances: list[str]) -> list[str]:
        return self.model.predict(instances).tolist()


def read(path: str) -> tuple[list[str], list[str]]:
    """The messages of a table, and their topics."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    return [message for message, _ in rows], [topic for _, topic in rows]


def write(path: str, rows: Sequence[Sequence[str]]) -> None:
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


@dsl.pipeline(name="topics", description="Sorts messages by topic.")
def topics(every: int = 4, smoothing: float = 0.3) -> float:
    messages = split(every=every)
    trained = train(messages=messages.outputs["train"], smoothing=smoothing)
    return evaluate(messages=messages.outputs["test"], model=trained.outputs["model"]).outputs["Output"]
