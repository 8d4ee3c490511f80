"""Common uses of packages, each packed and run: those that an image may change in a container, the others here."""

from __future__ import annotations

import json
import shutil
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uv

import fairing_kfp
from fairing_kfp.cache.store import Cache
from fairing_kfp.dependencies.formats import read_requirements
from fairing_kfp.dependencies.requirements import Requirements
from fairing_kfp.dependencies.resolve import resolve
from fairing_kfp.dependencies.target import Target
from fairing_kfp.dependencies.unpacked import unpack
from fairing_kfp.errors import DependencyError, StepFailedError
from fairing_kfp.preprocess.bundle import Bundle
from tests.support.one_at_a_time import one_at_a_time
from tests.support.package_index import PackageIndex, serve_packages
from tests.support.paths import TESTS
from tests.support.services import missing, run

pytestmark = [pytest.mark.docker, pytest.mark.registry]
IMAGE = Target.for_image((3, 11))
PIPELINES = TESTS / "pipelines" / "packages.py"

EXPECTED = {
    "pure": ["2.0", "1.5"],
    "extra": "1.0",
    "marker": ["bee", "dog"],
    "file": ["1.0", "1.5", "1.0"],
    "hashed": ["2.0", "1.5"],
    "namespaces": ["lion", "bison"],
    "script": "called",
    "data": ["inside", "beside"],
    "pth": ["found", "1", "found"],
    "environment": ["1.5", ["local_only"], False],
    "project": ["ant", "bee", "cow", "dog"],
    "locked": ["ant 2.0", "bee 1.5", "dog 1.0"],
    "provided": ["fox 1.0"],
    "built": "1.0",
    "yanked": "1.0",
    "yanked-on-purpose": "2.0",
    "newer-libc": "1.0",
    "cuda": ["2.0+cu126", "2.0"],
    "cuda-of-a-project": ["2.0+cu126", "2.0"],
    "cuda-of-a-lock": ["2.0+cu126", "2.0"],
}


def _stock(index: PackageIndex) -> None:
    index.wheel("ant", "1.0")
    index.wheel("ant", "2.0", needs=["bee", "cow; extra=='more'"], extras=["more"])
    for version in ("1.0", "1.5", "2.0"):
        index.wheel("bee", version)
    for name in ("cow", "dog", "hen"):
        index.wheel(name)
    index.wheel("zoo_east", files={"zoo/east.py": "animal = 'lion'\n"})
    index.wheel("zoo_west", files={"zoo/west.py": "animal = 'bison'\n"})
    index.wheel(
        "caller",
        files={"caller.py": "def main():\n    print('called')\n"},
        entry_points="[console_scripts]\ncall-me = caller:main\n",
    )
    beside = "holder-1.0.data/data/share/holder/shared.txt"
    index.wheel("holder", files={"holder/__init__.py": "", "holder/table.txt": "inside", beside: "beside"})
    pth = "import os; os.environ['SET_BY_PTH'] = '1'\npathfinder_more\n"
    index.wheel("pathfinder", files={"pathfinder.pth": pth, "pathfinder_more/hidden_by_pth.py": "value = 'found'\n"})
    index.wheel("local_only", "1.5")
    index.wheel("local_only", "2.0")
    index.wheel("fox", needs=["gnu", "hen"])
    index.wheel("gnu", "1.0", needs=["hen"])
    index.wheel("gnu", "2.0")
    index.source("ibex")
    index.source("jay", tag="cp311-cp311-linux_x86_64")
    index.wheel("yak", "1.0")
    index.wheel("yak", "2.0", yanked=True)
    index.wheel("newt", tag="cp311-cp311-manylinux_2_34_x86_64")
    index.wheel("owl", tag="cp311-cp311-manylinux_2_40_x86_64")
    index.wheel("puma", tag="cp311-cp311-musllinux_1_2_x86_64")
    index.wheel("quail", tag="cp311-cp311-win_amd64")
    index.wheel("rat", needs=["bee<2"])
    index.wheel("seal", needs=["bee>=2"])
    index.wheel("flock", "2.0", needs=["gull==2.0"])
    index.wheel("tern", "2.0")
    index.wheel("colony", "2.0", needs=["tern==2.0"])


