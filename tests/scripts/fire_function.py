"""A function that fire runs."""

import json

import fire


def learn(scans, depth: int = 8, words=("a",), title: str = "none", settings: dict | None = None, *, fast=False):
    found = {"scans": scans, "depth": depth, "words": list(words), "title": title, "settings": settings, "fast": fast}
    print(json.dumps(found))


if __name__ == "__main__":
    fire.Fire(learn)
