"""A stand-in for Vertex AI's custom jobs and for Cloud Storage, over HTTP on this machine.

It takes what Google's own types can read, strictly, refuses what Google refuses, and has the jobs really run: by a
function that the test gives. The bucket is a folder, as Vertex AI mounts buckets into its machines.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import subprocess
import sys
import threading
import urllib.parse
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import google_crc32c

from tests.support.http_servers import QuietHandler, running

PROJECT, REGION, BUCKET = "my-project", "europe-west4", "my-bucket"
STAGING = f"gs://{BUCKET}/staging"

Ending = tuple[int, str]
"""The code and message of `google.rpc.Status`; code 0 for success."""


@dataclass
class Fault:
    """An injected fault.

    Attributes:
        method: method of the request.
        path: regular expression for the path of the request.
        status: HTTP status; 0 processes the request, and cuts the connection before the response.
        message: message of the error.
        times: how many times it is injected.
    """

    method: str
    path: str
    status: int
    message: str = "it went wrong"
    times: int = 1


@dataclass
class Vertex:
    """The running stand-in.

    Attributes:
        root: folder with a folder for each bucket.
        run: runs a job; called with the job and an event that is set when the job is cancelled.
        endpoint: URL of the stand-in.
        jobs: jobs (`types.CustomJob`) by name.
        requests: `METHOD path` of each request.
        faults: injected faults.
    """

    root: Path
    run: Callable[[Any, threading.Event], Ending]
    endpoint: str = ""
    jobs: dict[str, Any] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    cancels: dict[str, threading.Event] = field(default_factory=dict)
    uploads: dict[str, str] = field(default_factory=dict)
    threads: list[threading.Thread] = field(default_factory=list)

    def only_job(self) -> Any:
        (job,) = self.jobs.values()
        return job

    def objects(self) -> list[str]:
        bucket = self.root / BUCKET
        return sorted(path.relative_to(bucket).as_posix() for path in bucket.rglob("*") if path.is_file())

    def start(self, job: Any) -> None:
        thread = threading.Thread(target=self._work, args=(job,), daemon=True)
        self.threads.append(thread)
        thread.start()

    def _work(self, job: Any) -> None:
        job.state = "JOB_STATE_RUNNING"
        code, message = self.run(job, self.cancels[job.name])
        if self.cancels[job.name].is_set():
            job.state = "JOB_STATE_CANCELLED"
            return
        if code:
            job.error = {"code": code, "message": message}
        job.state = "JOB_STATE_FAILED" if code else "JOB_STATE_SUCCEEDED"


@contextlib.contextmanager
def serve_vertex(root: Path, run: Callable[[Any, threading.Event], Ending]) -> Iterator[Vertex]:
    (root / BUCKET).mkdir(parents=True)
    _custom_job()  # before a client waits for an answer
    stand_in = Vertex(root, run)
    handler = type("Handler", (_Handler,), {"vertex": stand_in})
    server = _Server(("127.0.0.1", 0), handler)
    stand_in.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
    with running(server):
        try:
            yield stand_in
        finally:
            for cancelled in stand_in.cancels.values():
                cancelled.set()
            for thread in stand_in.threads:
                thread.join(20)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # clients may be killed


class _RefusedError(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Handler(QuietHandler):
    vertex: Vertex

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def do_PUT(self) -> None:
        self._answer("PUT")

    def do_DELETE(self) -> None:
        self._answer("DELETE")

    def _answer(self, method: str) -> None:
        place = urllib.parse.urlsplit(self.path)
        self.query = dict(urllib.parse.parse_qsl(place.query))
        self.body = self._body()
        self.vertex.requests.append(f"{method} {place.path}")
        fault = self._fault(method, place.path)
        try:
            if fault and fault.status:
                raise _RefusedError(fault.status, fault.message)
            status, headers, data = self._routed(method, place.path)
        except _RefusedError as error:
            self._refuse(error)
            return
        if fault:
            self.close_connection = True
            self.connection.close()
            return
        self._send(status, headers, data)

    def _fault(self, method: str, path: str) -> Fault | None:
        for fault in self.vertex.faults:
            if fault.method == method and re.search(fault.path, path):
                fault.times -= 1
                if fault.times <= 0:
                    self.vertex.faults.remove(fault)
                return fault
        return None

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        pieces = []
        while size := int(self.rfile.readline(), 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _refuse(self, error: _RefusedError) -> None:
        if str(error).startswith("<"):  # the answer of a host without this service
            self._send(error.status, {"Content-Type": "text/html"}, str(error).encode())
        else:
            body = {"error": {"code": error.status, "message": str(error)}}
            self._send(error.status, {"Content-Type": "application/json"}, json.dumps(body).encode())

    def _send(self, status: int, headers: dict[str, str], data: bytes) -> None:
        self.send_response(status)
        for key, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(data)

    def _routed(self, method: str, path: str) -> tuple[int, dict[str, str], bytes]:
        if not re.fullmatch(r"Bearer \S+", self.headers.get("Authorization", "")) and "/storage/" not in path:
            raise _RefusedError(401, "Request is missing required authentication credential.")
        path = urllib.parse.unquote(path)
        if path.startswith("/v1/"):
            return _json(self._job(method, path.removeprefix("/v1/")))
        match = re.fullmatch(
            r"/(?P<kind>(?:upload/|download/)?)storage/v1/b/(?P<bucket>[^/]+)/o(?:/(?P<name>.+))?", path
        )
        if match is None:
            raise _RefusedError(404, f"there is no {path}")
        bucket = self.vertex.root / match["bucket"]
        if not bucket.is_dir():
            raise _RefusedError(404, "The specified bucket does not exist.")
        if match["kind"] == "upload/":
            return self._upload(method, bucket)
        if match["name"] is None:
            names = [path.relative_to(bucket).as_posix() for path in sorted(bucket.rglob("*")) if path.is_file()]
            found = [name for name in names if name.startswith(self.query.get("prefix", ""))]
            most = int(self.query.get("maxResults", len(found)))
            return _json({"items": [{"name": name, "bucket": bucket.name} for name in found[:most]]})
        return self._object(method, bucket / match["name"])

    def _object(self, method: str, file: Path) -> tuple[int, dict[str, str], bytes]:
        if not file.is_file():
            raise _RefusedError(404, f"No such object: {file.name}")
        if method == "DELETE":
            file.unlink()
            with contextlib.suppress(OSError):  # buckets have no folders
                for folder in list(file.parents)[: len(file.relative_to(self.vertex.root).parts) - 2]:
                    folder.rmdir()
            return 204, {}, b""
        data = file.read_bytes()
        return 200, {"Content-Type": "application/octet-stream", "X-Goog-Hash": f"crc32c={_checksum(data)}"}, data

    def _upload(self, method: str, bucket: Path) -> tuple[int, dict[str, str], bytes]:
        if method == "PUT":
            name = self.vertex.uploads[self.query["upload_id"]]
            begin = re.match(r"bytes (\d+)-(\d+)/(\d+|\*)", self.headers["Content-Range"])
            assert begin, self.headers["Content-Range"]
            _write(bucket / name, self.body, "ab" if int(begin[1]) else "wb")
            if begin[3] == "*" or int(begin[2]) + 1 < int(begin[3]):
                return 308, {"Range": f"bytes=0-{begin[2]}"}, b""
            return _json(_described(bucket, name))
        if self.query["uploadType"] == "resumable":
            key = uuid.uuid4().hex
            self.vertex.uploads[key] = json.loads(self.body)["name"]
            return 200, {"Location": f"{self.vertex.endpoint}{self.path}&upload_id={key}"}, b""
        boundary = self.headers["Content-Type"].split("boundary=")[1].strip('"').encode()
        _, described, content, _ = self.body.split(b"--" + boundary)
        name = json.loads(described.split(b"\r\n\r\n", 1)[1])["name"]
        _write(bucket / name, content.split(b"\r\n\r\n", 1)[1][:-2])
        return _json(_described(bucket, name))

    def _job(self, method: str, path: str) -> dict[str, Any]:
        match = re.fullmatch(r"(projects/([^/]+)/locations/([^/]+))/customJobs(?:/(\d+)(:cancel)?)?", path)
        if match is None or match[3] != REGION:
            raise _RefusedError(404, "<html><title>Error 404 (Not Found)</title></html>")
        if match[2] != PROJECT:
            raise _RefusedError(403, f"Permission denied on resource project {match[2]}.")
        if match[4] is None:
            return self._make(match[1]) if method == "POST" else self._list(match[1])
        job = self.vertex.jobs.get(path.removesuffix(":cancel"))
        if job is None:
            raise _RefusedError(404, "The CustomJob does not exist.")
        if match[5]:
            if job.state.name in ("JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED"):
                raise _RefusedError(400, "The job is not in a state that can be cancelled.")
            self.vertex.cancels[job.name].set()
            job.state = "JOB_STATE_CANCELLING"
            return {}
        return _as_json(job)

    def _list(self, parent: str) -> dict[str, Any]:
        wanted = re.fullmatch(r'labels\.([a-z0-9_-]+)="([a-z0-9_-]+)"', self.query["filter"])
        assert wanted, self.query["filter"]
        found = [job for job in self.vertex.jobs.values() if job.labels.get(wanted[1]) == wanted[2]]
        return {"customJobs": [_as_json(job) for job in found if job.name.startswith(parent)]}

    def _make(self, parent: str) -> dict[str, Any]:
        given = json.loads(self.body)
        _check_names(given)
        job = _custom_job().from_json(json.dumps(given))  # strict: an unknown field is an error
        pools = job.job_spec.worker_pool_specs
        if not pools or pools[0].replica_count != 1:
            raise _RefusedError(400, "The first worker pool must have exactly one replica.")
        for key, value in job.labels.items():
            if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", key) or not re.fullmatch(r"[a-z0-9_-]{0,63}", value):
                raise _RefusedError(400, f"The label {key}: {value} is invalid.")
        number = len(self.vertex.jobs) + 1
        job.name = f"{parent}/customJobs/{number}"
        job.state = "JOB_STATE_PENDING"
        job.create_time = {"seconds": 1_700_000_000 + number}
        self.vertex.jobs[job.name] = job
        self.vertex.cancels[job.name] = threading.Event()
        answer = _as_json(job)
        self.vertex.start(job)
        return answer


def _check_names(given: dict[str, Any]) -> None:
    if not 0 < len(given["displayName"]) <= 128:
        raise _RefusedError(400, "The display name must have 1 to 128 characters.")


def _custom_job() -> Any:
    from google.cloud.aiplatform_v1.types import CustomJob  # takes a second, which collecting tests does not need

    return CustomJob


def _as_json(job: Any) -> dict[str, Any]:
    return json.loads(_custom_job().to_json(job, use_integers_for_enums=True))


def _json(value: Any) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


def _write(file: Path, data: bytes, mode: str = "wb") -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open(mode) as opened:
        opened.write(data)


def _described(bucket: Path, name: str) -> dict[str, str]:
    data = (bucket / name).read_bytes()
    return {"name": name, "bucket": bucket.name, "size": str(len(data)), "crc32c": _checksum(data)}


def _checksum(data: bytes) -> str:
    return base64.b64encode(google_crc32c.Checksum(data).digest()).decode()


def run_in_process(job: Any, cancelled: threading.Event, root: Path, command: list[str], env: dict[str, str]) -> Ending:
    """Runs the machines of a job as local processes, with the bucket as a local folder.

    Args:
        job: the job.
        cancelled: set when the job is cancelled.
        root: folder with the buckets.
        command: command of a step, instead of `python3 /opt/fairing/runtime/step.py` in its image; empty for the job's
            own command, which starts with `python3`.
        env: environment variables of its image.
    """
    started = []
    for pool in job.job_spec.worker_pool_specs:
        container = pool.container_spec
        python, *rest = container.command
        assert python == "python3"
        assert not command or rest == ["/opt/fairing/runtime/step.py"]
        arguments = [re.sub('(?<=")(gs://|/gcs/)', f"{root}/", text) for text in container.args]
        variables = {**os.environ, **env, **{one.name: one.value for one in container.env}}
        for _ in range(pool.replica_count):
            own = f"{root.parent}/machine-{len(started)}"  # all machines are this one
            theirs = [text.replace('"/tmp/fairing-', f'"{own}/') for text in arguments]
            started.append(subprocess.Popen([*(command or [sys.executable, *rest]), *theirs], env=variables))
    while any(process.poll() is None for process in started):
        if cancelled.wait(0.02):
            for process in started:
                process.kill()
    for file in (root / BUCKET).rglob("executor_output.json"):
        file.write_text(file.read_text().replace(f"{root}/", "gs://"))
    codes = [process.wait() for process in started]
    if any(codes):
        return 3, f"The replica workerpool0-0 exited with a non-zero status of {max(codes)}."
    return 0, ""
