"""Ends in the way that it is told."""

import argparse
import os
import signal
import sys

parser = argparse.ArgumentParser()
parser.add_argument("--how", required=True, choices=["exit", "raise", "kill", "forget", "scribble", "words"])
parser.add_argument("--number")
how = parser.parse_args().how
print("before the end")
if how == "exit":
    sys.exit(7)
if how == "raise":
    raise ValueError("as it was told")
if how == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
if how == "scribble":
    with open(parser.parse_args().number, "w") as file:
        file.write("many")
if how == "words":
    sys.exit("no more scans")
