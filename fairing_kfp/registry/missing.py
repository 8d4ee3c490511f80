"""Repositories that have to exist before a push: the error that says so, and how they are created.

Most registries create a repository with the first push. Amazon's and Google's, and registries with projects, do not.
"""

from __future__ import annotations

import re
from typing import Any

from fairing_kfp.errors import MissingRepositoryError, RegistryError, UnavailableError
from fairing_kfp.frozen import dataclass
from fairing_kfp.registry.quote import quote

_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.aws)"
)
_ECR_PUBLIC = "public.ecr.aws"
_ARTIFACT_REGISTRY = re.compile(r"(?P<location>[a-z0-9-]+)-docker\.pkg\.dev")
_ORACLE = re.compile(r"[a-z0-9-]+\.ocir\.io")
_EXTRA = "pip install 'fairing-kfp[ecr]'"


@dataclass(frozen=True)
class _Amazon:
    """An API of Amazon that creates repositories.

    Attributes:
        service: its name, for `aws` and boto3.
        region: the region of its endpoint.
        arguments: the arguments of `create_repository`.
    """

    service: str
    region: str
    arguments: dict[str, str]

    @property
    def command(self) -> str:
        names = {"repositoryName": "--repository-name", "registryId": "--registry-id"}
        options = " ".join(f"{names[name]} {value}" for name, value in self.arguments.items())
        return f"aws {self.service} create-repository --region {self.region} {options}"


def can_create(registry: str) -> bool:
    """Whether `create_repository` can create repositories of a registry."""
    return _amazon(registry, "") is not None


def check_can_create(registry: str) -> None:
    """Checks that what `create_repository` needs is installed.

    Raises:
        UnavailableError: boto3 is not installed.
    """
    if can_create(registry):
        _boto3()


def create_repository(registry: str, repository: str) -> None:
    """Creates a repository by the API of its registry, with the credentials of the AWS CLI. It may exist already.

    Raises:
        UnavailableError: boto3 is not installed.
        RegistryError: the API refuses.
    """
    found = _amazon(registry, repository)
    if found is None:
        raise RegistryError(
            f"create_repository cannot create {repository} in {registry}", creation_remedy(registry, repository)
        )
    boto3 = _boto3()
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        boto3.client(found.service, region_name=found.region).create_repository(**found.arguments)
    except (BotoCoreError, ClientError) as error:
        if getattr(error, "response", {}).get("Error", {}).get("Code") == "RepositoryAlreadyExistsException":
            return
        raise RegistryError(
            f"cannot create the repository {repository} in {registry}: {quote(error)}",
            f"check the credentials and permissions of: {found.command}",
        ) from error


def missing_repository(registry: str, repository: str, cause: RegistryError) -> MissingRepositoryError:
    """The error for a push to a repository that does not exist."""
    answer = re.search(r"\((.*)\)$", cause.message)
    return MissingRepositoryError(
        f"the repository {repository} does not exist in {registry}, which does not create it on push"
        + (f" ({answer[1]})" if answer else ""),
        creation_remedy(registry, repository),
        status=cause.status,
        code=cause.code,
    )


def creation_remedy(registry: str, repository: str) -> str:
    """How to create a repository."""
    if found := _amazon(registry, repository):
        return f"create it with: {found.command}; or set create_repository = true (--create-repository)"
    project, _, rest = repository.partition("/")
    if (match := _ARTIFACT_REGISTRY.fullmatch(registry)) and rest:
        options = f"--repository-format=docker --location={match['location']} --project={project}"
        return f"create it with: gcloud artifacts repositories create {rest.partition('/')[0]} {options}"
    if _ORACLE.fullmatch(registry) and rest:
        return f"create it with: oci artifacts container repository create --compartment-id ID --display-name {rest}"
    return (
        f"create {repository}, or its project {project}, in the user interface of {registry}, and run it again; "
        "create_repository = true creates repositories of Amazon ECR only"
    )


def _amazon(registry: str, repository: str) -> _Amazon | None:
    if match := _ECR.fullmatch(registry):
        arguments = {"registryId": match["account"], "repositoryName": repository}
        return _Amazon("ecr", match["region"], arguments)
    if registry == _ECR_PUBLIC:  # its paths start with the alias of the account
        return _Amazon("ecr-public", "us-east-1", {"repositoryName": repository.partition("/")[2]})
    return None


def _boto3() -> Any:
    try:
        import boto3
    except ImportError:
        raise UnavailableError("create_repository = true needs boto3 for Amazon ECR", f"install it: {_EXTRA}") from None
    return boto3
