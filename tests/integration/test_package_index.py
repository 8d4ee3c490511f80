"""Real packages of the package index. Without it these tests are skipped, which fails on CI."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fairing_kfp.cache.store import Cache
from fairing_kfp.dependencies.resolve import resolve
from fairing_kfp.dependencies.target import Target
from fairing_kfp.dependencies.unpacked import unpack
from fairing_kfp.errors import DependencyError
from tests.support.paths import TOP

# Pure and compiled packages, console scripts, two that share a namespace through .pth files, and a .pth with code.
MIXED = [
    "six==1.16.0",
    "click==8.1.7",
    "markupsafe==3.0.2",
    "pygments==2.18.0",
    "sphinxcontrib-jsmath==1.0.1",
    "sphinxcontrib-qthelp==1.0.2",
    "setuptools==75.1.0",
]
IMAGE = Target.for_image((3, 12))
AARCH64 = 183  # e_machine of the ELF format


@pytest.fixture(scope="module", autouse=True)
def _index(tmp_path_factory):
    try:
        resolve(["six"], IMAGE, Cache(tmp_path_factory.mktemp("cache")))
    except DependencyError as error:
        if not any(word in error.message for word in ("the package index", "offline")):
            raise
        reason = f"the package index is out of reach: {error}"
        pytest.fail(reason) if os.environ.get("CI") == "true" else pytest.skip(reason)


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


PROGRAM = """
import hashlib, sys
from pathlib import Path
from fairing_kfp.cache.store import Cache
from fairing_kfp.dependencies.target import Target
from fairing_kfp.dependencies.resolve import resolve
from fairing_kfp.dependencies.unpacked import unpack
cache = Cache(Path(sys.argv[1]))
lock = resolve(sys.argv[2:], Target.for_image((3, 12)), cache)
root = unpack(lock, cache)
print(lock.digest)
for path in sorted(root.rglob("*")):
    content = path.read_bytes() if path.is_file() else b""
    print(path.relative_to(root), oct(path.stat().st_mode), hashlib.sha256(content).hexdigest())
"""


def test_trees_of_real_packages_are_reproducible(tmp_path):
    made = []
    for seed, requirements in [("1", MIXED), ("2", MIXED[::-1])]:
        home = tmp_path / seed / "home"
        home.mkdir(parents=True)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "XDG_"))}
        environment = {
            **kept,
            "HOME": str(home),
            "UV_CACHE_DIR": str(home / "uv"),
            "PYTHONHASHSEED": seed,
            "PYTHONPATH": str(TOP),
        }
        command = [sys.executable, "-c", PROGRAM, str(tmp_path / seed / "cache"), *requirements]
        done = subprocess.run(command, check=True, cwd=home, env=environment, capture_output=True, text=True)
        made.append(done.stdout)
    assert made[0] == made[1]
    assert "bin/pygmentize" in made[0]
    assert made[0].count("\n") > 500


def test_wheels_for_another_python_and_machine(cache):
    folder = unpack(resolve(["markupsafe==3.0.2"], Target.for_image((3, 13), "linux/arm64"), cache), cache)
    (native,) = folder.glob("markupsafe/*.so")
    assert native.name == "_speedups.cpython-313-aarch64-linux-gnu.so"
    assert native.read_bytes()[18] == AARCH64


def test_a_host_tree_works_in_a_bare_python(cache):
    folder = unpack(resolve(MIXED, Target.for_host(), cache), cache)
    code = (
        f"import site; site.addsitedir({str(folder)!r})\n"
        "import click, importlib.metadata, markupsafe._speedups, pygments, six\n"
        "import importlib.util\n"  # not imported, since they need Sphinx
        "assert all(importlib.util.find_spec(f'sphinxcontrib.{name}') for name in ('jsmath', 'qthelp'))\n"
        "assert importlib.metadata.version('markupsafe') == '3.0.2'\n"
        "assert all(name in importlib.metadata.packages_distributions() for name in ('six', 'click'))\n"
    )
    if sys.version_info >= (3, 12):
        code += "import distutils\n"  # provided by the .pth file of setuptools
    subprocess.run([sys.executable, "-I", "-S", "-B", "-c", code], check=True)
    environment = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "PYTHONPATH": str(folder)}
    done = subprocess.run([folder / "bin" / "pygmentize", "-V"], env=environment, capture_output=True, text=True)
    assert "2.18.0" in done.stdout, done.stderr


def test_the_locked_scikit_learn_has_its_dependencies(cache):
    names = [pin.partition("==")[0] for pin in resolve(["scikit-learn==1.7.*"], IMAGE, cache).requirements]
    assert {"joblib", "numpy", "scikit-learn", "scipy", "threadpoolctl"} <= set(names)


@pytest.mark.parametrize(
    ("requirements", "python", "meaning"),
    [
        (["docopt==0.6.2"], (3, 12), "docopt has no wheel for it, only a source distribution"),
        (["num2words==0.5.12"], (3, 12), "docopt has no wheel for it, only a source distribution"),
        (["scikit-learn==1.7.*"], (3, 9), "scikit-learn has no wheel for it, only a source distribution"),
        (["tensorflow==2.15.0"], (3, 13), "tensorflow has no wheel for it"),
        (["pywin32"], (3, 12), "pywin32 has no wheel for it"),
        (["six==99"], (3, 12), "no version satisfies six==99"),
        (["requests==2.32.3", "urllib3==1.20"], (3, 12), "the requirements conflict"),
    ],
)
def test_what_cannot_be_resolved(requirements, python, meaning, cache):
    with pytest.raises(DependencyError) as caught:
        resolve(requirements, Target.for_image(python), cache)
    head, explanation = caught.value.message.splitlines()
    assert head == f"packages for {Target.for_image(python)}: {meaning}"
    assert explanation.startswith("  uv: Because ")
