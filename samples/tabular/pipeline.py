"""Predicts from a table which customers leave, and reports how well that works and what it depends on.

fairing-kfp run samples/tabular/pipeline.py -p trees=200
"""

import html
import io
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kfp import dsl

from fairing_kfp import OUTPUT, fairing_component

if TYPE_CHECKING:
    import pandas

TABLE = ["pandas==2.*", "scikit-learn==1.7.*"]
CUSTOMERS = Path(__file__).with_name("customers.csv").read_text(encoding="utf-8")  # small, so it is packed with `load`


class Counts(NamedTuple):
    known: int
    unknown: int


@fairing_component(packages=TABLE)
def load(share: float, train: dsl.Output[dsl.Dataset] = OUTPUT, test: dsl.Output[dsl.Dataset] = OUTPUT) -> Counts:
    """Splits the table into customers to learn from and customers to judge by."""
    import pandas
    from sklearn.model_selection import train_test_split

    customers = pandas.get_dummies(pandas.read_csv(io.StringIO(CUSTOMERS)), columns=["plan"])
    known, unknown = train_test_split(customers, test_size=share, random_state=0, stratify=customers["left"])
    known.to_csv(train.path, index=False)
    unknown.to_csv(test.path, index=False)
    return Counts(len(known), len(unknown))


@fairing_component(packages=TABLE)
def train(customers: dsl.Input[dsl.Dataset], trees: int, model: dsl.Output[dsl.Model] = OUTPUT) -> None:
    """Boosts trees."""
    from sklearn.ensemble import GradientBoostingClassifier

    columns, left = read(customers.path)
    booster = GradientBoostingClassifier(n_estimators=trees, learning_rate=0.05, max_depth=2, random_state=0)
    Path(model.path).write_bytes(pickle.dumps(booster.fit(columns, left)))


@fairing_component(packages=TABLE)
def evaluate(
    customers: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    metrics: dsl.Output[dsl.Metrics] = OUTPUT,
    curve: dsl.Output[dsl.ClassificationMetrics] = OUTPUT,
    report: dsl.Output[dsl.HTML] = OUTPUT,
) -> float:
    """Judges the model by customers that it has not seen: a ROC curve, and a report of what it depends on."""
    from sklearn.inspection import permutation_importance
    from sklearn.metrics import roc_auc_score, roc_curve

    columns, left = read(customers.path)
    booster = pickle.loads(Path(model.path).read_bytes())
    risks = booster.predict_proba(columns)[:, 1]
    area = float(roc_auc_score(left, risks))
    false, true, thresholds = roc_curve(left, risks)
    curve.log_roc_curve(false.tolist(), true.tolist(), [min(one, 1.0) for one in thresholds.tolist()])
    metrics.log_metric("area_under_curve", area)
    shuffled = permutation_importance(booster, columns, left, scoring="roc_auc", n_repeats=5, random_state=0)
    weights = dict(zip(columns.columns, shuffled.importances_mean.tolist(), strict=True))
    Path(report.path).write_text(page(area, len(left), weights), encoding="utf-8")
    return area


def read(path: str) -> tuple["pandas.DataFrame", "pandas.Series"]:
    """The columns to learn from, and whether each customer left."""
    import pandas

    table = pandas.read_csv(path)
    left = table.pop("left")
    return table, left


def page(area: float, customers: int, weights: dict[str, float]) -> str:
    """The report: one file that needs no other."""
    widest = max(*weights.values(), 1e-9)
    bars = "".join(
        f"<tr><td>{html.escape(name)}<td>{weight:.3f}"
        f"<td><div style='background:steelblue;height:1em;width:{max(weight, 0) / widest * 20:.1f}em'></div>"
        for name, weight in sorted(weights.items(), key=lambda each: -each[1])
    )
    return (
        "<!doctype html><meta charset=utf-8><title>Customers who leave</title>"
        f"<h1>Area under the ROC curve: {area:.2f}</h1><p>{customers} customers that the model has not seen."
        f"<h2>What it depends on</h2><p>How far the area falls if a column is shuffled.<table>{bars}</table>"
    )


@dsl.pipeline(name="customers", description="Predicts which customers leave.")
def customers(share: float = 0.3, trees: int = 100) -> float:
    tables = load(share=share)
    trained = train(customers=tables.outputs["train"], trees=trees)
    return evaluate(customers=tables.outputs["test"], model=trained.outputs["model"]).outputs["Output"]
