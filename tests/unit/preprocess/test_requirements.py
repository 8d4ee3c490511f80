"""What `packages=` may be: every form comes down to the same value, or to an error that says what is wrong."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.errors import ComponentError, DependencyError, FairingError
from fairing_kfp.preprocess import uv_command
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.requirements import Requirements, check_form, read_requirements
from fairing_kfp.preprocess.requirements_file import read

ONE, TWO = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


def asked(folder: Path, packages: Any, **options: Any) -> Requirements:
    return read_requirements(packages, Bundle("step", ()), folder, **options)


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        place = folder / name.replace("__", "/").replace("_TXT", ".txt").replace("_TOML", ".toml")
        place.parent.mkdir(exist_ok=True, parents=True)
        place.write_text(text)


# --- lists


def test_a_list_in_one_order_and_spelling(tmp_path: Path) -> None:
    found = asked(tmp_path, ["Bee_Hive >=1,<3", "ant", "ant"], provided=("Torch==2.6.0",), build=True)

    assert found == Requirements(("ant", "bee-hive<3,>=1"), ("torch==2.6.0",), build=True)


def test_what_is_included_does_not_contradict_what_was_asked() -> None:
    base = Requirements.of(["ant==1"], provided=["bee"])

    assert base.including(["Ant>=2", "bee>=2", "cow"]).lines == ("ant==1", "cow")


@pytest.mark.parametrize("packages", ["numpy", "numpy scipy", "setup.py", "env.yml", "notes.txt", "", "environments"])
def test_a_text_of_no_known_form(packages: str) -> None:
    with pytest.raises(ComponentError, match="none of the known forms") as caught:
        check_form("step", packages, (), ())

    assert '"environment"' in caught.value.remedy
    assert "uv.lock" in caught.value.remedy


@pytest.mark.parametrize(
    ("packages", "form"),
    [
        ((), "list"),
        ("environment", "environment"),
        ("requirements.txt", "requirements"),
        ("../requirements-gpu.txt", "requirements"),
        ("dev-requirements.in", "requirements"),
        ("requirements/train.txt", "requirements"),
        ("sub/pyproject.toml", "project"),
        ("../../uv.lock", "lock"),
    ],
)
def test_forms(packages: Any, form: str) -> None:
    assert check_form("step", packages, (), ()) == form


@pytest.mark.parametrize("option", ["extras", "groups"])
def test_extras_and_groups_are_those_of_a_project(option: str) -> None:
    given_options: dict[str, Any] = {"extras": (), "groups": (), option: ("x",)}

    with pytest.raises(ComponentError, match=f"{option}= belongs to a project"):
        check_form("step", ("ant",), **given_options)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DependencyError, match=r"requirements\.txt, which is no file"):
        asked(tmp_path, "requirements.txt")


# --- requirements files


def test_a_requirements_file_with_includes(tmp_path: Path) -> None:
    write(
        tmp_path,
        requirements_TXT="\ufeff# all\n\n-r sub/more.txt\n--requirement=sub/last.txt\n-c bounds.txt\nant  # the first\n"
        "bee \\\n  >=1 ; python_version >= '3.8'\n",
        sub__more_TXT="cow\n-r last.txt\n",
        sub__last_TXT="dog~=1.0\n",
        bounds_TXT="ant<2\n-c sub/bounds.txt\n",
        sub__bounds_TXT="cow!=3\n",
    )

    found = asked(tmp_path, "requirements.txt")

    assert found.lines == ("ant", 'bee>=1; python_version >= "3.8"', "cow", "dog~=1.0")
    assert found.constraints == ("ant<2", "cow!=3")
    assert found.asked == (*found.lines, "-c ant<2", "-c cow!=3")
    assert not found.hashes


def test_hashes_belong_to_versions_however_they_are_written(tmp_path: Path) -> None:
    write(
        tmp_path, requirements_TXT=f"Ant==1.0.0 --hash={TWO} \\\n --hash {ONE}\nbee===2 ; os_name!='nt' --hash={ONE}\n"
    )

    assert asked(tmp_path, "requirements.txt").hashes == {"ant==1": (ONE, TWO), "bee==2": (ONE,)}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("--index-url https://me:hush@example.com/simple", "--index-url is a setting of an installer"),
        ("-i https://me:hush@example.com", "-i is a setting"),
        ("--find-links=/wheels", "--find-links is a setting"),
        (f"ant==1 --hash={ONE}\nbee==1", "'bee==1' has no hash, though others have"),
        (f"ant>=1 --hash={ONE}", "no exact version"),
        (f"ant==1.* --hash={ONE}", "no exact version"),
        ("ant --config-settings=x=y", "options of an installer"),
        ("-r missing.txt", "missing.txt, which cannot be read: No such file"),
        ("-r requirements.txt", "includes itself"),
        ("./wheels/ant-1.0-py3-none-any.whl", "a local path"),
        ("./lib", "a local path"),
        ("git+https://me:hush@example.com/ant", "version control"),
        ("-e ./nowhere", "the editable ./nowhere is no folder here"),
        ("-e git+https://me:hush@example.com/ant#egg=ant", "is no folder here"),
        ("ant==", "not a requirement"),
    ],
)
def test_what_a_requirements_file_cannot_say(tmp_path: Path, text: str, says: str) -> None:
    write(tmp_path, requirements_TXT=text)

    with pytest.raises(DependencyError) as caught:
        asked(tmp_path, "requirements.txt")

    assert says in caught.value.message
    assert "hush" not in str(caught.value)
    assert caught.value.remedy


def test_an_editable_project_travels_and_its_dependencies_are_asked_for(tmp_path: Path) -> None:
    write(
        tmp_path,
        requirements_TXT="-e .[fast]\n--editable=lib\n",
        pyproject_TOML='[project]\nname="demo"\ndependencies=["ant"]\n'
        'optional-dependencies={fast=["bee"], slow=["cow"]}\n',
        lib__readme_TXT="no project",
    )

    assert asked(tmp_path, "requirements.txt").lines == ("ant", "bee")


@given(st.text(st.sampled_from("ab=<>#\\\n -r.;'[]~!@/:"), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(FairingError):  # whatever is wrong, it is said
        file = read(text, Path("/nowhere/requirements.txt"))
        Requirements.of(file.lines, constraints=file.constraints, hashes=file.hashes)


@given(
    st.lists(st.from_regex(r"\A[a-z][a-z0-9]{0,8}(==[0-9]{1,2}\.[0-9])?\Z"), max_size=6),
    st.sampled_from(["\n", "\r\n"]),
)
def test_a_list_and_its_file_ask_for_the_same(lines: list[str], newline: str) -> None:
    text = newline.join(f"{line}  # {number}" for number, line in enumerate(lines))

    assert Requirements.of(read(text, Path("requirements.txt")).lines) == Requirements.of(lines)


# --- projects

PROJECT = """
[project]
name = "Demo.Project"
dependencies = ["ant>=1"]
[project.optional-dependencies]
Web_UI = ["bee"]
all = ["demo-project[web-ui]", "cow"]
loop = ["demo_project[loop]", "dog"]
[dependency-groups]
Test_Tools = ["elk", {include-group = "lint"}]
lint = ["fox"]
round = [{include-group = "trip"}]
trip = [{include-group = "round"}]
wrong = [{path = "x"}]
"""


@pytest.mark.parametrize(
    ("extras", "groups", "lines"),
    [
        ((), (), ("ant>=1",)),
        (("web.ui",), (), ("ant>=1", "bee")),
        (("all",), (), ("ant>=1", "bee", "cow")),
        (("loop",), (), ("ant>=1", "dog")),
        ((), ("test-tools",), ("ant>=1", "elk", "fox")),
        (("all",), ("lint",), ("ant>=1", "bee", "cow", "fox")),
    ],
)
def test_extras_and_groups(tmp_path: Path, extras: Any, groups: Any, lines: tuple[str, ...]) -> None:
    write(tmp_path, pyproject_TOML=PROJECT)

    assert asked(tmp_path, "pyproject.toml", extras=extras, groups=groups).lines == lines


@pytest.mark.parametrize(
    ("more", "options", "says"),
    [
        ("", {"extras": ("nope",)}, "has no extra 'nope'"),
        ("", {"groups": ("nope",)}, "has no group 'nope'"),
        ("", {"groups": ("round",)}, "includes itself"),
        ("", {"groups": ("wrong",)}, "the group wrong holds"),
        ("[tool.uv.sources]\nant = {git = 'https://example.com'}\n", {}, "ant comes from [tool.uv.sources]"),
        ("[tool.uv.sources]\nant = [{path = '../ant'}]\n", {}, "ant comes from [tool.uv.sources]"),
        ("[", {}, "is not valid TOML"),
    ],
)
def test_what_a_project_cannot_say(tmp_path: Path, more: str, options: dict[str, Any], says: str) -> None:
    write(tmp_path, pyproject_TOML=PROJECT + more)

    with pytest.raises(DependencyError, match=re.escape(says)) as caught:
        asked(tmp_path, "pyproject.toml", **options)

    assert caught.value.remedy


def test_a_source_that_is_an_index_is_kept(tmp_path: Path) -> None:
    write(tmp_path, pyproject_TOML=PROJECT + "[tool.uv.sources]\nant = {index = 'own'}\nbee = {path = '../bee'}\n")

    found = asked(tmp_path, "pyproject.toml")
    assert found.lines == ("ant>=1",)
    assert found.asked == ("ant>=1", "ant @ index:own")


def test_dynamic_dependencies_are_not_guessed(tmp_path: Path) -> None:
    write(tmp_path, pyproject_TOML='[project]\nname = "demo"\ndynamic = ["dependencies"]\n')

    with pytest.raises(DependencyError, match="the dependencies are dynamic"):
        asked(tmp_path, "pyproject.toml")


def test_a_damaged_lock(tmp_path: Path) -> None:
    write(tmp_path, pyproject_TOML=PROJECT)
    (tmp_path / "uv.lock").write_text("version = ")

    with pytest.raises(DependencyError, match=re.escape(str(tmp_path / "uv.lock"))):
        asked(tmp_path, "uv.lock")


def test_own_code_in_a_lock_is_no_package_but_a_wheel_in_a_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, pyproject_TOML=PROJECT)
    (tmp_path / "uv.lock").touch()
    text = f"-e ./lib\n./other ; os_name == 'posix'\nfile:///somewhere/else\nant==1 \\\n    --hash={ONE}\n"
    monkeypatch.setattr(uv_command, "start", lambda *_: text)
    assert asked(tmp_path, "uv.lock").lines == ("ant==1",)

    monkeypatch.setattr(uv_command, "start", lambda *_: f"{text}./bee-1-py3-none-any.whl \\\n    --hash={ONE}\n")
    with pytest.raises(DependencyError, match="a local path"):
        asked(tmp_path, "uv.lock")
