"""Starts processes that import it anew, and a Python of its own."""

import json
import multiprocessing
import subprocess
import sys

from helpers import WHERE


def square(number):
    return number * number, WHERE


if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        squares = pool.map(square, [1, 2, 3])
    other = subprocess.run([sys.executable, "-c", "print(1 + 1)"], capture_output=True, text=True, check=True)
    print(
        json.dumps(
            {"squares": [number for number, _ in squares], "where": squares[0][1], "other": other.stdout.strip()}
        )
    )