@pytest.fixture(scope="module")
def cuda() -> Iterator[PackageIndex]:
    """An index of wheels for one CUDA version, which also has other builds of packages on the main index."""
    with serve_packages(PackageIndex()) as served:
        for name in ("gull", "tern"):
            served.wheel(name, "2.0+cu126", tag="cp311-cp311-manylinux_2_28_x86_64")
        served.wheel("colony", "2.0", files={"colony.py": "version = 'of another'\n"})
        yield served


@pytest.fixture(scope="module")
def index(cuda: PackageIndex, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PackageIndex]:
    """The main index, searched first, with credentials in uv's settings; the CUDA index is searched second."""
    with serve_packages(PackageIndex()) as served, pytest.MonkeyPatch.context() as patch:
        _stock(served)
        patch.setenv("UV_INDEX", f"loop={served.url}/simple cuda={cuda.url}/simple")
        for name in ("LOOP", "CUDA", "GPU"):
            patch.setenv(f"UV_INDEX_{name}_USERNAME", served.user)
            patch.setenv(f"UV_INDEX_{name}_PASSWORD", served.password)
        patch.setenv("UV_HTTP_RETRIES", "0")
        patch.setenv("UV_CACHE_DIR", str(tmp_path_factory.mktemp("uv")))
        yield served


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Cache:
    """A cache of this module, which is searched for credentials."""
    return Cache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def folder(index: PackageIndex, cuda: PackageIndex, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pipeline file and the files that it refers to."""
    folder = tmp_path_factory.mktemp("author")
    shutil.copy(PIPELINES, folder / "packages.py")
    texts = {
        "requirements.txt": "# what it needs\n-r more/requirements.txt\n-c constraints.txt\nant  # any\n",
        "constraints.txt": "ant<2\n",
        "more/requirements.txt": "bee ~= 1.0\ncow; python_version >= '3.8'\n",
        "hashes/requirements.txt": "".join(
            f"{name}=={version} \\\n    --hash={index.hash(f'{name}-{version}-py3-none-any.whl')}\n"
            for name, version in (("ant", "2.0"), ("bee", "1.5"))
        ),
        "pyproject.toml": (
            '[project]\nname = "zoo-keeping"\nversion = "1"\ndependencies = ["ant<2"]\n'
            '[project.optional-dependencies]\nwild = ["cow", "Zoo.Keeping[tame]"]\ntame = ["bee"]\n'
            '[dependency-groups]\nnight = ["dog"]\nkeepers = [{include-group = "night"}]\ndev = ["yak"]\n'
        ),
        "locked/pyproject.toml": (
            '[project]\nname = "locked-zoo"\nversion = "1"\nrequires-python = ">=3.10"\n'
            'dependencies = ["ant", "beside"]\n[dependency-groups]\nkeepers = ["dog"]\ndev = ["yak"]\n'
            '[tool.uv.sources]\nbeside = {path = "../beside"}\n[tool.uv]\nconstraint-dependencies = ["bee<2"]\n'
        ),
        "cuda/pyproject.toml": (
            '[project]\nname = "sea"\nversion = "1"\nrequires-python = ">=3.10"\n'
            'dependencies = ["colony", "tern>=2; sys_platform == \'linux\'"]\n'
            '[tool.uv.sources]\ntern = [{ index = "gpu", marker = "sys_platform == \'linux\'" }]\n'
            f'[[tool.uv.index]]\nname = "gpu"\nurl = "{cuda.url}/simple"\nexplicit = true\n'
        ),
        "beside/pyproject.toml": '[project]\nname = "beside"\nversion = "1"\n',
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    for project in ("locked", "cuda"):
        run(uv.find_uv_bin(), "lock", "-q", "--python", sys.executable, "--directory", str(folder / project))
    installed = folder / "site-packages"
    command = ["pip", "install", "-q", "--target", str(installed), "local-only<2", "--python", sys.executable]
    run(uv.find_uv_bin(), *command)
    return folder


@pytest.fixture(scope="module")
def options(kept: Cache, docker_options: dict[str, Any]) -> dict[str, Any]:
    """The options to publish to the testbed and run with its Docker Engine."""
    return {**docker_options, "docker": {**docker_options["docker"], "read_only": True}, "cache": kept}


@pytest.fixture(scope="module")
def outputs(options: dict[str, Any], folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The outputs of all steps; their containers have a read-only root file system."""
    steps = []
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder / "site-packages"))
        for name, how in (("in_images", options), ("here", {"cache": options["cache"]})):
            pipeline = fairing_kfp.load_pipeline(f"{folder / 'packages.py'}:{name}")
            steps += fairing_kfp.run(pipeline, output=tmp_path_factory.mktemp(name), **how).steps
    return {step.name: step.outputs["Output"] for step in steps}


