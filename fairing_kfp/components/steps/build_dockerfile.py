"""`build_dockerfile`: a Dockerfile and its context → an image by digest, by BuildKit in a Job."""

from __future__ import annotations

import re
import tempfile
from dataclasses import replace
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from fairing_kfp.builders.buildkit.build import build
from fairing_kfp.builders.buildkit.job import IMAGE, BuildSpec
from fairing_kfp.cluster.access import check_access
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.owner import Owner
from fairing_kfp.cluster.program import log_line
from fairing_kfp.components.declaration import Input, Output, ReusableComponent, StepInputs, StepResult
from fairing_kfp.components.registries import CA, INSECURE, SERVICE, certificates, image_reference, repository_name
from fairing_kfp.components.source import EXCLUDE
from fairing_kfp.errors import ComponentError, ConfigError
from fairing_kfp.image.layer import File
from fairing_kfp.image.reference import is_tag
from fairing_kfp.layers.files import archive_of_files
from fairing_kfp.preprocess.bundle import Bundle
from fairing_kfp.preprocess.files.read import read_files
from fairing_kfp.preprocess.files.selection import Selection
from fairing_kfp.preprocess.secrets.gate import refuse
from fairing_kfp.preprocess.secrets.scan import scan_named

_ROLE = "dockerfile"
_NAME = re.compile(r"[A-Za-z_]\w*")


def run(given: StepInputs) -> StepResult:
    """Builds and pushes the image; everything is checked before the Job is created.

    Raises:
        ConfigError: not exactly one context is given, or an input is malformed.
        InvalidReferenceError: the name of an image is malformed.
        ComponentError: there is no such Dockerfile.
        PackError: a file of the context cannot be read.
        SecretError: a file or build argument seems to contain a credential.
        ForbiddenError: the service account of the step lacks the role.
        ClusterError: Kubernetes rejects the Job, or it was deleted.
        JobFailedError: the build failed, or cannot start.
    """
    spec = _spec(given)
    with tempfile.TemporaryDirectory(prefix="fairing-context-") as scratch:
        context = None
        if "context" in given.artifacts:
            context = Path(scratch, "context.tar")
            with context.open("wb") as file:
                file.writelines(archive_of_files("context", _files(given, spec.dockerfile)))
            spec = replace(spec, context_size=context.stat().st_size)
        cluster = Cluster()
        check_access(cluster, _ROLE)
        owner = Owner.of_step(cluster, repr(spec))
        digest = build(spec, context, cluster, owner, log=given.log, log_line=log_line)
    image = spec.target.with_digest(digest)
    return StepResult(
        f"{spec.dockerfile} is an image in {spec.target.name}",
        (
            ("image", str(image)),
            ("tag", spec.target.tag or ""),
            ("context", spec.git or f"{spec.context_size:,} bytes"),
            ("stage", spec.stage or "the last"),
            *((f"build argument {name}", value) for name, value in spec.build_args.items()),
            ("built by", spec.image),
        ),
        {"image": str(image)},
    )


def _spec(given: StepInputs) -> BuildSpec:
    name, values = BUILD_DOCKERFILE.name, given.values
    if ("context" in given.artifacts) == bool(values["git"]):
        raise ConfigError(f"{name} needs exactly one context", "set either context or git")
    address = urlsplit(values["git"])
    if values["git"] and (address.scheme != "https" or not address.hostname or "@" in address.netloc):
        raise ConfigError(
            f"{name}: the input git is not the address of a public repository over HTTPS, without a login",
            "write it as https://…/repository.git#REF:FOLDER; for others, pass fetch-source's output as context",
        )
    if not is_tag(values["tag"]):
        raise ConfigError(f"{name}: the input tag is {values['tag']!r}, not a tag", "write it like 1.2")
    path = PurePosixPath(values["dockerfile"])
    if path.is_absolute() or ".." in path.parts:
        raise ConfigError(f"{name}: dockerfile={str(path)!r} is outside the context", "write a relative path")
    arguments = {}
    for key, value in values["build_args"].items():
        if not _NAME.fullmatch(key) or not isinstance(value, (str, int, float)):
            raise ConfigError(f"{name}: the build argument {key!r} is not a name with a text", 'write {"VERSION": "1"}')
        arguments[key] = str(value)
        refuse(name, scan_named(f"the build argument {key}", key, str(value)))  # images record them
    return BuildSpec(
        target=repository_name(name, "repository", values["repository"]).with_tag(values["tag"]),
        dockerfile=str(path),
        git=values["git"],
        build_args=arguments,
        stage=values["stage"],
        image=str(image_reference(name, "buildkit_image", values["buildkit_image"])),
        secret=values["registry_secret"],
        insecure=tuple(values["insecure"]),
        ca=certificates(values),
        resources={key: values[key] for key in ("cpu", "memory") if values[key]},
        deadline=values["deadline"],
        service_account=values["service_account"],
    )


