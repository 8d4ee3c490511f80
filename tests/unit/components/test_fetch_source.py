"""The component `fetch_source`, run as a step, against a Git server on loopback."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fairing_kfp.components import embed_source
from fairing_kfp.components.step import run_step
from fairing_kfp.components.steps.fetch_source import FETCH_SOURCE
from fairing_kfp.errors import ConfigError, FairingError, SecretError, SourceError
from tests.support.git_server import LOGIN, GitServer, git_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with git_server(tmp_path_factory.mktemp("git") / "repository") as running:
        yield running


@pytest.fixture(scope="module")
def commits(server: GitServer) -> tuple[str, str]:
    """Two commits; only the first has a tag, and the branch `master` names the second."""
    link = Path(server.repository.path, "link.py")
    link.symlink_to("train.py")
    first = server.commit({"train.py": "print(1)\n", "sub/helper.py": "x = 1\n", "link.py": "print(1)\n"}, tag="v1")
    return first, server.commit({"train.py": "print(2)\n"})


def fetch(root: Path, **values: Any) -> tuple[dict[str, str], str, dict[str, Any], list[str]]:
    """Runs the step; returns the files, the revision, the metadata and the log."""
    log: list[str] = []
    run_step(FETCH_SOURCE, executor_input(root, values), log.append)
    source = root / "source"
    files = {path.relative_to(source).as_posix(): path.read_text() for path in source.rglob("*") if path.is_file()}
    listed = json.loads((root / "output.json").read_text())["artifacts"]["source"]["artifacts"][0]
    return files, (root / "revision").read_text(), listed["metadata"], log


def executor_input(root: Path, values: dict[str, Any]) -> dict[str, Any]:
    artifact = {"name": "source", "uri": str(root / "source"), "metadata": {}}
    return {
        "inputs": {"parameterValues": values},
        "outputs": {
            "outputFile": str(root / "output.json"),
            "parameters": {"revision": {"outputFile": str(root / "revision")}},
            "artifacts": {"source": {"artifacts": [artifact]}},
        },
    }


def failure(root: Path, **values: Any) -> FairingError:
    with pytest.raises(FairingError) as caught:
        run_step(FETCH_SOURCE, executor_input(root, values), lambda line: None)
    assert not root.exists(), "nothing is written"
    return caught.value


def test_a_ref_is_resolved_to_its_commit(server: GitServer, commits: tuple[str, str], tmp_path: Path) -> None:
    first, second = commits
    wanted = {"": second, "master": second, "refs/heads/master": second, "v1": first, first: first, second: second}
    for number, (ref, commit) in enumerate(wanted.items()):
        files, revision, metadata, log = fetch(tmp_path / str(number), git=server.open, ref=ref)
        assert files == {"train.py": f"print({1 if commit == first else 2})\n", "sub/helper.py": "x = 1\n"}
        assert revision == commit == metadata["commit"]
        assert metadata["git"] == server.open
        assert f"{ref or 'the default branch'} is commit {commit}" in log
        assert "symbolic links and submodules are left out: link.py" in log

    files, *_ = fetch(tmp_path / "folder", git=server.open, ref="v1", path="sub/")
    assert files == {"helper.py": "x = 1\n"}


def test_a_private_repository_needs_the_mounted_login(
    server: GitServer, commits: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "secret"
    (secret / "..data").mkdir(parents=True)
    anonymous = failure(tmp_path / "1", git=server.closed)
    monkeypatch.setenv("GIT_CREDENTIALS", str(secret))
    optional = failure(tmp_path / "2", git=server.closed)
    (secret / "username").write_text("robot\n")
    empty = failure(tmp_path / "2", git=server.closed)
    (secret / "password").write_text("another-token\n")
    rejected = failure(tmp_path / "3", git=server.closed)
    (secret / "password").write_text(f"{LOGIN[1]}\n")
    _, revision, *_ = fetch(tmp_path / "4", git=server.closed)
    unencrypted = failure(tmp_path / "5", git="http://git.example.com/team/models.git")

    assert (type(anonymous), anonymous.message.partition(" of ")[0]) == (SourceError, "the Git server")
    assert "asks for a login" in anonymous.message
    assert optional.message == anonymous.message
    assert "neither the file password nor token" in empty.message
    assert "rejects the login" in rejected.message
    assert "another-token" not in str(rejected)
    assert "unencrypted" in unencrypted.message
    assert revision == commits[1]


def test_what_cannot_be_fetched_is_named_and_nothing_is_written(
    server: GitServer, commits: tuple[str, str], tmp_path: Path
) -> None:
    root, git = tmp_path / "made", server.open
    branch = failure(root, git=git, ref="release")
    assert branch.message == f"the Git repository {git} has no branch, tag or commit 'release'"
    assert branch.remedy == "it has master, v1; a commit has 40 digits"
    assert failure(root, git=git, ref="1" * 40).message == f"the Git repository {git} has no commit {'1' * 40}"
    assert "has no folder 'absent'" in failure(root, git=git, path="absent").message
    assert "there is no Git repository at" in failure(root, git=git.replace("models", "none")).message
    assert "cannot fetch from http://127.0.0.1:9/x" in failure(root, git="http://127.0.0.1:9/x").message
    for url in ("git@example.com:team/models.git", "https://me:made-up@example.com/x", "ssh://example.com/x"):
        malformed = failure(root, git=url)
        assert isinstance(malformed, ConfigError)
        assert "made-up" not in str(malformed)
    assert "is not the URL of a Git repository" in failure(root, git="file:///etc").message
    assert (
        failure(root).message == failure(root, git=git, archive="x").message == "fetch-source needs exactly one source"
    )
    assert "belong to a Git repository" in failure(root, archive="x", ref="main").message


def test_an_embedded_folder_travels_as_text(tmp_path: Path) -> None:
    folder = tmp_path / "code"
    (folder / "sub").mkdir(parents=True)
    (folder / "train.py").write_text("print(1)\n")
    (folder / "sub/run.sh").write_text("true\n")
    (folder / "sub/run.sh").chmod(0o755)
    (folder / ".fairingignore").write_text("*.csv\n")
    (folder / "large.csv").write_text("1\n")
    text = embed_source(folder, exclude=[".fairingignore"])
    files, revision, metadata, _ = fetch(tmp_path / "made", archive=text)

    assert text == embed_source(folder, exclude=[".fairingignore"])
    assert files == {"train.py": "print(1)\n", "sub/run.sh": "true\n"}
    assert (tmp_path / "made/source/sub/run.sh").stat().st_mode & 0o111
    assert metadata["digest"] == revision
    assert revision.startswith("sha256:")

    for damaged in (text[:-8], "é", "aGVsbG8="):
        assert "is not an embedded folder" in failure(tmp_path / "damaged", archive=damaged).message
    (folder / "noise.bin").write_bytes(os.urandom(90_000))
    with pytest.raises(ConfigError, match="too large to embed"):
        embed_source(folder)
    (folder / "noise.bin").write_text(f"key = '{'AKIA' + 'ABCDEFGHIJKLMNOP'}'\n")
    with pytest.raises(SecretError):
        embed_source(folder)
