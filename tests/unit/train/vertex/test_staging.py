from __future__ import annotations

from pathlib import Path

import pytest

from fairing_kfp.errors import VertexError
from fairing_kfp.train.vertex.paths import StagedPath
from fairing_kfp.train.vertex.staging import Staging
from tests.support.vertex_stand_in import BUCKET, STAGING
from tests.support.vertex_steps import Login
from tests.unit.train.vertex.conftest import Step


@pytest.fixture
def staging(step: Step) -> Staging:
    return Staging(step.spec, f"{STAGING}/one", Login())


def test_what_only_begins_alike_is_not_fetched(step: Step, staging: Staging, tmp_path: Path) -> None:
    for name in ("model/weights", "model-2/weights"):
        file = step.vertex.root / BUCKET / "staging" / "one" / name
        file.parent.mkdir(parents=True)
        file.write_text(name)

    assert staging.download([StagedPath(f"{tmp_path}/here/model", f"{STAGING}/one/model")]) == len("model/weights")
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["model"]


def test_name_outside_of_the_folder_is_rejected(
    staging: Staging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "_names", lambda prefix, most=None: ["staging/one/model/../../elsewhere"])

    with pytest.raises(VertexError, match="which is not an output"):
        staging.download([StagedPath(f"{tmp_path}/model", f"{STAGING}/one/model")])


def test_only_its_own_folder_is_emptied(step: Step, staging: Staging, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("kept")
    for folder in ("one", "one-more"):
        Staging(step.spec, f"{STAGING}/{folder}", Login()).upload(
            [StagedPath(f"{tmp_path}/file", f"{STAGING}/{folder}/file")]
        )

    staging.delete()

    assert step.vertex.objects() == ["staging/one-more/file"]
