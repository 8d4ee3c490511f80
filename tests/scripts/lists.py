"""Arguments that take several values."""

import argparse
import json

parser = argparse.ArgumentParser()
parser.add_argument("--tag", action="append", help="may be given again")
parser.add_argument("--sizes", nargs="+", type=int, default=[8, 8])
parser.add_argument("--more", nargs="*", default=["x"])
parser.add_argument("--names", action="extend", nargs="+")
parser.add_argument("--nothing", nargs="+", default=[])
parser.add_argument("files", nargs="+")
print(json.dumps(vars(parser.parse_args())))
