from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fairing_kfp.dependencies.bytecode import compile_trees
from fairing_kfp.errors import DependencyError

_SOURCE = """
import os
KINDS = {"a", "b", "c", "dd", "eee"}

def known(word, deep=(1, ("x", b"y"))):
    return word in {"one", "two", "three", "four", "five"} and os.sep
"""


def write(tree: Path) -> Path:
    (tree / "package").mkdir(parents=True)
    (tree / "package" / "__init__.py").write_text(_SOURCE)
    (tree / "package" / "other.py").write_text("import package\n\nclass Other:\n    names = ('a', 'b')\n")
    (tree / "package" / "template.py").write_text("def {{ name }}(): ...\n")
    (tree / "single.py").write_text("def fail():\n    raise ValueError('here')\n")
    return tree


def compiled(tree: Path) -> dict[str, bytes]:
    return {path.relative_to(tree).as_posix(): path.read_bytes() for path in tree.rglob("*.pyc")}


def test_byte_code_is_the_same_wherever_it_is_compiled(tmp_path: Path) -> None:
    first, second = write(tmp_path / "first" / "tree"), write(tmp_path / "second" / "further" / "tree")
    compile_trees([first], "opt/packages")
    code = "from pathlib import Path\nfrom fairing_kfp.dependencies.bytecode import compile_trees\n"
    code += f"compile_trees([Path({str(second)!r})], 'opt/packages')"
    environment = {**os.environ, "PYTHONHASHSEED": "17", "HOME": str(tmp_path), "LANG": "C"}
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)

    assert compiled(first) == compiled(second)
    assert set(compiled(first)) == {
        importlib.util.cache_from_source(place) for place in ("package/__init__.py", "package/other.py", "single.py")
    }


def test_byte_code_is_used_despite_other_times_and_sources(tmp_path: Path) -> None:
    tree = write(tmp_path / "tree")
    compile_trees([tree], "opt/packages")
    (tree / "single.py").write_text("raise SystemExit('the source was read')\n")
    code = "import single, traceback\ntry: single.fail()\nexcept ValueError: traceback.print_exc()"
    done = subprocess.run([sys.executable, "-S", "-c", code], cwd=tree, capture_output=True, text=True, check=True)

    assert "line 2, in fail" in done.stderr


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None has a hash of its own since Python 3.12")
def test_code_that_depends_on_addresses_is_not_compiled(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "uncertain.py").write_text("def known(value):\n    return value in {None, 'a'}\n")
    compile_trees([tree], "opt/packages")

    assert compiled(tree) == {}


def test_compiler_failure(tmp_path: Path) -> None:
    tree = write(tmp_path / "tree")
    (tree / "__pycache__").write_text("in the way")

    with pytest.raises(DependencyError, match="cannot compile byte code"):
        compile_trees([tree], "opt/packages")
