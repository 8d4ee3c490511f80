"""Images made by engines: Docker, and Podman if it is installed."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import fairing_kfp
from fairing_kfp.builders.engine.builder import EngineBuilder
from fairing_kfp.builders.engine.engine import Engine, connect
from fairing_kfp.builders.engine.podman import connect_podman
from fairing_kfp.builders.progress import Transfer
from fairing_kfp.cache.store import Cache
from fairing_kfp.cli import main
from fairing_kfp.errors import ImageError, PythonVersionError
from fairing_kfp.image import File, Image, Platform, Reference
from fairing_kfp.image.dockerfile import Dockerfile
from fairing_kfp.layers.files import layer_of_files
from fairing_kfp.registry.client import RegistryClient
from tests.golden import PIPELINES
from tests.integration.test_registry_access import HTPASSWD, ME
from tests.support.paths import TESTS
from tests.support.private_registry import serve_registry
from tests.support.services import missing, require_base_python, run
from tests.support.small_images import layer, push_small_base

pytestmark = [pytest.mark.docker, pytest.mark.registry]

SCRIPT = b"import os\nprint('ran', os.environ['ANSWER'], os.getuid())\n"


@dataclass(frozen=True)
class Judged:
    """An engine, and the program that runs its images."""

    engine: Callable[[], Engine]
    program: tuple[str, ...]
    run_options: tuple[str, ...] = ()

    def runs(self, name: str, *command: str) -> str:
        # Podman needs a file there
        env = {variable: value for variable, value in os.environ.items() if variable != "DOCKER_CONFIG"}
        return run(*self.program, "run", "--rm", "--network", "host", *self.run_options, name, *command, env=env)


@pytest.fixture(scope="session")
def podman(testbed_registry: str) -> Iterator[Judged]:
    """A Podman service with its own store."""
    if not shutil.which("podman"):
        pytest.skip("podman is not on PATH")
    folder = Path(tempfile.mkdtemp(prefix="podman-"))  # Podman refuses a runroot of more than 50 characters
    registries = folder / "registries.conf"
    registries.write_text(f'[[registry]]\nlocation = "{testbed_registry}"\ninsecure = true\n')
    store = ("--root", str(folder / "store"), "--runroot", str(folder / "run"))
    probe = ["podman", *store, "--storage-driver", "overlay", "info"]
    driver = "vfs" if subprocess.run(probe, capture_output=True, check=False).returncode else "overlay"
    program = ("podman", "--cgroup-manager", "cgroupfs", *store, "--storage-driver", driver)
    socket = folder / "podman.sock"
    env = os.environ | {"CONTAINERS_REGISTRIES_CONF": str(registries)}
    with (folder / "log").open("wb") as log:
        command = [*program, "system", "service", "--time", "0", f"unix://{socket}"]
        service = subprocess.Popen(command, stdout=log, stderr=log, env=env)
    try:
        for _ in range(200):
            if socket.exists() or service.poll() is not None:
                break
            time.sleep(0.05)
        if not socket.exists():
            missing(f"podman's service does not run here: {(folder / 'log').read_text()}")

        def engine() -> Engine:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("CONTAINER_HOST", f"unix://{socket}")
                return connect_podman()

        # the defaults are above the limits of a container
        yield Judged(engine, program, ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024"))
    finally:
        service.terminate()
        service.wait(20)
        # Podman bind-mounts its store, and does not unmount it
        subprocess.run(["umount", str(folder / "store" / "overlay")], capture_output=True, check=False)
        shutil.rmtree(folder, ignore_errors=True)


_ENGINES = ("docker", pytest.param("podman", marks=pytest.mark.exhaustive))
"""Docker, and Podman where another test shows the same."""


@pytest.fixture(params=["docker", "podman"])
def judged(request: pytest.FixtureRequest) -> Judged:
    if request.param == "podman":
        made: Judged = request.getfixturevalue("podman")
        return made
    request.getfixturevalue("docker_engine")
    return Judged(lambda: connect("the test"), ("docker",))


@pytest.fixture
def image(base_image: str) -> Image:
    unique = File("opt/fairing/unique", uuid.uuid4().bytes)
    layers = (
        layer_of_files("runtime", [unique]),
        layer_of_files("code", [File("opt/fairing/run.py", SCRIPT)]),
    )
    platform = Platform("linux", "amd64")
    return Image("hello", Reference.parse(base_image), layers, platform, (3, 11), env={"ANSWER": "42"})


@pytest.fixture
def local(judged: Judged, unique: str) -> Iterator[EngineBuilder]:
    """A builder without a registry; its images are removed."""
    engine = judged.engine()
    builder = EngineBuilder(f"localhost/{unique}", engine=engine, push=False)
    yield builder
    for listed in engine.client.images.list(name=f"localhost/{unique}"):
        engine.client.images.remove(listed.id, force=True)
    builder.close()


@pytest.mark.parametrize("judged", _ENGINES, indirect=True)
def test_without_a_registry_images_stay_in_the_engine(
    judged: Judged, local: EngineBuilder, image: Image, base_image: str
) -> None:
    local.check(image)
    plan = local.plan(image)
    name = local.publish(image)

    assert name.startswith("localhost/tests/")
    assert name == plan.reference
    assert not plan.exists
    assert local.plan(image).exists
    assert judged.runs(name, "python3", "/opt/fairing/run.py") == "ran 42 0\n"
    assert local.publish(image) == name
    # The same layers, and the same digest of the config.
    made, below = (json.loads(run(*judged.program, "image", "inspect", one))[0] for one in (name, base_image))
    assert made["RootFS"]["Layers"] == below["RootFS"]["Layers"] + [layer.diff_id for layer in image.layers]
    assert made["Id"].removeprefix("sha256:").startswith(name.rpartition("-")[2])


def test_entrypoint_user_and_environment(
    judged: Judged, local: EngineBuilder, image: Image, base_image: str, tmp_path: Path
) -> None:
    """The entrypoint is removed, since it would wrap the step's command; other settings are kept."""
    (tmp_path / "Dockerfile").write_text(
        f"FROM {base_image}\nCOPY . /context\nRUN echo made > /tmp/made\n"
        'ENTRYPOINT ["echo", "wrapped"]\nCMD ["argument"]\nUSER 1234\nENV ANSWER=0 KEPT=yes\n'
    )
    (tmp_path / "kept").write_text("")
    (tmp_path / "secret").write_text("")
    (tmp_path / ".dockerignore").write_text("secret\n.dockerignore\n")
    name = local.publish(replace(image, base=Dockerfile(tmp_path / "Dockerfile")))

    assert judged.runs(name, "python3", "/opt/fairing/run.py") == "ran 42 1234\n"
    assert judged.runs(name, "sh", "-c", "echo $KEPT; cat /tmp/made; ls -A /context") == "yes\nmade\nDockerfile\nkept\n"


