import argparse
import json
import sys

from . import inner
from .inner.deep import double

parser = argparse.ArgumentParser()
parser.add_argument("--depth", type=int, default=8)
depth = parser.parse_args().depth
print(
    json.dumps(
        {
            "doubled": double(depth),
            "package": __package__,
            "inner": inner.NAME,
            "main": sys.modules["__main__"].__name__,
        }
    )
)
