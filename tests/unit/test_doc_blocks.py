"""Each block of code of README.md and `docs/` works as it is pasted, or a comment before it says why it is not run."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
import yaml

import fairing_kfp
from fairing_kfp.dependencies import lock_file
from fairing_kfp.settings import Settings
from tests.support.doc_blocks import BLOCKS, PAGES, Block, blocks_of, indented_blocks
from tests.support.doc_python import new_module, replace_services, run_block, unknown_names, write_user_files
from tests.support.doc_shell import check_command, commands_of
from tests.support.paths import TOP

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

LANGUAGES = {"python", "sh", "yaml", "toml", "diff", "text"}
OWN_TESTS = {"docs/extending.md"}  # whose blocks test_extending.py runs
GUIDES = "](index.md#the-pipeline-of-the-guides)"  # which a page names if its blocks need that pipeline.py


def blocks(*languages: str) -> list[object]:
    return [
        pytest.param(block, id=str(block))
        for block in BLOCKS
        if block.language in languages and block.page not in OWN_TESTS
    ]


def python_of(page: str) -> list[Block]:
    return [block for block in BLOCKS if block.page == page and block.language == "python" and page not in OWN_TESTS]


@pytest.mark.parametrize("page", sorted({block.page for block in BLOCKS if python_of(block.page)}))
@pytest.mark.usefixtures("author")  # which forgets the modules of the folder
def test_python_of_a_page_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_user_files(tmp_path)
    replace_services(monkeypatch)
    for one in (*(python_of("docs/index.md") if GUIDES in (TOP / page).read_text("utf-8") else ()), *python_of(page)):
        if one.title:
            (tmp_path / one.title).write_text(one.text, "utf-8")
    for number, block in enumerate(python_of(page)):
        if block.not_run is not None:
            assert unknown_names(block.text) == []
            continue
        if not block.continues:
            module = new_module(f"block_{number}_of_{Path(page).stem.replace('-', '_')}")
        run_block(block, module, tmp_path)


@pytest.mark.parametrize("block", blocks("sh"))
def test_commands_are_accepted(block: Block) -> None:
    found = commands_of(block.text)
    for words in found:
        check_command(words)

    assert found


@pytest.mark.parametrize("block", blocks("yaml"))
def test_yaml_is_valid(block: Block) -> None:
    for document in yaml.safe_load_all(block.text):
        if "kind" in document:
            assert {"apiVersion", "kind", "metadata"} <= set(document)


@pytest.mark.parametrize("block", blocks("toml"))
def test_toml_is_valid(block: Block, tmp_path: Path) -> None:
    tables = tomllib.loads(block.text)
    (tmp_path / "pyproject.toml").write_text(block.text, "utf-8")

    Settings.load(tmp_path)
    assert bool(lock_file.loads(block.text, tmp_path)) if "locked" in tables else "tool" in tables


@pytest.mark.parametrize("block", blocks("diff"))
def test_a_difference_is_what_migrate_makes(block: Block, tmp_path: Path) -> None:
    old, new = (
        "".join(f"{line[1:]}\n" for line in block.text.splitlines() if line[0] in signs) for signs in (" -", " +")
    )
    (tmp_path / "train.py").write_text(old, "utf-8")
    fairing_kfp.migrate([tmp_path], write=True)

    assert (tmp_path / "train.py").read_text("utf-8") == new


@pytest.mark.parametrize("block", blocks("text"))
def test_output_is_no_code(block: Block) -> None:
    assert not re.search(r"^(fairing-kfp|make|pip|kubectl|import|from) ", block.text, re.MULTILINE)


def test_each_block_has_a_language() -> None:
    assert [str(block) for block in BLOCKS if block.language not in LANGUAGES] == []
    indented = {str(page.relative_to(TOP)): indented_blocks(page.read_text("utf-8")) for page in PAGES}
    assert {page: found for page, found in indented.items() if found} == {}, "fence them: ```sh"


def test_few_blocks_are_not_run() -> None:
    reasons = {str(block): block.not_run for block in BLOCKS if block.not_run is not None}

    assert all(reasons.values())
    assert len(reasons) <= 2, reasons


def test_comments_before_a_block_are_read() -> None:
    text = '<!-- not run: needs a cluster -->\n\n```python title="a.py"\nx = 1\n```\ntext\n  ```sh\n  make\n  ```\n'

    assert list(blocks_of(text, "page")) == [
        Block("page", 3, "python", "a.py", "x = 1\n", "needs a cluster"),
        Block("page", 7, "sh", None, "make\n"),
    ]


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ("from fairing_kfp import nothing, run", ["fairing_kfp.nothing"]),
        ("import fairing_kfp\nfairing_kfp.mutators.gpus(1)", ["fairing_kfp.mutators.gpus"]),
        ("from kfp import dsl\ndsl.Output[dsl.Modell]", ["kfp.dsl.Modell"]),
    ],
)
def test_unknown_names_are_found(text: str, unknown: list[str]) -> None:
    assert unknown_names(text) == unknown


@pytest.mark.parametrize("text", ["fairing-kfp run a.py --nothing", "fairing-kfp runs nothing", "make nothing", "rm x"])
def test_wrong_commands_are_found(text: str) -> None:
    with pytest.raises(Exception, match=r"nothing|rm"):
        check_command(commands_of(text)[0])