@pytest.mark.parametrize("step", EXPECTED)
def test_step_has_its_packages(outputs: dict[str, Any], step: str) -> None:
    assert outputs[step] == EXPECTED[step]


def test_every_step_has_run(outputs: dict[str, Any]) -> None:
    assert outputs.keys() == EXPECTED.keys()


@pytest.mark.parametrize(
    ("packages", "says"),
    [
        (["rat", "seal"], "the requirements conflict"),
        (["quail"], "quail has no wheel for it"),
        (["newt"], "newt has no wheel for it"),  # requires a newer C library
        (["ibex"], "ibex has no wheel for it, only a source distribution"),
        (["yak==3"], "no version satisfies yak==3"),
        (["never-made-by-anyone-93"], "there is no package never-made-by-anyone-93"),
    ],
)
def test_unresolvable_packages(index: PackageIndex, kept: Cache, packages: list[str], says: str) -> None:
    with pytest.raises(DependencyError) as caught:
        resolve(packages, IMAGE, kept)

    assert caught.value.message.splitlines()[0].endswith(f": {says}")
    assert caught.value.remedy


def test_a_built_wheel_must_be_pure(index: PackageIndex, kept: Cache) -> None:
    lock = resolve(Requirements.parse(["jay"], build=True), IMAGE, kept)

    with pytest.raises(DependencyError, match=r"jay has no wheel, .* compiled code|not pure Python \(jay-1"):
        unpack(lock, kept)


def test_built_wheels_are_reproducible(index: PackageIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    for number in ("1", "2"):
        monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / number / "uv"))
        cache = Cache(tmp_path / number / "cache")
        lock = resolve(Requirements.parse(["ibex"], build=True), IMAGE, cache)
        tree = unpack(lock, cache)
        made.append((lock, {path.relative_to(tree): path.is_file() and path.read_bytes() for path in tree.rglob("*")}))

    assert made[0] == made[1]
    assert made[0][0].built == ("ibex",)
    assert index.hash("ibex-1.0.tar.gz") in made[0][0].text


def test_a_hash_of_another_file_is_refused(index: PackageIndex, kept: Cache) -> None:
    other = f"sha256:{'0' * 64}"

    with pytest.raises(DependencyError, match=r"no compatible file of dog==1\.0"):
        resolve(Requirements.parse(["dog==1.0"], hashes={"dog==1": [other]}), IMAGE, kept)


def test_a_file_replaced_after_locking_is_refused(index: PackageIndex, tmp_path: Path) -> None:
    index.wheel("toad")
    cache = Cache(tmp_path / "cache")
    lock = resolve(["toad"], IMAGE, cache)
    index.wheel("toad", files={"toad.py": "version = 'evil'\n"})

    with pytest.raises(DependencyError, match=r"a different toad==1\.0 than the one that was locked"):
        unpack(lock, cache)


