"""A class, of whose methods fire runs one."""

import json

import fire


class Trainer:
    def __init__(self, depth: int = 8):
        self.depth = depth

    def train(self, epochs: int, name: str = "model"):
        print(json.dumps({"depth": self.depth, "epochs": epochs, "name": name}))

    def judge(self):
        raise NotImplementedError


if __name__ == "__main__":
    fire.Fire(Trainer)
