"""Writes into the folder of an output, which it does not make."""

import argparse
import json
import os

parser = argparse.ArgumentParser()
parser.add_argument("--model-dir", required=True)
parser.add_argument("--extra")
args = parser.parse_args()
with open(os.path.join(args.model_dir, "m.txt"), "w") as file:
    file.write("0.5")
with open(f"{args.extra}/m.txt", "w") as file:
    file.write("0.5")
print(json.dumps({"files": os.listdir(args.model_dir)}))
