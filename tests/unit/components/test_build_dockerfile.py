"""`build_dockerfile`: what it refuses before it asks the cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.components.step import run_step
from fairing_kfp.components.steps.build_dockerfile import BUILD_DOCKERFILE
from fairing_kfp.errors import ComponentError, ConfigError, FairingError, InvalidReferenceError, SecretError
from tests.support.bundles import step_input

_TOKEN = "ghp_" + "aB3" * 13
_GIT = "https://example.com/models.git"


@pytest.mark.parametrize(
    ("values", "error", "message"),
    [
        ({"git": _GIT}, ConfigError, "needs exactly one context"),
        ({"context": None}, ConfigError, "needs exactly one context"),
        ({"context": None, "git": "git@example.com:models"}, ConfigError, "not the address of a public repository"),
        ({"context": None, "git": f"https://me:{_TOKEN}@example.com/models.git"}, ConfigError, "without a login"),
        ({"repository": "registry.example.com/team/train:1"}, ConfigError, "with a tag or digest"),
        ({"repository": "Registry/Train"}, InvalidReferenceError, "the input repository"),
        ({"buildkit_image": "moby/buildkit:"}, InvalidReferenceError, "the input buildkit_image"),
        ({"tag": "a b"}, ConfigError, "the input tag is 'a b', not a tag"),
        ({"dockerfile": "../Dockerfile"}, ConfigError, "is outside the context"),
        ({"dockerfile": "absent"}, ComponentError, r"no file absent in the context\n.*lab/Dockerfile"),
        ({"build_args": {"a b": "c"}}, ConfigError, "the build argument 'a b' is not a name with a text"),
        ({"build_args": {"TOKEN": _TOKEN}}, SecretError, "the build argument TOKEN"),
        ({"ca": "/etc/ca.pem"}, ConfigError, "the input ca contains no certificate"),
        ({"dockerfile": "leaking/Dockerfile"}, SecretError, "leaking/Dockerfile contains a GitHub token"),
    ],
)
def test_wrong_inputs_are_refused(
    tmp_path: Path, values: dict[str, Any], error: type[FairingError], message: str
) -> None:
    context = tmp_path / "source"
    (context / "lab").mkdir(parents=True)
    (context / "lab" / "Dockerfile").write_text("FROM scratch\n")
    if values.get("dockerfile", "").startswith("leaking"):
        (context / "leaking").mkdir()
        (context / "leaking" / "Dockerfile").write_text(f"FROM scratch\nENV TOKEN={_TOKEN}\n")
    given = {"repository": "registry.example.com/team/train", "dockerfile": "lab/Dockerfile", **values}
    path = given.pop("context", context)

    with pytest.raises(error, match=message) as raised:
        run_step(BUILD_DOCKERFILE, step_input(BUILD_DOCKERFILE, tmp_path / "out", given, context=path), print)

    assert _TOKEN not in str(raised.value)
    assert not (tmp_path / "out").exists()
