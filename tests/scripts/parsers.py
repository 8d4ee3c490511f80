import argparse


def parse():
    parser = argparse.ArgumentParser()
    parser.add_argument("--depth", type=int, default=8)
    parser.add_argument("--force", action="store_true")
    return parser.parse_args()
