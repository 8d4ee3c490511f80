"""Reading files of the author's machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp.errors import PackError
from fairing_kfp.preprocess.files.read import read_files


def test_files_that_are_gone(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"cannot read .*gone: No such file"):
        read_files({"gone": tmp_path / "gone"})


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux has /proc")
def test_files_that_are_not_as_long_as_they_were() -> None:
    with pytest.raises(PackError, match="changed while it was read"):
        read_files({"status": Path("/proc/self/status")})  # its size is said to be 0
