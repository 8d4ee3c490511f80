"""Learns to read handwritten digits, as an ordinary script; by_components.py makes an image of it in the cluster.

python samples/digits/learn.py --depth 10 --model model/model.joblib --metrics metrics.json
"""

import argparse
import json
from pathlib import Path

import joblib
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import train_test_split


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--share", type=float, default=0.25, help="share of the scans to judge by")
    parser.add_argument("--depth", type=int, default=10, help="greatest depth of a tree")
    parser.add_argument("--trees", type=int, default=100, help="number of trees")
    parser.add_argument("--model", type=Path, required=True, help="file that the model is written to")
    parser.add_argument("--metrics", type=Path, required=True, help="file that the accuracy is written to")
    arguments = parser.parse_args()
    scans = load_digits()
    known, unknown, known_digits, unknown_digits = train_test_split(
        scans.data, scans.target, test_size=arguments.share, random_state=0, stratify=scans.target
    )
    forest = RandomForestClassifier(n_estimators=arguments.trees, max_depth=arguments.depth, random_state=0)
    forest.fit(known, known_digits)
    accuracy = float(forest.score(unknown, unknown_digits))
    arguments.model.parent.mkdir(parents=True, exist_ok=True)
    joblib.dump(forest, arguments.model)
    arguments.metrics.write_text(json.dumps({"accuracy": accuracy}))
    print(f"{accuracy:.1%} of {len(unknown_digits)} scans read rightly")


if __name__ == "__main__":
    main()