def _files(given: StepInputs, dockerfile: str) -> tuple[File, ...]:
    """The files of the context."""
    root = given.artifacts["context"]
    path = root / dockerfile
    if not path.is_file():
        known = [one.relative_to(root).as_posix() for one in sorted(root.rglob("*ockerfile*"))[:10]]
        raise ComponentError(
            f"{BUILD_DOCKERFILE.name}: there is no file {dockerfile} in the context",
            f"the context contains {', '.join(known) or 'no Dockerfile'}",
        )
    found = Selection(root, (".",), tuple(given.values["exclude"])).files()
    return Bundle(BUILD_DOCKERFILE.name, read_files({**found, dockerfile: path.resolve()})).files


BUILD_DOCKERFILE = ReusableComponent(
    name="build-dockerfile",
    category="building",
    description="Builds an image of a Dockerfile by rootless BuildKit in a Job, and pushes it, by digest.",
    details=(
        "For images that need `RUN`; `append_image` is faster and needs less. The step creates a Job in the namespace "
        "of the run, sends it the context, shows the log of the build, and fails with its reason. The Job is deleted "
        "at the end. Files that `.dockerignore` or `.fairingignore` in the context list are not sent, nor are `.git`, "
        "caches, virtual environments and files of credentials; a file or build argument that seems to contain a "
        "credential fails the step. The context of `git` is fetched by BuildKit; for a private repository pass the "
        "output of `fetch_source` as `context`.\n\n"
        "BuildKit runs as the user 1000, without a privileged container or a daemon of the node. It does need user "
        "namespaces: its container has unconfined seccomp and AppArmor profiles and may use `newuidmap`, so the "
        "namespace cannot enforce the baseline or restricted standard of pod security. The nodes need Linux 5.11 or "
        "later. Push credentials come from `registry_secret`, which the Job mounts; the step itself needs none. Its "
        "service account needs the role in `components/rbac/dockerfile.yaml`. The digest of an image with `RUN` "
        "depends on when it is built."
    ),
    inputs=(
        Input("repository", "str", "Repository of the image, such as `registry.example.com/team/train`."),
        Input("context", "artifact", "Folder with the Dockerfile and the files that it copies.", optional=True),
        Input("git", "str", "Context in a Git repository instead, such as `https://…/models.git#main:train`.", ""),
        Input("dockerfile", "str", "Path of the Dockerfile in the context.", default="Dockerfile"),
        Input("build_args", "dict", "Build arguments, which the image records; no credentials.", default={}),
        Input("stage", "str", "Stage to build; the last one by default.", default=""),
        Input("tag", "str", "Tag of the image in the repository.", default="latest"),
        Input(
            "registry_secret",
            "str",
            "Secret of type `kubernetes.io/dockerconfigjson`, for pulling and pushing.",
            default="",
        ),
        EXCLUDE,
        Input("buildkit_image", "str", "Image of rootless BuildKit.", default=IMAGE),
        Input("cpu", "str", "CPUs of the build, such as `2`.", default=""),
        Input("memory", "str", "Memory of the build, such as `4Gi`.", default=""),
        Input("deadline", "int", "Maximum duration of the build, in seconds; 0 for none.", default=0),
        Input("service_account", "str", "Service account of the Job, for example one with a pull secret.", default=""),
        INSECURE,
        CA,
    ),
    outputs=(Output("image", "str", "Reference of the image by digest."),),
    run=run,
    example='''\
build_dockerfile = load("building/build_dockerfile")


@dsl.container_component
def train(depth: int):
    """Runs the image that the task before it built."""
    return dsl.ContainerSpec(
        image="python:3.12-slim",  # replaced below
        command=["python3", "/app/train.py"],
        args=["--depth", depth],
    )


@dsl.pipeline(name="build-dockerfile-example")
def example(context: str = "s3://bucket/source", repository: str = "registry.example.com/team/train"):
    """Builds an image of a Dockerfile, and runs the next task in it."""
    folder = dsl.importer(artifact_uri=context, artifact_class=dsl.Artifact)
    built = build_dockerfile(context=folder.output, repository=repository, registry_secret="registry")
    trained = train(depth=8)
    trained.set_container_image(built.outputs["image"])
''',
    needs=(SERVICE, "Kubernetes"),
    tags=("building", "container", "dockerfile"),
)
