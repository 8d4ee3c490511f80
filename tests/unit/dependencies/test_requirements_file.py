"""Requirements files: includes, constraints and hashes, or an error that names the line."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairing_kfp.dependencies.requirements import Requirements
from fairing_kfp.dependencies.requirements_file import read
from fairing_kfp.errors import DependencyError, FairingError
from tests.support.packages import read_packages, write_files

ONE, TWO = f"sha256:{'1' * 64}", f"sha256:{'2' * 64}"


def test_a_requirements_file_with_includes(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        requirements_TXT="\ufeff# all\n\n-r sub/more.txt\n--requirement=sub/last.txt\n-c bounds.txt\nant  # the first\n"
        "bee \\\n  >=1 ; python_version >= '3.8'\n",
        sub__more_TXT="cow\n-r last.txt\n",
        sub__last_TXT="dog~=1.0\n",
        bounds_TXT="ant<2\n-c sub/bounds.txt\n",
        sub__bounds_TXT="cow!=3\n",
    )

    found = read_packages(tmp_path, "requirements.txt")

    assert found.lines == ("ant", 'bee>=1; python_version >= "3.8"', "cow", "dog~=1.0")
    assert found.constraints == ("ant<2", "cow!=3")
    assert found.lock_lines == (*found.lines, "-c ant<2", "-c cow!=3")
    assert not found.hashes


def test_hashes_by_normalized_pin(tmp_path: Path) -> None:
    write_files(
        tmp_path, requirements_TXT=f"Ant==1.0.0 --hash={TWO} \\\n --hash {ONE}\nbee===2 ; os_name!='nt' --hash={ONE}\n"
    )

    assert read_packages(tmp_path, "requirements.txt").hashes == {"ant==1": (ONE, TWO), "bee==2": (ONE,)}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("--index-url https://me:hush@example.com/simple", "--index-url is an installer option"),
        ("-i https://me:hush@example.com", "-i is an installer option"),
        ("--find-links=/wheels", "--find-links is an installer option"),
        (f"ant==1 --hash={ONE}\nbee==1", "'bee==1' has no hash, but other lines have"),
        (f"ant>=1 --hash={ONE}", "no exact version"),
        (f"ant==1.* --hash={ONE}", "no exact version"),
        ("ant --config-settings=x=y", "has installer options"),
        ("-r missing.txt", "missing.txt, which cannot be read: No such file"),
        ("-r requirements.txt", "includes itself"),
        ("./wheels/ant-1.0-py3-none-any.whl", "wheels/ant-1.0-py3-none-any.whl cannot be read: No such file"),
        ("./lib", "a local path"),
        ("git+https://me:hush@example.com/ant", "version control"),
        ("-e ./nowhere", "the editable ./nowhere is not a local folder"),
        ("-e git+https://me:hush@example.com/ant#egg=ant", "is not a local folder"),
        ("ant==", "not a valid requirement"),
    ],
)
def test_unsupported_lines(tmp_path: Path, text: str, says: str) -> None:
    write_files(tmp_path, requirements_TXT=text)

    with pytest.raises(DependencyError) as caught:
        read_packages(tmp_path, "requirements.txt")

    assert says in caught.value.message
    assert "hush" not in str(caught.value)
    assert caught.value.remedy


def test_editable_project_adds_its_dependencies(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        requirements_TXT="-e .[fast]\n--editable=lib\n",
        pyproject_TOML='[project]\nname="demo"\ndependencies=["ant"]\n'
        'optional-dependencies={fast=["bee"], slow=["cow"]}\n',
        lib__readme_TXT="no project",
    )

    assert read_packages(tmp_path, "requirements.txt").lines == ("ant", "bee")


@given(st.text(st.sampled_from("ab=<>#\\\n -r.;'[]~!@/:"), max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(FairingError):
        read(text, Path("/nowhere/requirements.txt"))


@given(
    st.lists(st.from_regex(r"\A[a-z][a-z0-9]{0,8}(==[0-9]{1,2}\.[0-9])?\Z"), max_size=6),
    st.sampled_from(["\n", "\r\n"]),
)
def test_a_list_and_its_file_are_equal(lines: list[str], newline: str) -> None:
    text = newline.join(f"{line}  # {number}" for number, line in enumerate(lines))

    assert read(text, Path("requirements.txt")) == Requirements.parse(lines)
