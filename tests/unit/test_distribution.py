"""What an installer finds beside the package, and what a contributor finds in the checkout."""

from __future__ import annotations

import re
import subprocess
import zipfile
from pathlib import Path

import pytest
import yaml
from hatchling.builders.wheel import WheelBuilder

from fairing_kfp.recipe.package_layer import package_files
from tests.support.paths import TOP

MAKEFILE = (TOP / "Makefile").read_text("utf-8")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return Path(
        next(WheelBuilder(str(TOP)).build(directory=str(tmp_path_factory.mktemp("dist")), versions=["standard"]))
    )


def test_the_wheel_has_the_roles_and_the_documentation_beside_the_package(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        found = {name.partition("/data/share/")[2] for name in archive.namelist()} - {""}
    roles = {f"fairing-kfp/rbac/{path.name}" for path in (TOP / "components/rbac").iterdir()}
    pages = {
        f"doc/fairing-kfp/{path.relative_to(TOP / 'docs').as_posix()}"
        for path in (TOP / "docs").rglob("*")
        if path.is_file()
    }

    assert len(roles) > 5
    assert len(pages) > 10
    assert found == roles | pages | {"doc/fairing-kfp/CHANGELOG.md", "doc/fairing-kfp/SECURITY.md"}


def test_the_package_in_the_wheel_has_the_files_of_the_checkout(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if name.startswith("fairing_kfp/")}

    assert found == {name for name in package_files() if name.startswith("fairing_kfp/")}


def test_make_help_lists_each_target() -> None:
    done = subprocess.run(["make", "--no-print-directory", "help"], cwd=TOP, capture_output=True, text=True, check=True)
    targets = set(re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split())  # type: ignore[index]

    assert {"demo", "test", "help"} <= targets
    assert {line.split()[0] for line in done.stdout.splitlines() if len(line.split()) > 1} == targets


def test_the_hooks_of_pre_commit_are_what_make_check_runs() -> None:
    (source,) = yaml.safe_load((TOP / ".pre-commit-config.yaml").read_text())["repos"]
    run = {" ".join(hook["entry"].split()[:2]) for hook in source["hooks"]}
    check = re.search(r"^check:.*\n((?:\t.*\n)+)", MAKEFILE, re.MULTILINE)

    assert source["repo"] == "local"
    assert check
    assert run == {" ".join(line.strip("\t@").removesuffix(" .").split()[:2]) for line in check[1].splitlines()}


def test_workflows_run_targets_of_make() -> None:
    workflow = yaml.safe_load((TOP / ".github/workflows/test.yml").read_text())
    (job,) = workflow["jobs"].values()
    matrix = job["strategy"]["matrix"]
    run = {*matrix["target"], *(one["target"] for one in matrix["include"])}
    targets = re.search(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[1].split()  # type: ignore[index]

    assert job["steps"][-1]["run"] == "make ${{ matrix.target }}"
    assert {"check", "docs", "test", "test-kfp"} <= run <= set(targets)


def test_the_oldest_kfp_that_is_tested_is_the_oldest_that_is_required() -> None:
    required = re.search(r'"kfp>=([\d.]+),<3"', (TOP / "pyproject.toml").read_text("utf-8"))
    tested = re.search(r"^KFP \?= ([\d.]+)\.\*$", MAKEFILE, re.MULTILINE)

    assert required
    assert tested
    assert required[1] == tested[1]


def test_the_tests_for_the_oldest_kfp_exist() -> None:
    for line in (TOP / "tests/kfp-oldest.txt").read_text().splitlines():
        path, _, test = line.removeprefix("--ignore=").removeprefix("--deselect=").partition("::")
        assert (TOP / path).exists(), line
        assert not test or f"def {test.partition('[')[0]}(" in (TOP / path).read_text("utf-8"), line


@pytest.mark.parametrize("name", ["bug", "feature"])
def test_the_forms_of_issues_are_whole(name: str) -> None:
    form = yaml.safe_load((TOP / ".github/ISSUE_TEMPLATE" / f"{name}.yml").read_text())
    fields = [field for field in form["body"] if field["type"] != "markdown"]

    assert form["name"]
    assert form["description"]
    assert len({field["id"] for field in fields}) == len(fields) > 0
    assert all(field["attributes"]["label"] for field in fields)
