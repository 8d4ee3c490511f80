"""Types of every kind, and values that look like flags."""

import argparse
import json
import os
from pathlib import Path


def str2bool(text):
    return text.lower() in ("yes", "true", "1")


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is not positive")
    return number


parser = argparse.ArgumentParser()
parser.add_argument("--folder", type=Path, default=Path("models"))
parser.add_argument("--settings", type=json.loads, default="{}")
parser.add_argument("--points", type=json.loads, default="[]")
parser.add_argument("--strict", type=bool, default=True)
parser.add_argument("--fair", type=str2bool, default=False)
parser.add_argument("--epochs", type=positive, required=True)
parser.add_argument("--words", type=lambda text: text.split(","), default=["a"])
parser.add_argument("--offset", type=float, default=0.0)
parser.add_argument("--title", default="none")
parser.add_argument("--workers", type=int, default=os.cpu_count())
parser.add_argument("--trees", default=100)
found = vars(parser.parse_args())
print(json.dumps({**found, "folder": str(found["folder"]), "workers": type(found["workers"]).__name__}))
