from __future__ import annotations

from pathlib import Path

from tests.support.command_line import fairing_kfp


def test_errors_name_the_cause(tmp_path: Path) -> None:
    path = tmp_path / "flow.py"
    path.write_text("import fairing_kfp")

    assert "has no predictor" in fairing_kfp("serve", str(path))[1]
    code, output = fairing_kfp("serve", str(path), "--request", "{")
    assert code == 2
    assert "invalid JSON" in output
    code, output = fairing_kfp("serve", str(path), "--request", f"@{tmp_path}/missing")
    assert code == 2
    assert "invalid JSON" not in output
    assert "No such file or directory" in output
    assert f"cannot read {tmp_path}" in output.replace("\n", "")
    assert "does not exist" in fairing_kfp("serve", str(tmp_path / "missing.py"))[1]
