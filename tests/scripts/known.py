"""Takes what it knows, and leaves the rest."""

import argparse
import json

parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("--depth", type=int, default=8)
known, rest = parser.parse_known_args()
print(json.dumps({"depth": known.depth, "rest": rest}))
