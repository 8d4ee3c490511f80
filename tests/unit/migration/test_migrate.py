"""Rewriting imports of Fairing in scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp.errors import MigrationError
from fairing_kfp.migration.block import syntax_tree
from fairing_kfp.migration.file import MigratedFile, migrate_file
from fairing_kfp.migration.migrate import migrate


def migrated(tmp_path: Path, text: str) -> MigratedFile:
    path = tmp_path / "train.py"
    path.write_bytes(text.encode())
    return migrate_file(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("from kubeflow import fairing", "from fairing_kfp import classic as fairing"),
        ("from kubeflow import fairing as f  # ours", "from fairing_kfp import classic as f  # ours"),
        (
            "from kubeflow import (\n    fairing,  # ours\n)",
            "from fairing_kfp import (\n    classic as fairing,  # ours\n)",
        ),
        (
            "from kubeflow import tfjob, fairing",
            "from fairing_kfp import classic as fairing\nfrom kubeflow import tfjob",
        ),
        (
            "def f():\n    from kubeflow import (\n        fairing,\n        tfjob as t,\n    )\n",
            "def f():\n    from fairing_kfp import classic as fairing\n"
            "    from kubeflow import (\n        tfjob as t,\n    )\n",
        ),
        (
            "if x: from kubeflow import fairing as f, tfjob",
            "if x: from fairing_kfp import classic as f; from kubeflow import tfjob",
        ),
        (
            "if x: \\\n  from kubeflow import fairing, a, fairing as f, b, fairing as g",
            "if x: \\\n  from fairing_kfp import classic as fairing, classic as f, classic as g; "
            "from kubeflow import a, b",
        ),
        ("print(f'{kubeflow.fairing.x}')", "print(f'{fairing_kfp.classic.x}')"),
        ("from kubeflow.fairing import TrainJob as T", "from fairing_kfp.classic import TrainJob as T"),
        ("from kubeflow.fairing import *", "from fairing_kfp.classic import *"),
        (
            "from  kubeflow . fairing.deployers.job \\\n  .job import (Job,\n  )",
            "from  fairing_kfp . classic.deployers.job \\\n  .job import (Job,\n  )",
        ),
        ("import os, kubeflow.fairing as f; f.config.run()", "import os, fairing_kfp.classic as f; f.config.run()"),
        (
            "import kubeflow.fairing\nkubeflow.fairing.config.run()",
            "import fairing_kfp.classic\nfairing_kfp.classic.config.run()",
        ),
        (
            "import kubeflow.fairing.cloud.gcp\nkubeflow.fairing.cloud.gcp.x()\nkubeflow.tfjob.y()",
            "import kubeflow, fairing_kfp.classic.cloud.gcp\nfairing_kfp.classic.cloud.gcp.x()\nkubeflow.tfjob.y()",
        ),
        (
            "import kubeflow.fairing\nprint(kubeflow)\nkubeflow.fairing.TrainJob",
            "import kubeflow, fairing_kfp.classic\nprint(kubeflow)\nfairing_kfp.classic.TrainJob",
        ),
        (
            "import kubeflow as k\nk.fairing.TrainJob\ndel k",
            "import kubeflow as k, fairing_kfp.classic\nfairing_kfp.classic.TrainJob\ndel k",
        ),
        ("import kubeflow as k\nk.fairing.TrainJob", "import fairing_kfp.classic\nfairing_kfp.classic.TrainJob"),
        (
            "import kubeflow\nkubeflow.fairing.TrainJob, kubeflow.tfjob",
            "import kubeflow, fairing_kfp.classic\nfairing_kfp.classic.TrainJob, kubeflow.tfjob",
        ),
        ("import fairing", "import fairing_kfp.classic as fairing"),
        ("import fairing as f", "import fairing_kfp.classic as f"),
        ("import fairing.backends", "import fairing_kfp.classic.backends, fairing_kfp.classic as fairing"),
        ("from fairing.builders.append import append", "from fairing_kfp.classic.builders.append import append"),
        ("from fairing import config, TrainJob", "from fairing_kfp.classic import config, TrainJob"),
        ("import_module('kubeflow.fairing.backends')", "import_module('fairing_kfp.classic.backends')"),
        (
            'importlib.import_module("." + x, r"kubeflow.fairing")',
            'importlib.import_module("." + x, r"fairing_kfp.classic")',
        ),
        ('import_module(f"kubeflow.fairing.{x}")', 'import_module(f"fairing_kfp.classic.{x}")'),
        ('import_module("kubeflow.fairing.%s" % x)', 'import_module("fairing_kfp.classic.%s" % x)'),
        ('import_module("kubeflow.fairing.{}".format(x))', 'import_module("fairing_kfp.classic.{}".format(x))'),
        ('import_module("fairing.config")', 'import_module("fairing_kfp.classic.config")'),
        (
            "@mock.patch('kubeflow.fairing.config.run')\ndef f(): ...",
            "@mock.patch('fairing_kfp.classic.config.run')\ndef f(): ...",
        ),
        ("'é'; kubeflow.fairing.x\n\f\nprint('\\d')", "'é'; fairing_kfp.classic.x\n\f\nprint('\\d')"),
        (
            "if x:\r\n\tfrom kubeflow import a, fairing\r\n",
            "if x:\r\n\tfrom fairing_kfp import classic as fairing\r\n\tfrom kubeflow import a\r\n",
        ),
    ],
)
def test_imports_change_and_nothing_else(tmp_path: Path, old: str, new: str) -> None:
    file = migrated(tmp_path, old)

    assert file.content.decode() == new
    assert file.changed
    syntax_tree(new)
    assert not migrated(tmp_path, new).changed


@pytest.mark.parametrize(
    "text",
    [
        "from .fairing import x\nfrom . import fairing",
        "from mine import fairing\nfairing.config.run()",
        "import kubeflow.tfjob\nfrom kubeflow import tfjob",
        "import fairing_kfp\nfrom fairing_kfp import classic as fairing",
        "'''Uses kubeflow.fairing.'''  # from kubeflow import fairing",
        "x.kubeflow.fairing",
    ],
)
def test_other_code_stays(tmp_path: Path, text: str) -> None:
    file = migrated(tmp_path, text)

    assert not file.changed
    assert file.diff == ""
    assert file.notes == ()


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("x = 1\nlog('kubeflow.fairing')", "a string names kubeflow.fairing, and stays as it is"),
        ("\nfrom fairing.train import Train", "fairing.train is not in Fairing 0.5 or later"),
        ("\nfrom fairing import strategies", "fairing.strategies is not in Fairing 0.5 or later"),
        ("\nfrom fairing_kfp.classic import nothing", "fairing_kfp.classic has no nothing"),
        ("\nimport fairing_kfp.classic.deployers.nothing", "fairing_kfp.classic has no deployers.nothing"),
        (
            "import fairing_kfp.classic as f\nf.config.run(f.utils.nothing())",
            "fairing_kfp.classic has no utils.nothing",
        ),
        (
            "x = 1\nfairing_kfp.classic.config.run()",
            "fairing_kfp.classic is not imported: add import fairing_kfp.classic",
        ),
        ("import fairing_kfp.classic as f\nf.config.nothing()", "fairing_kfp.classic has no config.nothing"),
    ],
)
def test_what_cannot_be_migrated_is_noted(tmp_path: Path, text: str, note: str) -> None:
    file = migrated(tmp_path, text)

    assert not file.changed
    assert [(one.line, one.text.startswith(note)) for one in file.notes] == [(2, True)]


def test_calls_are_listed_with_their_successors(tmp_path: Path) -> None:
    file = migrated(
        tmp_path,
        """\
