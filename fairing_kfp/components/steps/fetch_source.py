"""`fetch_source`: a Git repository, or a folder that the pipeline embeds → a source for preprocess components."""

from __future__ import annotations

import hashlib
import os
import ssl
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from fairing_kfp.components.declaration import Input, Output, ReusableComponent, StepInputs, StepResult
from fairing_kfp.components.embedded import embedded_files
from fairing_kfp.components.git import GitLogin, GitRepository
from fairing_kfp.components.registries import CA
from fairing_kfp.errors import ConfigError
from fairing_kfp.image.layer import File

_LOGIN = "GIT_CREDENTIALS"
"""Environment variable that names the folder of a mounted Secret."""


def run(given: StepInputs) -> StepResult:
    """Fetches the source; nothing is written before all of it has arrived.

    Raises:
        ConfigError: not exactly one source is given, or its URL is malformed.
        SourceError: the source cannot be read, or does not exist.
    """
    git, archive = given.values["git"], given.values["archive"]
    if bool(git) == bool(archive):
        raise ConfigError("fetch-source needs exactly one source", "set either git or archive")
    if archive and (given.values["ref"] or given.values["path"]):
        raise ConfigError("fetch-source: ref and path belong to a Git repository", "set them with git only")
    if archive:
        files = embedded_files(archive)
        revision = _digest(files)
        source: Mapping[str, str] = {"digest": revision}
        rows = [("from", "the folder embedded in the pipeline"), ("digest", revision)]
    else:
        files, revision, rows = _fetched(given, git)
        source = {"git": git, "ref": given.values["ref"], "commit": revision}
    for file in files:
        _write(given.outputs["source"], file)
    size = sum(len(file.data) for file in files)
    rows += [("files", f"{len(files):,}"), ("size", f"{size:,} bytes")]
    return StepResult(
        f"{revision[:19]} has {len(files)} file{'s' if len(files) > 1 else ''}",
        tuple(rows),
        {"revision": revision},
        {"source": source},
    )


def _fetched(given: StepInputs, url: str) -> tuple[tuple[File, ...], str, list[tuple[str, str]]]:
    folder, ca = os.environ.get(_LOGIN), given.values["ca"]
    context = None
    if ca:
        if "-----BEGIN CERTIFICATE-----" not in ca:
            raise ConfigError("the input ca contains no certificate", "pass the text of a PEM file, not its path")
        context = ssl.create_default_context()
        context.load_verify_locations(cadata=ca)
    repository = GitRepository(url, GitLogin.read(Path(folder)) if folder else None, context)
    ref = given.values["ref"]
    given.log(f"fetching {ref or 'the default branch'} of {url}")
    fetched = repository.fetch(ref, given.values["path"])
    given.log(f"{ref or 'the default branch'} is commit {fetched.commit}")
    rows = [("from", url), ("ref", ref or "the default branch"), ("commit", fetched.commit)]
    if fetched.left_out:
        left_out = ", ".join(fetched.left_out)
        given.log(f"symbolic links and submodules are left out: {left_out}")
        rows.append(("left out", left_out))
    return fetched.files, fetched.commit, rows


def _write(folder: Path, file: File) -> None:
    if ".." in PurePosixPath(file.path).parts or ".git" in PurePosixPath(file.path).parts:
        raise ConfigError(f"fetch-source: the source contains {file.path!r}", "remove it from the source")
    path = folder / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(file.data)
    path.chmod(file.mode)


def _digest(files: tuple[File, ...]) -> str:
    listed = "".join(f"{hashlib.sha256(file.data).hexdigest()} {file.mode:o} {file.path}\n" for file in files)
    return f"sha256:{hashlib.sha256(listed.encode('utf-8', 'surrogateescape')).hexdigest()}"


FETCH_SOURCE = ReusableComponent(
    name="fetch-source",
    category="preprocessing",
    description="Fetches the files of a Git commit, or of a folder in the pipeline, for preprocess components.",
    details=(
        "A branch or tag is resolved to a commit, which the output `revision` and the metadata of `source` name. Name "
        "a commit by all 40 digits if the run must be repeatable: KFP's cache compares the text of `ref`, and answers "
        "a branch that has moved by its earlier files, unless `set_caching_options(False)` is called on the task. Only "
        "the files of the commit are fetched, not its history, if the server allows that; no git program is needed. "
        "Private repositories need a Secret of type `kubernetes.io/basic-auth` with a user name and a token as its "
        "password, mounted in a folder that `GIT_CREDENTIALS` names, as in the example pipeline. Repositories are read "
        "over HTTPS; SSH keys are not supported. Symbolic links and submodules are left out, and listed in the report. "
        "A small folder on your machine travels in the pipeline: `archive=fairing_kfp.components.embed_source(FOLDER)`."
    ),
    inputs=(
        Input("git", "str", "URL of the repository, such as `https://github.com/team/models.git`.", default=""),
        Input("ref", "str", "Branch, tag or commit; by default the default branch.", default=""),
        Input("path", "str", "Folder of the repository; by default all of it.", default=""),
        Input("archive", "str", "Folder embedded by `embed_source`, instead of a repository.", default=""),
        CA,
    ),
    outputs=(
        Output("source", "artifact", "Folder with the files."),
        Output("revision", "str", "Commit, or the digest of an embedded folder."),
    ),
    run=run,
    example="""\
fetch_source = load("preprocessing/fetch_source")
preprocess_script = load("preprocessing/preprocess_script")


@dsl.pipeline(name="fetch-source-example")
def example(git: str = "https://github.com/team/models.git", ref: str = "main"):
    \"\"\"Packs the script train.py of a private repository.\"\"\"
    fetched = fetch_source(git=git, ref=ref)
    fetched.set_caching_options(False)
    kubernetes.use_secret_as_volume(fetched, "git", "/etc/git")
    fetched.set_env_variable("GIT_CREDENTIALS", "/etc/git")
    preprocess_script(script="train.py", source=fetched.outputs["source"])
""",
    needs=("Git server",),
    tags=("preprocessing", "git", "source"),
)
