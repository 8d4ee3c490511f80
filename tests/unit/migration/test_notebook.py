"""Rewriting imports of Fairing in notebooks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fairing_kfp.errors import MigrationError
from fairing_kfp.migration.file import MigratedFile, migrate_file
from tests.support.notebook_files import write

NOTEBOOK = r"""{
   "metadata": {"kernelspec": {"language": "python", "name": "python3", "display_name": "Python 3"}},
 "cells": [
  {"source": ["# from kubeflow import fairing"], "cell_type": "markdown", "metadata": {}},
  {
   "outputs": [{"output_type": "stream", "name": "stdout", "text": ["kubeflow.fairing \u00e9\n"]}],
   "source": [
    "#\u00e9 \ud83d\ude00 \"q\"\n",
    "x = '\t\\'; from kubeflow import tfjob, fairing\n",
    "from kubeflow import tfjob, fairing\n",
    "import os"
   ],
   "cell_type": "code", "execution_count": 1.0, "metadata": {}
  },
  {"cell_type": "code", "source": "%time kubeflow.fairing.config.run()", "metadata": {}, "outputs": []}
 ],
 "nbformat_minor": 2, "nbformat": 4}
"""


def migrated(path: Path) -> MigratedFile:
    return migrate_file(path)


def cells(content: bytes) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(content)["cells"]]


def test_only_texts_of_code_cells_change(tmp_path: Path) -> None:
    path = tmp_path / "train.ipynb"
    text = NOTEBOOK.replace(r"'\t\\'; ", r"'\t\\\\'; ")
    path.write_text(text, "utf-8")
    file = migrated(path)
    expected = (
        text.replace(
            '    "from kubeflow import tfjob, fairing\\n',
            '    "from fairing_kfp import classic as fairing\\n",\n    "from kubeflow import tfjob\\n',
        )
        .replace(
            "; from kubeflow import tfjob, fairing",
            "; from fairing_kfp import classic as fairing; from kubeflow import tfjob",
        )
        .replace("%time kubeflow.fairing", "%time fairing_kfp.classic")
    )

    assert file.content.decode() == expected
    assert [(call.cell, call.line, call.text) for call in file.calls] == [(3, 1, "kubeflow.fairing.config.run()")]
    assert "kubeflow.fairing is not imported: add import fairing_kfp.classic" in {note.text for note in file.notes}
    json.loads(file.content)
    path.write_bytes(file.content)
    assert not migrated(path).changed


@pytest.mark.parametrize("indent", [None, 0, 1, "\t"])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("by_line", [True, False])
def test_each_form_of_json_is_kept(tmp_path: Path, indent: int | str | None, ascii_only: bool, by_line: bool) -> None:
    quoted = """é = '😀\\n\\"'; """
    old = f"{quoted}import kubeflow, fairing\nkubeflow.fairing.x\nif é:\n\tfrom kubeflow import fairing, b"
    new = (
        f"{quoted}import fairing_kfp.classic, fairing_kfp.classic as fairing\nfairing_kfp.classic.x\n"
        "if é:\n\tfrom fairing_kfp import classic as fairing\n\tfrom kubeflow import b"
    )

    def notebook(cells: list[str]) -> str:
        sources = [text.splitlines(keepends=True) if by_line else text for text in cells]
        listed = [{"source": source, "cell_type": "code", "id": str(n)} for n, source in enumerate(sources)]
        document = {"nbformat": 4, "cells": listed, "metadata": {"é": "fairing"}}
        return json.dumps(document, indent=indent, ensure_ascii=ascii_only)

    path = tmp_path / "a.ipynb"
    path.write_text(notebook([old, "'😀'", ""]), "utf-8")

    assert migrated(path).content.decode() == notebook([new, "'😀'", ""])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("!pip install x\nfrom kubeflow import fairing", "!pip install x\nfrom fairing_kfp import classic as fairing"),
        ("%%time\nimport fairing", "%%time\nimport fairing_kfp.classic as fairing"),
        ("  import fairing\n  %matplotlib inline", "  import fairing_kfp.classic as fairing\n  %matplotlib inline"),
        (">>> import fairing", ">>> import fairing_kfp.classic as fairing"),
        ("x = !ls\nif x:\n    import fairing", "x = !ls\nif x:\n    import fairing_kfp.classic as fairing"),
        ("%timeit -n1 -r3 import fairing\nfairing?", "%timeit -n1 -r3 import fairing_kfp.classic as fairing\nfairing?"),
        (
            "%%writefile a/train.py\n'''é'''\nimport fairing",
            "%%writefile a/train.py\n'''é'''\nimport fairing_kfp.classic as fairing",
        ),
        ("s = '''\n%time\n'''; import fairing", "s = '''\n%time\n'''; import fairing_kfp.classic as fairing"),
        ("await f()\nimport fairing\n", "await f()\nimport fairing_kfp.classic as fairing\n"),
    ],
)
def test_cells_may_have_magics(tmp_path: Path, old: str, new: str) -> None:
    file = migrated(write(tmp_path / "a.ipynb", "x = 1", old))

    assert cells(file.content) == ["x = 1", new]


@pytest.mark.parametrize(
    "text", ["%%bash\npython -c 'import fairing'", "%%writefile a.txt\nimport fairing", "!pip show fairing"]
)
def test_what_is_not_python_stays(tmp_path: Path, text: str) -> None:
    assert not migrated(write(tmp_path / "a.ipynb", text)).changed


def test_names_of_one_cell_are_known_in_others(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.ipynb",
        "import kubeflow",
        "job = kubeflow.fairing.TrainJob('train.py')",
        "print 'Python 2'",
        "%time job.submit()",
    )

    file = migrated(path)

    assert cells(file.content)[:2] == ["import fairing_kfp.classic", "job = fairing_kfp.classic.TrainJob('train.py')"]
    assert [(call.cell, call.line, call.text) for call in file.calls] == [
        (2, 1, "kubeflow.fairing.TrainJob(…)"),
        (4, 1, "job.submit()"),
    ]
    assert file.diff.splitlines()[0] == f"--- {path}, cell 1"


def test_notebooks_of_format_3_are_migrated(tmp_path: Path) -> None:
    path = tmp_path / "a.ipynb"
    sheets = [{"cells": [{"cell_type": "code", "language": "python", "input": ["import fairing"]}]}]
    path.write_text(json.dumps({"nbformat": 3, "worksheets": sheets}))

    content = json.loads(migrated(path).content)

    assert content["worksheets"][0]["cells"][0]["input"] == ["import fairing_kfp.classic as fairing"]


def test_notebooks_in_other_languages_stay(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", "import fairing", metadata={"kernelspec": {"language": "R"}})

    assert not migrated(path).changed


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"fairing": [', "Expecting value"),
        ('["fairing"]', "'{' is expected at character 1"),
        ('{"metadata": "fairing"}', "it has no cells"),
        ('{"cells": {}, "metadata": "fairing"}', "its metadata are malformed"),
        ('{"cells": {"fairing": 1}}', "'\\[' is expected at character 11"),
        ('{"cells": ["fairing"]}', "'{' is expected at character 12"),
        ('{"cells": [{"cell_type": "code", "source": ["fairing", 1]}]}', "the source of cell 1 is not text"),
        ('{"cells": [{"cell_type": "code", "source": {"fairing": 1}}]}', "'\\[' is expected at character 44"),
    ],
)
def test_what_is_not_a_notebook_is_an_error(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.ipynb").write_text(content)

    with pytest.raises(MigrationError, match=rf"a\.ipynb is not a notebook: .*{message}"):
        migrated(tmp_path / "a.ipynb")


def test_a_cell_that_is_not_python_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.ipynb", "x = 1", "import fairing\nprint 'done'")

    with pytest.raises(MigrationError, match=r"a\.ipynb, cell 2, line 2: "):
        migrated(path)
