"""A stand-in for the image of BuildKit: it runs on our own image, and builds COPY by the append builder.

Like buildctl, it takes options, a context and the daemon's settings, pushes an image, and writes a metadata file. `RUN`
is printed; `RUN false` fails and `RUN sleep` takes a minute. `BUILDKIT_IMAGE` names a real image for the tests instead.
"""

from __future__ import annotations

import os
from pathlib import Path

from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.cache.store import Cache
from fairing_kfp.image import File, Image, Platform, Reference
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.registry.client import RegistryClient

_PROGRAM = """#!/usr/bin/env python3
import json, os, pathlib, re, sys, time
from fairing_kfp.builders.append import AppendBuilder
from fairing_kfp.cache.store import Cache
from fairing_kfp.image import File, Image, Platform, Reference
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.registry.client import RegistryClient

given = [word.removeprefix("--").split("=", 1) for word in sys.argv[1:] if word.startswith("--")]
options = dict(value.split("=", 1) for name, value in given if name == "opt")
local = dict(value.split("=", 1) for name, value in given if name == "local")
output = dict(part.split("=", 1) for name, value in given if name == "output" for part in value.split(","))
flags = dict(word.split("=", 1) for word in os.environ["BUILDKITD_FLAGS"].split() if "=" in word)
hosts = re.findall(r'\\[registry\\."(.*)"\\]\\nhttp = true', pathlib.Path(flags["--config"]).read_text())
assert (sys.argv[1], output["type"], output["push"]) == ("build", "image", "true")
root = pathlib.Path(local["dockerfile"])
base, files = "", []
for line in (root / options["filename"]).read_text().splitlines():
    print(f"#1 {line}", flush=True)
    word, *rest = line.split() or [""]
    if word == "FROM":
        base = rest[0]
    elif word == "COPY":
        data = pathlib.Path(local["context"], rest[0]).read_bytes()
        for name, value in options.items():
            data = data.replace(b"$" + name.removeprefix("build-arg:").encode(), value.encode())
        files.append(File(rest[1].lstrip("/"), data))
    elif line == "RUN false":
        print('error: failed to solve: process "/bin/sh -c false" did not complete successfully: exit code: 1')
        sys.exit(1)
    elif line == "RUN sleep 60":
        time.sleep(60)
repository, _, tag = output["name"].rpartition(":")
layers = (layer_of_files("copy", files),)
image = Image("made", Reference.parse(base), layers, Platform("linux", "amd64"), None, tag=tag)
builder = AppendBuilder(repository, cache=Cache(pathlib.Path("/work/cache")), client=RegistryClient(hosts))
digest = builder.publish(image).partition("@")[2]
metadata = dict(value for value in given if value[0] == "metadata-file")["metadata-file"]
pathlib.Path(metadata).write_text(json.dumps({"containerimage.digest": digest, "image.name": output["name"]}))
"""


def buildkit_image(own_image: str, repository: str, insecure: str, cache: Cache) -> str:
    """The image that `BUILDKIT_IMAGE` names; otherwise pushes the stand-in, and returns it by digest."""
    if real := os.environ.get("BUILDKIT_IMAGE"):
        return real
    program = layer_of_files("program", [File("usr/local/bin/buildctl-daemonless.sh", _PROGRAM.encode(), 0o755)])
    image = Image("buildkit", Reference.parse(own_image), (program,), Platform("linux", "amd64"), None)
    return AppendBuilder(repository, cache=cache, client=RegistryClient([insecure])).publish(image)


def write_context(folder: Path, base: str, *lines: str) -> Path:
    """Writes a Dockerfile that copies a file, and what it must not send."""
    folder.mkdir()
    (folder / "lab").mkdir()
    (folder / "lab" / "Dockerfile").write_text("\n".join([f"FROM {base}", *lines, ""]))
    (folder / "lab" / "hello.txt").write_text("hello from the context\n")
    (folder / ".dockerignore").write_text("left.txt\n")
    (folder / "left.txt").write_text("left out\n")
    return folder
