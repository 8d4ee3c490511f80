"""KServe's ModelServer with a scikit-learn model, or with sums without a model: `by_kserve.py MODEL PORT`."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path
from typing import Any

import kserve
import numpy as np


class Digits(kserve.Model):
    def load(self) -> bool:
        self.model = pickle.loads(Path(sys.argv[1]).read_bytes())
        self.ready = True
        return True

    def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:
        if isinstance(payload, kserve.InferRequest):
            made = self.model.predict(payload.inputs[0].as_numpy())
            output = kserve.InferOutput("output-0", list(made.shape), "INT64")
            output.set_data_from_numpy(made)
            return kserve.InferResponse(payload.id or "1", "digits", [output], use_binary_outputs=True)
        return {"predictions": self.model.predict(np.asarray(payload["instances"])).tolist()}


class Sums(kserve.Model):
    def load(self) -> bool:
        self.ready = True
        return True

    def predict(self, payload: Any, headers: Any = None, response_headers: Any = None) -> Any:
        return {"predictions": [sum(one) for one in payload["instances"]]}


if __name__ == "__main__":
    model = (Digits if sys.argv[1] else Sums)("digits")
    model.load()
    kserve.ModelServer(http_port=int(sys.argv[2]), enable_grpc=False, enable_latency_logging=False).start([model])
