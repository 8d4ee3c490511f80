"""Writes files beside it, an artifact that is a folder, and numbers."""

import argparse
import json
import os
from pathlib import Path

parser = argparse.ArgumentParser()
parser.add_argument("--model", required=True)
parser.add_argument("--accuracy", required=True)
parser.add_argument("--scans", type=Path)
arguments = parser.parse_args()
Path("conf/made.txt").write_text("made")
Path(__file__).with_name("cache.txt").write_text("cached")
os.makedirs(arguments.model)
(Path(arguments.model) / "weights.txt").write_text("0.5")
Path(arguments.accuracy).write_text("0.75\n")
print(json.dumps({"files": sorted(path.name for path in Path().iterdir())}))
