"""From a decorated function to an image in a registry: fairing-kfp, and `docker build` with `docker push`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from bench.measure import Stages, Table, run_program, take_turns, timed
from bench.services import Workplace, docker, workplace
from bench.sources import sources_of

STEP = Path(__file__).parent / "step.py"
ROUNDS = 5

_OURS, _KFP = (Path(sys.executable).with_name(program) for program in ("fairing-kfp", "kfp"))
_STAGES = {"first": "first push", "second": "nothing changed", "changed": "one line changed"}
_TO_YAML = " to YAML"
_NOTE = (
    "The first push goes to a new repository, with an empty cache, and with `--no-cache` for Docker. Docker has the "
    "base image on disk; fairing-kfp requests its manifest and config from the registry. Both put the same files "
    "into two layers, which Docker compresses. Docker {docker}."
)


@dataclass
class Author:
    """An author with a pipeline file, an empty cache and a new repository."""

    work: Workplace
    name: str

    def __post_init__(self) -> None:
        self.folder = self.work.folder / self.name
        self.folder.mkdir()
        self.file = self.folder / "step.py"
        self.write(factor=2)

    def write(self, factor: int) -> None:
        """Writes the file with a changed line. Its length must change, or Python uses the old bytecode."""
        self.file.write_text(STEP.read_text().replace("FACTOR = 2", f"FACTOR = {factor}"))

    @property
    def registry(self) -> str:
        """Path of this author in the registry."""
        return f"{self.work.registry.host}/{self.name}"


def measure() -> list[Table]:
    """Compares first, unchanged and changed pushes, by calls in one process and by commands."""
    with workplace() as work:
        contenders = {"call": _by_call, "command": _by_command, "docker": _by_docker}
        runs = take_turns(ROUNDS, {name: partial(run, work) for name, run in contenders.items()})
        engine = docker("version", "--format", "{{.Server.Version}}")

    def table(head: str, ours: str, peer: str, suffix: str = "", note: str = "") -> Table:
        rows = [runs.row(words, ours, "docker", stage, stage + suffix) for stage, words in _STAGES.items()]
        return Table(head, peer, tuple(rows), note)

    pushed = "`docker build && docker push`"
    return [
        table("a call of `compile`", "call", pushed),
        table("`fairing-kfp compile`", "command", f"{pushed[:-1]} && kfp dsl compile`", _TO_YAML),
        table("`fairing-kfp compile`", "command", pushed, note=_NOTE.format(docker=engine)),
    ]


def _by_command(work: Workplace) -> Stages:
    author = Author(work, work.fresh("command"))
    options = ["-o", str(author.folder / "step.yaml"), "--registry", author.registry, "--base-image", work.base]
    cache = str(author.folder / "cache")
    return _three(
        author, partial(run_program, str(_OURS), "compile", str(author.file), *options, FAIRING_KFP_CACHE=cache)
    )


def _by_call(work: Workplace) -> Stages:
    import fairing_kfp
    from fairing_kfp.cache.store import Cache

    author = Author(work, work.fresh("call"))
    cache = Cache(author.folder / "cache")

    def compile_() -> None:
        pipeline = fairing_kfp.load_pipeline(str(author.file))
        fairing_kfp.compile(pipeline, start=author.folder, registry=author.registry, base_image=work.base, cache=cache)

    return _three(author, compile_)


def _three(author: Author, compile_: Callable[[], None]) -> Stages:
    first, second = author.work.metered(compile_), author.work.metered(compile_)
    author.write(factor=30)
    return {"first": first, "second": second, "changed": author.work.metered(compile_)}


def _by_docker(work: Workplace) -> Stages:
    author = Author(work, work.fresh("docker"))
    image = f"{author.registry}/step:1"
    context = author.folder / "context"

    def build(*options: str) -> None:
        docker("build", "-q", *options, "-t", image, str(context))
        docker("push", "-q", image)

    _write_context(author, context)
    stages = {"first": work.metered(partial(build, "--no-cache")), "second": work.metered(build)}
    author.write(factor=30)
    _write_context(author, context)
    stages["changed"] = work.metered(build)
    output = str(author.folder / "step.yaml")
    compiled = timed(partial(run_program, str(_KFP), "dsl", "compile", "--py", str(author.file), "--output", output))
    to_yaml = {
        stage + _TO_YAML: replace(cost, seconds=cost.seconds + compiled.seconds) for stage, cost in stages.items()
    }
    return stages | to_yaml


def _write_context(author: Author, context: Path) -> None:
    """Writes the files of our image, and a Dockerfile that puts them into the same layers."""
    from fairing_kfp.preprocess.image_paths import ROOT
    from fairing_kfp.recipe.runtime_layer import runtime_files

    (source,) = sources_of(str(author.file))
    files = {file.path: file.data for file in (*runtime_files(), *source.code.bundle(source.name).files)}
    files["Dockerfile"] = "\n".join(
        [f"FROM {author.work.base}", *(f"COPY {ROOT}/{part} /{ROOT}/{part}" for part in ("runtime", "code"))]
    ).encode()
    for place, data in files.items():
        path = context / place
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)