from kubeflow import fairing
from kubeflow.fairing import TrainJob
from kubeflow.fairing.deployers.job.job import Job
from kubeflow.fairing.deployers.tfjob.tfjob import TfJob

fairing.config.set_builder(name="docker", registry="registry.example.com/me")
fairing.config.run()
TrainJob("train.py", backend=fairing.backends.GKEBackend()).submit()
deployer = Job(pod_spec_mutators=[fairing.cloud.gcp.add_gcp_credentials])
deployer.deploy(spec)
deployer = TfJob()
deployer.deploy(spec)
print(deployer)
""",
    )

    assert [(call.line, call.text, call.successor and call.successor.call) for call in file.calls] == [
        (6, 'fairing.config.set_builder("docker", …)', 'config.set_builder("docker")'),
        (7, "fairing.config.run()", "config.run"),
        (8, "TrainJob(…).submit()", "TrainJob.submit"),
        (8, "TrainJob(…)", "TrainJob"),
        (8, "fairing.backends.GKEBackend()", "backends.GKEBackend"),
        (9, "Job(…)", "deployers.job"),
        (9, "fairing.cloud.gcp.add_gcp_credentials", "cloud.gcp.add_gcp_credentials"),
        (10, "deployer.deploy(…)", "deployers.job"),
        (11, "TfJob()", "deployers.tfjob"),
        (12, "deployer.deploy(…)", "deployers.tfjob"),
    ]


def test_calls_are_listed_after_the_migration_as_well(tmp_path: Path) -> None:
    before = migrated(tmp_path, "from kubeflow import fairing\nfairing.config.run()\n")
    after = migrated(tmp_path, before.content.decode())

    assert before.calls == after.calls != ()


def test_the_difference_can_be_applied_by_patch(tmp_path: Path) -> None:
    file = migrated(tmp_path, "import os\nimport fairing")
    name = tmp_path / "train.py"

    assert file.diff == (
        f"--- {name}\n+++ {name}\n@@ -1,2 +1,2 @@\n import os\n-import fairing\n\\ No newline at end of file\n"
        "+import fairing_kfp.classic as fairing\n\\ No newline at end of file\n"
    )


def test_the_declared_encoding_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_bytes("#!/usr/bin/python\n# -*- coding: latin-1 -*-\nname = 'é'; import fairing\n".encode("latin-1"))

    content = migrate_file(path).content

    assert content.decode("latin-1").endswith("name = 'é'; import fairing_kfp.classic as fairing\n")


def test_a_byte_order_mark_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "train.py"
    path.write_bytes(b"\xef\xbb\xbfimport fairing\n")

    assert migrate_file(path).content == b"\xef\xbb\xbfimport fairing_kfp.classic as fairing\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"import fairing\nprint 'done'\n", "train.py:2: "),
        (b"import fairing\nname = '\xe9'\n", "train.py is not in the encoding that it declares"),
        (b"# coding: nonsense\nimport fairing\n", "train.py is not in the encoding that it declares: unknown encoding"),
        (b"import fairing\nx = '\0'\n", "train.py:1: "),
        (
            b"# coding: iso2022_jp\n\x1b(B\x1b(Bimport fairing\n",
            "the encoding iso2022_jp of .*train.py does not keep its bytes",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path, data: bytes, message: str) -> None:
    path = tmp_path / "train.py"
    path.write_bytes(data)

    with pytest.raises(MigrationError, match=message):
        migrate_file(path)


def test_a_result_that_is_not_python_is_never_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "train.py"
    path.write_text("import fairing\n")
    monkeypatch.setattr("fairing_kfp.migration.rewrite.CLASSIC", "not a name")

    migration = migrate([path], write=True)

    assert [error.message for error in migration.failures] == [
        f"{path} would not be valid with its imports rewritten: {path}:1: invalid syntax"
    ]
    assert path.read_text() == "import fairing\n"


def test_files_without_fairing_are_not_parsed(tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text("print 'done'\n")

    migration = migrate([tmp_path])

    assert (migration.read, migration.files, migration.failures) == (1, (), ())


def test_writing_changes_files_and_keeps_permissions_and_links(tmp_path: Path) -> None:
    script, other = tmp_path / "a" / "train.py", tmp_path / "b.py"
    script.parent.mkdir()
    script.write_text("import fairing\n")
    script.chmod(0o755)
    other.write_text("import os\n")
    link = tmp_path / "link.py"
    link.symlink_to(script)

    assert migrate([link]).changed
    assert script.read_text() == "import fairing\n"
    migration = migrate([link, tmp_path], write=True)

    assert [file.path for file in migration.changed] == [link]
    assert migration.read == 2
    assert link.is_symlink()
    assert script.read_text() == "import fairing_kfp.classic as fairing\n"
    assert script.stat().st_mode & 0o777 == 0o755
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a", "b.py", "link.py", "train.py"]
    assert not migrate([tmp_path], write=True).changed


def test_a_file_that_fails_does_not_keep_others_from_being_migrated(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import fairing; print 1\n")
    (tmp_path / "b.py").write_text("import fairing\n")

    migration = migrate([tmp_path], write=True)

    assert [error.message.partition(": ")[0] for error in migration.failures] == [f"{tmp_path / 'a.py'}:1"]
    assert (tmp_path / "a.py").read_text() == "import fairing; print 1\n"
    assert (tmp_path / "b.py").read_text() == "import fairing_kfp.classic as fairing\n"


@pytest.mark.parametrize("place", ["fairing.py", "fairing/__init__.py", "work/fairing.py"])
def test_a_module_fairing_of_the_users_stays(tmp_path: Path, place: str) -> None:
    own = tmp_path / place
    own.parent.mkdir(exist_ok=True)
    own.touch()
    script = tmp_path / "work" / "train.py"
    script.parent.mkdir(exist_ok=True)
    script.write_text("import fairing\nfrom kubeflow.fairing import config\nfairing.config.run()\n")

    (file,) = migrate([tmp_path]).files

    assert file.content.decode() == script.read_text().replace("kubeflow.fairing", "fairing_kfp.classic")
    assert [note.text for note in file.notes] == ["fairing is a module of yours, and stays as it is"]
    assert file.calls == ()


def test_folders_are_read_without_what_is_ignored(tmp_path: Path) -> None:
    for place in (
        "src/a.py",
        "src/b.ipynb",
        ".git/c.py",
        ".venv/d.py",
        "own/pyvenv.cfg",
        "own/e.py",
        "old/f.py",
        "src/skipped.py",
        "g.txt",
    ):
        path = tmp_path / place
        path.parent.mkdir(exist_ok=True)
        path.write_text('{"cells": [], "nbformat": 4}' if place.endswith(".ipynb") else "import fairing\n")
    (tmp_path / ".fairingignore").write_text("old\nsrc/skipped.py\n")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "broken.py").symlink_to("nowhere")

    migration = migrate([tmp_path])

    assert migration.read == 2
    assert [file.path for file in migration.files] == [tmp_path / "src" / "a.py"]


@pytest.mark.parametrize(
    ("name", "message"),
    [("missing.py", "missing.py does not exist"), ("notes.txt", "neither a .py nor an .ipynb file")],
)
def test_a_path_that_cannot_be_migrated_is_an_error(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "notes.txt").touch()

    with pytest.raises(MigrationError, match=message):
        migrate([tmp_path / name])
