"""A pipeline and the lock file beside it, in Python and by the command."""

import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner
from kfp import dsl

import fairing_kfp
from fairing_kfp import fairing_component
from fairing_kfp.build.cache import Cache
from fairing_kfp.cli import main
from fairing_kfp.errors import ConfigError, DependencyError, LockError
from fairing_kfp.local.launches import in_process
from fairing_kfp.locking import Change, lock_path
from fairing_kfp.preprocess.locks import Locks
from fairing_kfp.settings import Settings
from fairing_kfp.source import components

PIPELINE = """
    from kfp import dsl
    from fairing_kfp import fairing_component

    @fairing_component(packages=["ant"])
    def dig(depth: int) -> int:
        return depth

    @fairing_component(packages=["ant", "bee"], platforms=["linux/amd64", "linux/arm64"])
    def fly(depth: int) -> int:
        return depth

    @fairing_component
    def rest(depth: int) -> int:
        return depth

    @dsl.pipeline(name="garden")
    def garden(depth: int = 1):
        dig(depth=depth)
        fly(depth=depth)
        rest(depth=depth)
"""


@pytest.fixture
def file(tmp_path, monkeypatch, unloaded):
    """A pipeline's file, in a folder in which nobody stands."""
    monkeypatch.delenv("FAIRING_KFP_LOCK")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "project" / "garden.py"
    path.parent.mkdir()
    path.write_text(textwrap.dedent(PIPELINE))
    return path


def lock(file, **options):
    return fairing_kfp.lock(fairing_kfp.load_pipeline(str(file)), **options)


def len_of(text: str) -> int:
    return len(text)


