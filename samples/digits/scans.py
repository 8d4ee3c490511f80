"""What the steps share: how scans and models are kept in files."""

import pickle
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Scans:
    """Scanned digits: one row of 64 grey values from 0 to 16 for each 8 by 8 scan, and the digit it shows."""

    pixels: list[list[float]]
    digits: list[int]

    def save(self, path: str) -> None:
        Path(path).write_bytes(pickle.dumps(self))

    @staticmethod
    def load(path: str) -> "Scans":
        return pickle.loads(Path(path).read_bytes())
