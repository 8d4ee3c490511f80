"""Sub-commands, one of which a step runs."""

import argparse
import json

parser = argparse.ArgumentParser()
parser.add_argument("--debug", action="store_true")
commands = parser.add_subparsers(dest="command", required=True)
train = commands.add_parser("train", help="learn")
train.add_argument("--depth", type=int, default=8)
train.add_argument("scans")
judge = commands.add_parser("judge")
judge.add_argument("--limit", type=float, required=True)
print(json.dumps(vars(parser.parse_args())))
