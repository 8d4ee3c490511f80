"""`fairing-kfp upload`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import stand_in_builder
from tests.support.command_line import fairing_kfp
from tests.support.kfp_stand_in import KfpStandIn, serve_kfp
from tests.support.paths import TESTS

FILE = f"{TESTS}/support/remote_pipelines.py"


@pytest.fixture
def kfp(monkeypatch: pytest.MonkeyPatch) -> Iterator[KfpStandIn]:
    stand_in_builder.register(monkeypatch)
    with serve_kfp() as stand_in:
        yield stand_in


def upload(kfp: KfpStandIn, name: str, *arguments: str) -> tuple[int, str]:
    return fairing_kfp("upload", f"{FILE}:{name}", "--host", kfp.url, "--builder", "stand-in", *arguments)


def test_a_pipeline_is_uploaded_once(kfp: KfpStandIn) -> None:
    code, output = upload(kfp, "digits", "--tag", "team=vision", "--description", "the first")
    (version,) = kfp.versions.values()

    assert code == 0
    assert output.splitlines()[-1].startswith(f"✔ digits {version.display_name} uploaded: {kfp.url}/#/pipelines/")
    assert version.tags == {"team": "vision"}
    code, output = upload(kfp, "digits")
    assert (code, f"✔ digits {version.display_name} unchanged" in output) == (0, True)


def test_a_version_that_exists_with_other_content_is_an_error(kfp: KfpStandIn) -> None:
    upload(kfp, "digits", "--name", "shared", "--version", "v1")
    code, output = upload(kfp, "searched", "--name", "shared", "--version", "v1")

    assert code == 3
    assert "the pipeline shared has a version 'v1' with other content" in output


def test_a_malformed_tag_is_a_usage_error(kfp: KfpStandIn) -> None:
    code, output = upload(kfp, "digits", "--tag", "team")

    assert code == 2
    assert "--tag" in output
    assert kfp.requests == []
