"""Arguments that only running it would tell."""

import argparse
import json

parser = argparse.ArgumentParser()
for name in ("alpha", "beta"):
    parser.add_argument(f"--{name}", type=float, default=1.0)
parser.add_argument("--depth", type=int, default=len("12345678"))
print(json.dumps(vars(parser.parse_args())))
