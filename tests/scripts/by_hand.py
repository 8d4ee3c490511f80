"""Reads its command line by hand."""

import json
import sys

words = sys.argv[1:]
depth = int(words[words.index("--depth") + 1])
print(json.dumps({"depth": depth, "fast": "--fast" in words, "first": words[-1], "name": sys.argv[0].split("/")[-1]}))
