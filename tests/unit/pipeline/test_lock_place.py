"""Places of lock files."""

import textwrap
from pathlib import Path

import nbformat
from kfp import dsl

import fairing_kfp
from fairing_kfp import fairing_component
from fairing_kfp.pipeline.lock_place import folder_of, lock_path
from fairing_kfp.settings import Settings

PIPELINE = """
    from kfp import dsl
    from fairing_kfp import fairing_component

    @fairing_component
    def rest(depth: int) -> int:
        return depth

    @dsl.pipeline(name="garden")
    def garden(depth: int = 1):
        rest(depth=depth)
"""


def len_of(text: str) -> int:
    return len(text)


def test_a_script_or_notebook_has_its_lock_file_in_its_folder(file, tmp_path):
    script = file.parent / "plant.py"
    script.write_text("print('planted')")
    notebook = file.parent / "sow.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x = 1")]), notebook)
    text = 'from fairing_kfp import fairing_component\ncomponent = fairing_component.from_script("plant.py")\n'
    (file.parent / "components.py").write_text(text)
    made = [fairing_kfp.load_pipeline(f"{file.parent / 'components.py'}:component")]
    made += [fairing_component.from_notebook(notebook)]
    made += [fairing_kfp.job(component) for component in made]
    assert [lock_path(folder_of(component), Settings()) for component in made] == 4 * [file.parent / "fairing.lock"]
    plain = dsl.component(len_of, base_image="python:3.11")
    assert lock_path(folder_of(plain), Settings()) == Path(__file__).parent / "fairing.lock"


def test_the_place_depends_on_the_pipeline_and_the_settings(file, tmp_path, monkeypatch):
    pipeline = fairing_kfp.load_pipeline(str(file))
    assert lock_path(folder_of(pipeline), Settings()) == file.parent / "fairing.lock"
    exec(compile(textwrap.dedent(PIPELINE), "<stdin>", "exec"), scope := {"__name__": "typed"})
    assert lock_path(folder_of(scope["garden"]), Settings()) == tmp_path / "fairing.lock"
    assert lock_path(folder_of(scope["garden"]), Settings(), file.parent) == file.parent / "fairing.lock"
    (file.parent / "pyproject.toml").write_text('[tool.fairing-kfp]\nlock = "locks/ours.lock"\n')
    assert lock_path(folder_of(pipeline), Settings.load(file.parent)) == Path(file.parent, "locks", "ours.lock")
    monkeypatch.setenv("FAIRING_KFP_LOCK", "elsewhere.lock")
    assert lock_path(folder_of(pipeline), Settings.load(file.parent)) == tmp_path / "elsewhere.lock"