def command(*words) -> str:
    done = CliRunner().invoke(main, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.output


def test_compiling_writes_it_beside_the_pipeline_and_explaining_nothing(shelf, file, tmp_path):
    shelf.wheel("ant")
    shelf.wheel("bee")
    pipeline = fairing_kfp.load_pipeline(str(file))
    fairing_kfp.explain(pipeline)
    assert list(file.parent.glob("*.lock")) == []
    options = {"builder": f"layout:{tmp_path / 'layout'}", "base_image": "127.0.0.1:9/none"}
    with pytest.raises(fairing_kfp.FairingError, match=r"127\.0\.0\.1:9"):  # what is kept is kept by then
        fairing_kfp.compile(pipeline, **options)
    assert (file.parent / "fairing.lock").read_text().count("[[locked]]") == 3


def test_explaining_shows_what_the_lock_says(shelf, file):
    shelf.wheel("ant")
    shelf.wheel("bee")
    lock(file, cache=Cache(file.parent / "one"))
    shelf.wheel("ant", "1.1")
    found = fairing_kfp.explain(fairing_kfp.load_pipeline(str(file)), cache=Cache(file.parent / "other"))
    assert {pin for item in found for pin in item.prepared.requirements} == {"ant==1.0", "bee==1.0"}


def test_the_command_tells_what_changed(shelf, file):
    shelf.wheel("ant", "1.0")
    shelf.wheel("bee", "1.0", needs=["cow"])
    shelf.wheel("cow")
    first = command("lock", file)
    assert "+ ant 1.0  linux/amd64\n+ ant 1.0  linux/arm64\n+ bee 1.0  linux/amd64" in first
    assert "unchanged" in command("lock", file)
    shelf.wheel("ant", "1.1")
    shelf.wheel("bee", "1.1")
    second = command("lock", file, "--upgrade", "bee")
    assert "~ bee 1.0 → 1.1  linux/amd64" in second
    assert "- cow 1.0  linux/amd64" in second
    assert "ant" not in second
    assert "~ ant 1.0 → 1.1  linux/arm64" in command("lock", file, "--upgrade")


def test_names_without_upgrade_are_refused(file):
    done = CliRunner().invoke(main, ["lock", str(file), "ant"])
    assert done.exit_code == 2
    assert "--upgrade ant" in done.output


def test_a_name_that_is_not_there_is_refused(shelf, file):
    shelf.wheel("ant")
    shelf.wheel("bee")
    lock(file)
    with pytest.raises(DependencyError, match="has no package wasp, which is to be upgraded"):
        lock(file, upgrade=["wasp"])
    with pytest.raises(ConfigError, match=r"upgrade=\['ant'\]"):
        lock(file, upgrade="ant")


def test_its_result(shelf, file):
    shelf.wheel("ant")
    shelf.wheel("bee")
    done = lock(file)
    assert (done.path, done.entries) == (file.parent / "fairing.lock", 3)
    assert done.changes[0] == Change("ant", "linux/amd64", (), ("1.0",))
    assert lock(file).changes == ()
    path = file.parent / "fairing.lock"
    path.write_text(path.read_text().replace(f'python = "3.{sys.version_info[1]}"', 'python = "3.99"'))
    assert [change.name for change in lock(file).changes] == ["ant", "ant", "bee", "bee"]  # of another Python nothing
    assert lock(file).changes == ()


def test_a_damaged_file_stops_everything(file, no_uv):
    no_uv()
    (file.parent / "fairing.lock").write_text("version = 1\n<<<<<<< ours\n")
    pipeline = fairing_kfp.load_pipeline(str(file))
    for verb in (fairing_kfp.lock, fairing_kfp.explain, fairing_kfp.compile, fairing_kfp.run):
        with pytest.raises(LockError, match="line 2"):
            verb(pipeline)


def test_a_file_that_cannot_be_written_is_told(shelf, file):
    shelf.wheel("ant")
    shelf.wheel("bee")
    with pytest.raises(ConfigError, match=r"nowhere/fairing\.lock cannot be written"):
        lock(file, lock="nowhere/fairing.lock")


def test_a_run_here_takes_the_versions_of_the_image(shelf, file, cache, no_uv):
    shelf.wheel("ant", "1.0")
    shelf.wheel("bee", "1.0")
    lock(file)
    for version in ("1.1", "1.2"):
        shelf.wheel("ant", version)
    text = (file.parent / "fairing.lock").read_text()
    source = next(one for one in components() if one.name == "dig" and one.packages == ("ant",))
    locks = Locks(cache, file.parent / "fairing.lock")
    assert in_process(source, Settings(), cache, locks).warnings == ()
    (shelf.folder / "ant-1.0-py3-none-any.whl").unlink()
    warned = in_process(source, Settings(), Cache(cache.root / "other"), locks).warnings
    assert warned == ("dig runs here with ant 1.2 instead of 1.0 of fairing.lock, which has no wheel for this machine",)
    assert (file.parent / "fairing.lock").read_text() == text
    assert in_process(replace(source, packages=("bee",)), Settings(), cache, locks).warnings == ()  # which is not kept


def test_that_of_a_script_or_notebook_lies_beside_it(file, tmp_path):
    script = file.parent / "plant.py"
    script.write_text("print('planted')")
    notebook = file.parent / "sow.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")]), notebook)
    text = 'from fairing_kfp import fairing_component\ncomponent = fairing_component.from_script("plant.py")\n'
    (file.parent / "components.py").write_text(text)
    made = [fairing_kfp.load_pipeline(f"{file.parent / 'components.py'}:component")]
    made += [fairing_component.from_notebook(notebook)]
    assert [lock_path(component, Settings()) for component in made] == 2 * [file.parent / "fairing.lock"]
    plain = dsl.component(len_of, base_image="python:3.11")
    assert lock_path(plain, Settings()) == Path(__file__).parent / "fairing.lock"


def test_where_it_lies(file, tmp_path, monkeypatch):
    pipeline = fairing_kfp.load_pipeline(str(file))
    assert lock_path(pipeline, Settings()) == file.parent / "fairing.lock"
    exec(compile(textwrap.dedent(PIPELINE), "<stdin>", "exec"), scope := {"__name__": "typed"})
    assert lock_path(scope["garden"], Settings()) == tmp_path / "fairing.lock"
    assert lock_path(scope["garden"], Settings(), file.parent) == file.parent / "fairing.lock"
    (file.parent / "pyproject.toml").write_text('[tool.fairing-kfp]\nlock = "locks/ours.lock"\n')
    assert lock_path(pipeline, Settings.load(file.parent)) == Path(file.parent, "locks", "ours.lock")
    monkeypatch.setenv("FAIRING_KFP_LOCK", "elsewhere.lock")
    assert lock_path(pipeline, Settings.load(file.parent)) == tmp_path / "elsewhere.lock"
