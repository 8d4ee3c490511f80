"""Large layers in constant memory, and cancellation at once."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.registry.client import RegistryClient
from tests.support.discarding_registry import discarding_registry
from tests.support.small_images import layer, push_small_base

pytestmark = pytest.mark.registry

SIZE = 256 << 20
LARGE = 2 << 30
MOST_MEMORY = 64 << 20

MEASURED = """
import json, pathlib, sys
from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.cache.store import Cache
from fairing_kfp.image import Image, Layer, Platform, Reference
from fairing_kfp.registry.client import RegistryClient

def memory(which):
    # Not getrusage: a child's ru_maxrss starts at that of the process that forked it.
    status = pathlib.Path("/proc/self/status").read_text()
    return int(status.partition(which)[2].split()[0]) * 1024

given = json.loads(sys.argv[1])
own = [Layer("large", given["digest"], given["digest"], given["size"], lambda: open(given["path"], "rb"))]
image = Image("large", Reference.parse(given["base"]), tuple(own[:given["own"]]), Platform("linux", "amd64"), (3, 11))
client = RegistryClient()
if given["chunk"]:
    client.chunk_sizes[given["target"].partition("/")[0]] = given["chunk"]
builder = AppendBuilder(given["target"], cache=Cache(pathlib.Path(given["cache"])), client=client)
before = memory("VmRSS:")
reference = builder.publish(image)
print(json.dumps({"reference": reference, "memory": memory("VmHWM:") - before}))
"""


@dataclass(frozen=True)
class Sparse:
    """A sparse file, and its digest."""

    path: Path
    digest: str
    size: int


@pytest.fixture(scope="module")
def sparse(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Sparse]:
    """Makes sparse files, one for each size."""

    @functools.cache
    def make(size: int) -> Sparse:
        path = tmp_path_factory.mktemp("sparse") / "layer"
        digest = hashlib.sha256()
        with path.open("wb") as file:
            file.truncate(size)
        block = bytes(1 << 24)
        for _ in range(size >> 24):
            digest.update(block)
        return Sparse(path, f"sha256:{digest.hexdigest()}", size)

    return make


def measured(**given: Any) -> dict[str, Any]:
    done = subprocess.run([sys.executable, "-c", MEASURED, json.dumps(given)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class TestMemory:
    @pytest.mark.parametrize(
        ("size", "chunk"),
        [
            (SIZE, 0),
            (SIZE, 100 << 20),
            pytest.param(LARGE, 0, marks=pytest.mark.exhaustive),
            pytest.param(LARGE, 256 << 20, marks=pytest.mark.exhaustive),
        ],
    )
    def test_a_large_layer(
        self, shared_registry: Any, sparse: Callable[[int], Sparse], tmp_path: Path, size: int, chunk: int
    ) -> None:
        push_small_base(RegistryClient(), shared_registry.host, "base", layer("base"))
        large = sparse(size)
        with discarding_registry() as registry:
            found = measured(
                digest=large.digest,
                size=size,
                path=str(large.path),
                own=1,
                base=f"{shared_registry.host}/base:1",
                target=f"{registry.host}/large",
                cache=str(tmp_path),
                chunk=chunk,
            )
        assert (large.digest, size) in registry.blobs
        assert found["memory"] < MOST_MEMORY

    @pytest.mark.parametrize("size", [SIZE, pytest.param(LARGE, marks=pytest.mark.exhaustive)])
    def test_a_large_base_streams_through(self, sparse: Callable[[int], Sparse], tmp_path: Path, size: int) -> None:
        large = sparse(size)
        with discarding_registry() as source, discarding_registry() as target:
            source.give(large.path, large.digest, size)
            found = measured(
                digest=large.digest,
                size=size,
                path=str(large.path),
                own=0,
                base=f"{source.host}/base:1",
                target=f"{target.host}/large",
                cache=str(tmp_path),
                chunk=0,
            )
        assert (large.digest, size) in target.blobs
        assert found["memory"] < MOST_MEMORY
        assert sum(one.stat().st_size for one in tmp_path.rglob("*") if one.is_file()) < 10_000


PIPELINE = """
from kfp import dsl
from fairing_kfp import fairing_component

@fairing_component(base_image="{base}")
def one() -> int:
    return 1

@fairing_component(base_image="{base}")
def two() -> int:
    return 2

@dsl.pipeline
def both():
    one()
    two()
"""

# A background process of a shell ignores the signal, and its children inherit that.
COMMAND = """
import signal
from fairing_kfp.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""


@pytest.fixture(scope="module")
def large_base(shared_registry: Any) -> str:
    """A base image of 30 MB, more than sockets buffer."""
    minor = "{}.{}".format(*sys.version_info)
    large = layer("base", os.urandom(30_000_000))
    base = push_small_base(RegistryClient(), shared_registry.host, "large", large, python=minor)
    return f"{shared_registry.host}/large@{base.digest}"


class TestInterrupt:
    @pytest.mark.parametrize("stuck", ["reading", "answering", "refusing"])
    def test_ctrl_c_ends_at_once_and_leaves_nothing_partial(self, stuck: str, tmp_path: Path, large_base: str) -> None:
        """Uploads hang because their bytes are not read, they get no answer, or they have to wait."""
        (tmp_path / "pipeline.py").write_text(PIPELINE.format(base=large_base))
        cache = tmp_path / "cache"
        with discarding_registry(stuck) as target:
            command = [sys.executable, "-c", COMMAND, "compile"]
            options = ["--registry", target.host, "--project", "me", "-o", str(tmp_path / "out.yaml")]
            process = subprocess.Popen(
                [*command, str(tmp_path / "pipeline.py"), *options],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env={**os.environ, "FAIRING_KFP_CACHE": str(cache)},
                cwd=tmp_path,
            )
            try:
                assert target.uploading.wait(600), process.communicate(timeout=5)
                time.sleep(0.3)  # until all of them wait
                began = time.monotonic()
                process.send_signal(signal.SIGINT)
                output, _ = process.communicate(timeout=40)
                took = time.monotonic() - began
            finally:
                process.kill()
        assert process.returncode != 0
        assert took < 30, (took, output)  # what hangs would do so for 50 seconds or more
        assert b"Traceback" not in output
        assert not (tmp_path / "out.yaml").exists()
        assert target.manifests == {}
        assert not list((cache / "tmp").glob("*"))
        for blob in (cache / "blobs/sha256").iterdir():
            assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
        assert not list((cache / "records").glob("pushed-*"))
