"""Groups, parents, and parsers that functions are given."""

import argparse
import json


def add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, default=1)


def make_parser() -> argparse.ArgumentParser:
    base = argparse.ArgumentParser(add_help=False)
    base.add_argument("--host", default="localhost")
    parser = argparse.ArgumentParser(parents=[base], formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    group = parser.add_argument_group("learning")
    group.add_argument("--rate", type=float, default=0.1)
    one_of = parser.add_mutually_exclusive_group()
    one_of.add_argument("--steps", type=int)
    one_of.add_argument("--hours", type=float)
    add_common(parser)
    parser.set_defaults(rate=0.2)
    return parser


if __name__ == "__main__":
    print(json.dumps(vars(make_parser().parse_args())))