@pytest.mark.parametrize("judged", _ENGINES, indirect=True)
def test_a_dockerfile_that_cannot_be_built(local: EngineBuilder, image: Image, base_image: str, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM {base_image}\nRUN echo this went wrong && false\n")

    with pytest.raises(ImageError, match=r"(?s)cannot build .*/Dockerfile: .*this went wrong"):
        local.check(replace(image, base=Dockerfile(tmp_path / "Dockerfile")))


@pytest.mark.parametrize("judged", ["docker"], indirect=True)
def test_the_base_is_pulled_for_its_platform_and_checked(
    judged: Judged, local: EngineBuilder, image: Image, unique: str, testbed_registry: str, skopeo: Any, base_image: str
) -> None:
    base = f"{testbed_registry}/{unique}-base:1"
    skopeo(
        "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false", f"docker://{base_image}", f"docker://{base}"
    )
    fresh = replace(image, base=Reference.parse(base))
    assert [layer.state for layer in local.plan(fresh).layers] == ["pull", "send", "send"]
    with pytest.raises(PythonVersionError, match=r"has Python 3\.11, but the code is packed by Python 3\.12"):
        local.check(replace(fresh, python_version=(3, 12)))
    assert judged.runs(local.publish(fresh), "python3", "/opt/fairing/run.py") == "ran 42 0\n"
    assert local.plan(fresh).base.startswith(f"{testbed_registry}/{unique}-base@sha256:")
    with pytest.raises(ImageError, match=rf"cannot pull {base}-none for linux/amd64: "):
        local.check(replace(image, base=Reference.parse(f"{base}-none")))


def test_a_pushed_image_is_referenced_by_digest(
    judged: Judged, image: Image, unique: str, testbed_registry: str, skopeo: Any, pod: Callable[..., str]
) -> None:
    transfers: list[Transfer] = []
    target = f"{testbed_registry}/{unique}"
    builder = EngineBuilder(target, engine=judged.engine(), push=True, progress=transfers.append)
    planned = builder.plan(image)
    reference = builder.publish(image)

    assert planned.reference == f"{target}:{planned.tag}"
    assert reference.startswith(f"{target}@sha256:")
    inspected = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{reference}"))
    assert inspected["Digest"] == reference.partition("@")[2]
    tagged = json.loads(skopeo("inspect", "--tls-verify=false", f"docker://{target}:{planned.tag}"))
    assert tagged["Digest"] == inspected["Digest"]
    assert {one.name for one in transfers if one.state == "sent"} >= {"runtime", "code"}
    assert builder.publish(image) == reference
    assert pod(reference, "python3", "/opt/fairing/run.py") == "ran 42 0\n"
    builder.close()


def test_it_uses_the_credentials_of_docker(
    image: Image,
    testbed_registry: str,
    unique: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    docker_engine: Any,
) -> None:
    """It uses the credentials in Docker's configuration, and shows the registry's error without them."""
    push_small_base(RegistryClient([testbed_registry]), testbed_registry, unique, layer("lower"))
    image = replace(image, base=Reference.parse(f"{testbed_registry}/{unique}:1"))
    users = tmp_path / "users"
    users.write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "test", "path": str(users)}}
    with serve_registry(tmp_path / "registry", auth) as registry:
        refused = EngineBuilder(f"{registry.host}/me", engine=connect("the test"), push=True)
        with pytest.raises(ImageError, match=rf"Docker cannot push {registry.host}/me:hello-.*: no basic auth"):
            refused.publish(image)
        config = tmp_path / "config"
        config.mkdir()
        login = base64.b64encode(f"{ME.username}:{ME.password}".encode()).decode()
        (config / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": login}}}))
        monkeypatch.setenv("DOCKER_CONFIG", str(config))
        allowed = EngineBuilder(f"{registry.host}/me", engine=connect("the test"), push=True)
        assert allowed.publish(image).startswith(f"{registry.host}/me@sha256:")


class TestCommands:
    @pytest.fixture
    def options(self, base_image: str, docker_engine: Any, cache: Cache) -> dict[str, Any]:
        require_base_python()
        return {"base_image": base_image, "cache": cache}

    def test_a_pipeline_runs_in_docker_without_a_registry(self, options: dict[str, Any], tmp_path: Path) -> None:
        transfers: list[Transfer] = []
        result = fairing_kfp.run(
            fairing_kfp.load_pipeline(f"{TESTS}/support/small_pipelines.py:names_an_image"),
            runner="docker",
            docker={"network_mode": "host"},
            output=tmp_path,
            on_event=lambda _: None,
            progress=transfers.append,
            **options,
        )

        assert result.step("one").outputs["Output"] == 1
        assert {one.name for one in transfers} <= {"runtime", "code"}

    def test_compiling_with_docker_references_the_pushed_image(
        self, options: dict[str, Any], testbed_registry: str, unique: str, skopeo: Any
    ) -> None:
        where = {"registry": f"{testbed_registry}/{unique}", "insecure": [testbed_registry]}
        pipeline = fairing_kfp.load_pipeline(PIPELINES["control-flow"])
        compiled = fairing_kfp.compile(pipeline, builder="docker", **where, **options)

        for image in compiled.images.values():
            assert f"image: {image}" in compiled.text
            assert "@sha256:" in image
            skopeo("inspect", "--tls-verify=false", f"docker://{image}")

    @pytest.mark.parametrize("quiet", [True, False])
    def test_a_line_for_each_blob_unless_quiet(
        self, options: dict[str, Any], testbed_registry: str, unique: str, base_image: str, tmp_path: Path, quiet: bool
    ) -> None:
        """The first compiles for a registry, the second runs with the docker runner."""
        registry = ["--registry", f"{testbed_registry}/{unique}", "--insecure", testbed_registry]
        target = str(TESTS / "pipelines" / "failing.py:owner")
        shared = [target, "--base-image", base_image, *(["-q"] if quiet else [])]
        compiling = ["compile", *shared, *registry, "-o", str(tmp_path / "out.yaml")]
        running = ["run", *shared, *registry, "--runner", "docker", "--docker-network", "host", "-o", str(tmp_path)]
        compiled = CliRunner().invoke(main, compiling, catch_exceptions=False)
        ran = CliRunner().invoke(main, [*running, "--builder", "docker"], catch_exceptions=False)

        assert (compiled.exit_code, ran.exit_code) == (0, 0)
        if quiet:
            assert compiled.output + ran.output == ""
        else:
            assert re.search(r"^  sent code sha256:[0-9a-f]{12} \d", compiled.output, re.MULTILINE)
            assert re.search(r"^  (sent|mounted) layer [0-9a-f]{12}", ran.output, re.MULTILINE)

    def test_a_dry_run_gives_the_reference_of_append_and_sends_nothing(
        self, options: dict[str, Any], private_registry: Any, base_image: str
    ) -> None:
        where = {"registry": f"{private_registry.host}/me", "insecure": [base_image.partition("/")[0]]}
        pipeline = fairing_kfp.load_pipeline(PIPELINES["control-flow"])
        dry = fairing_kfp.compile(pipeline, builder="dry-run", **where, **options)
        asked = private_registry.requests()

        assert {line.split()[0] for line in asked} <= {"HEAD", "GET"}
        assert dry.text == fairing_kfp.compile(pipeline, **where, **options).text
