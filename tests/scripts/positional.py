"""Positional arguments, choices, numbers and lists of words."""

import argparse
import json

RATE = 0.5


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("scans", help="where the scans are")
    parser.add_argument("classes", type=int, nargs=2, help="the smallest and the largest class")
    parser.add_argument("--kind", choices=["forest", "line"], default="forest", help="what is learned")
    parser.add_argument("--rate", "-r", type=float, default=RATE)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--version", action="version", version="1")
    print(json.dumps(vars(parser.parse_args())))


if __name__ == "__main__":
    main()
