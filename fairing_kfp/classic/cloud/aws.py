"""Amazon Web Services."""

from __future__ import annotations

import re
from typing import Any

from fairing_kfp.classic.constants.constants import AWS_CREDS_SECRET_NAME
from fairing_kfp.classic.work.deprecation import refuse, warn_once
from fairing_kfp.classic.work.mutators import in_fairings_form
from fairing_kfp.classic.work.sdk import sdk
from fairing_kfp.classic.work.secrets import add_if_exists, require_secret
from fairing_kfp.cluster.mutators import environment_from_secret
from fairing_kfp.errors import ConfigError

_ECR = re.compile(r"(?P<account>[^.]+)\.dkr\.ecr\.(?P<region>[^.]+)\.amazonaws\.com(?:\.cn)?")
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


class S3Uploader:
    """Refused, since builds need no bucket."""

    def __init__(self, region: str) -> None:
        refuse("S3Uploader", "builds need no bucket", "upload files with boto3, or write them to an output artifact")


def guess_account_id() -> str:
    """The account of the current credentials; asks AWS.

    Raises:
        ConfigError: boto3 is not installed, or AWS cannot be asked.
    """
    boto3 = sdk("boto3", "boto3", "guess_account_id()")
    errors = sdk("botocore.exceptions", "boto3", "guess_account_id()")
    try:
        return str(boto3.client("sts").get_caller_identity()["Account"])
    except (errors.BotoCoreError, errors.ClientError) as error:
        raise ConfigError(
            f"the current account of AWS is unknown: {str(error).rstrip('.')}",
            "run aws configure, or name the account in docker_registry",
        ) from error


def add_aws_credentials_if_exists(kube_manager: Any, pod_spec: Any, namespace: str) -> None:
    """A mutator: adds the credentials in the secret `aws-secret`, if there is one."""
    add_if_exists(kube_manager, pod_spec, namespace, AWS_CREDS_SECRET_NAME, add_aws_credentials)


def add_aws_credentials(kube_manager: Any, pod_spec: Any, namespace: str) -> None:
    """A mutator: adds the credentials in the secret `aws-secret` as environment variables.

    Raises:
        ConfigError: there is no such secret.
    """
    require_secret(kube_manager, AWS_CREDS_SECRET_NAME, namespace)
    mutate = environment_from_secret(AWS_CREDS_SECRET_NAME, {key: key for key in _KEYS})
    in_fairings_form(mutate)(kube_manager, pod_spec, namespace)


def add_ecr_config(kube_manager: Any, pod_spec: Any, namespace: str) -> None:
    """Changes nothing, since no pod pushes images any more."""
    warn_once(
        "add_ecr_config",
        "",
        "add_ecr_config has no effect any more: images are pushed with the credential helper of this machine",
    )


def is_ecr_registry(registry: str) -> bool:
    """Whether a registry is one of Amazon ECR."""
    return bool(_ECR.match(registry))


def create_ecr_registry(registry: str, repository: str) -> None:
    """Creates a repository in Amazon ECR, unless it exists.

    Args:
        registry: the registry, such as `123456789012.dkr.ecr.eu-west-1.amazonaws.com`.
        repository: the repository.

    Raises:
        ConfigError: the registry is not one of Amazon ECR, or boto3 is not installed.
    """
    found = _ECR.match(registry)
    if found is None:
        raise ConfigError(f"{registry} is not a registry of Amazon ECR", "write ACCOUNT.dkr.ecr.REGION.amazonaws.com")
    client = sdk("boto3", "boto3", "create_ecr_registry()").client("ecr", region_name=found["region"])
    try:
        client.describe_repositories(registryId=found["account"], repositoryNames=[repository])
    except client.exceptions.RepositoryNotFoundException:
        client.create_repository(repositoryName=repository)
