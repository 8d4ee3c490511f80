"""Serves a curve over HTTP, in the standard library alone; build_train_serve.py makes an image of it in the cluster.

FAIRING_MODEL_PATH=model.json python pipelines/curve_server.py
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from curve import Curve

NAME = os.environ.get("FAIRING_MODEL_NAME", "curve")
CURVE = Curve.load(os.environ["FAIRING_MODEL_PATH"])
ANSWERS = {
    "/v2/health/live": {"live": True},
    "/v2/health/ready": {"ready": True},
    "/v1/models": {"models": [NAME]},
    f"/v1/models/{NAME}": {"name": NAME, "ready": True},
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        found = ANSWERS.get(self.path)
        self.answer(200 if found else 404, found or {"error": f"there is nothing at {self.path}"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != f"/v1/models/{NAME}:predict":
            return self.answer(404, {"error": f"there is nothing at {self.path}"})
        try:
            predictions = [CURVE.at(float(x)) for x in json.loads(body)["instances"]]
        except (ValueError, KeyError, TypeError) as error:
            return self.answer(400, {"error": f'send {{"instances": [NUMBER, …]}}: {error!r}'})
        return self.answer(200, {"predictions": predictions})

    def answer(self, status: int, document: dict) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


if __name__ == "__main__":
    ThreadingHTTPServer(("", 8080), Handler).serve_forever()
