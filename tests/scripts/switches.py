"""Flags without values."""

import argparse
import json

parser = argparse.ArgumentParser()
parser.add_argument("--shuffle", action="store_true", help="mix the scans")
parser.add_argument("--no-cache", dest="cache", action="store_false")
parser.add_argument("--progress", action=argparse.BooleanOptionalAction, default=True)
parser.add_argument("--warm", dest="warm", action="store_true", default=True)
parser.add_argument("--cold", dest="warm", action="store_false")
parser.add_argument("-v", "--verbose", action="count", default=0)
parser.add_argument("--lambda", type=float, default=1.0)
print(json.dumps(vars(parser.parse_args())))
