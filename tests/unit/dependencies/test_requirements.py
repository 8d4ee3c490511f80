"""Requirements of a list: normalized, or refused with a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp.dependencies.requirements import Requirements
from fairing_kfp.dependencies.requirements_file import read
from fairing_kfp.errors import DependencyError
from tests.support.packages import read_packages


def test_list_is_normalized_and_sorted(tmp_path: Path) -> None:
    found = read_packages(tmp_path, ["Bee_Hive >=1,<3", "ant", "ant"], provided=("Torch==2.6.0",), build=True)

    assert found == Requirements(("ant", "bee-hive<3,>=1"), ("torch==2.6.0",), build=True)


@pytest.mark.parametrize(
    "line",
    [
        "ant @ https://me:hunter2@host.example.com/ant-1.0-py3-none-any.whl",
        "ant @ git+https://hunter2@host.example.com/ant.git",
        "https://me:hunter2@host.example.com/ant-1.0.whl",
        "git+https://me:hunter2@host.example.com/ant.git#egg=ant",
        "--extra-index-url https://me:hunter2@host.example.com/simple",
        "-e git+https://me:hunter2@host.example.com/ant.git",
        "ant==1.0 --index-url=https://me:hunter2@host.example.com/simple",
        "ant @@ https://me:hunter2@host.example.com",
    ],
)
def test_credentials_in_requirements_are_not_shown(line: str, tmp_path: Path) -> None:
    with pytest.raises(DependencyError) as caught:
        Requirements.parse([line])
    assert "hunter2" not in str(caught.value)
    with pytest.raises(DependencyError) as caught:
        read(line, tmp_path / "requirements.txt")
    assert "hunter2" not in str(caught.value)