def test_requirements_with_hashes_must_be_complete(index: PackageIndex, kept: Cache) -> None:
    ant = index.hash("ant-2.0-py3-none-any.whl")

    with pytest.raises(DependencyError, match=r"bee==2\.0 is required, but the requirements with hashes do not list"):
        resolve(Requirements.parse(["ant==2.0"], hashes={"ant==2": [ant]}), IMAGE, kept)


@pytest.mark.parametrize("packages", ["pyproject.toml", "uv.lock"])
def test_only_sources_come_from_a_named_index(
    index: PackageIndex, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packages: str
) -> None:
    monkeypatch.delenv("UV_INDEX")
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"loop={index.url}/simple")  # searched last
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    cache = Cache(tmp_path / "cache")

    tree = unpack(resolve(read_requirements(packages, Bundle("sea", ()), folder / "cuda"), IMAGE, cache), cache)

    assert (tree / "tern.py").read_text() == "version = '2.0+cu126'\n"
    assert (tree / "colony.py").read_text() == "version = '2.0'\n"


@pytest.mark.parametrize(
    ("pipeline", "says"),
    [
        ("too_new_libc", "that fits manylinux_2_40, but its image has glibc 2.36"),
        ("musl_libc", "that fits musllinux_1_2, but its image has glibc 2.36"),
    ],
)
def test_an_image_with_another_libc_fails_at_start(
    options: dict[str, Any], folder: Path, tmp_path: Path, pipeline: str, says: str
) -> None:
    with pytest.raises(StepFailedError) as caught:
        fairing_kfp.run(fairing_kfp.load_pipeline(f"{folder / 'packages.py'}:{pipeline}"), output=tmp_path, **options)

    assert says in caught.value.log
    assert "Traceback" not in caught.value.log


def test_wrong_credentials_are_reported_but_not_shown(
    index: PackageIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = "guess" + uuid.uuid4().hex
    monkeypatch.setenv("UV_INDEX_LOOP_PASSWORD", wrong)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))

    with pytest.raises(DependencyError) as caught:
        resolve(["dog"], IMAGE, Cache(tmp_path / "cache"))

    assert wrong not in str(caught.value)
    assert "denies access" in str(caught.value)


def test_credentials_are_not_stored(outputs: dict[str, Any], index: PackageIndex, kept: Cache, folder: Path) -> None:
    secret, address = index.password.encode(), index.url.encode()
    searched = [path for path in (*kept.root.rglob("*"), *folder.rglob("*.lock")) if path.is_file()]

    assert len(searched) > 50
    assert not [path for path in searched if secret in path.read_bytes()]
    in_locks = [path for path in kept.root.glob("records/lock/*") if address in path.read_bytes()]
    assert not in_locks


def test_numpy_and_scikit_learn_as_any_user_on_a_read_only_file_system(
    options: dict[str, Any], folder: Path, shared_cache: Cache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UV_CACHE_DIR")  # large packages: use the existing cache
    pipeline = fairing_kfp.load_pipeline(f"{folder / 'packages.py'}:real")
    published = {name: options[name] for name in ("registry", "insecure", "base_image")}
    try:
        with one_at_a_time(shared_cache, "scikit-learn"):
            image = fairing_kfp.compile(pipeline, cache=shared_cache, **published).images["science"]
    except DependencyError as error:
        if "the package index does not answer" not in error.message:
            raise
        missing(f"the package index is out of reach: {error}")
    parameters = {"Output": {"outputFile": "/outputs/Output"}}
    executor_input = json.dumps({"outputs": {"outputFile": "/outputs/made.json", "parameters": parameters}})
    step = f"python3 /opt/fairing/runtime/step.py --executor_input '{executor_input}' && cat /outputs/made.json"
    confined = ["--user", "54321:54321", "--read-only", "--cap-drop", "ALL", "--tmpfs", "/outputs:mode=1777"]

    said = run("docker", "run", "--rm", "--network", "host", *confined, image, "sh", "-c", step)

    assert json.loads(said.splitlines()[-1])["parameterValues"]["Output"] == [10.0, "called"]
