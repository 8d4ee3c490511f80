"""Fairing's constants that calls still use."""

from __future__ import annotations

import os

DEFAULT_IMAGE_NAME = "fairing-job"
"""Repository below the registry, if neither `image_name` nor the project's name is set."""

DEFAULT_BASE_IMAGE = None
"""The official Python image of this interpreter's version, or `base_image` in `[tool.fairing-kfp]`."""

DEFAULT_REGISTRY = "index.docker.io"
DEFAULT_DEST_PREFIX = "/app/"
"""Fairing's folder in the image; paths below it are now relative to the working folder."""

GOOGLE_CREDS_ENV = "GOOGLE_APPLICATION_CREDENTIALS"
GCP_SERVICE_ACCOUNT_NAME = "default-editor"
GCP_CREDS_SECRET_NAME = "user-gcp-sa"  # noqa: S105 - the name of a secret
AWS_CREDS_SECRET_NAME = "aws-secret"  # noqa: S105
DOCKER_CREDS_SECRET_NAME = "docker-secret"  # noqa: S105
IBM_COS_CREDS_FILE_NAME = "cos_credentials"
IBM_COS_CREDS_SECRET_NAME = "ibm-cos-creds"  # noqa: S105
IBM_COS_DEFAULT_ENDPOINT = "https://s3.us.cloud-object-storage.appdomain.cloud"
AZURE_CREDS_SECRET_NAME = "azcreds"  # noqa: S105
AZURE_ACR_CREDS_SECRET_NAME = "acrcreds"  # noqa: S105
AZURE_STORAGE_CREDS_SECRET_NAME_PREFIX = "storage-credentials-"  # noqa: S105
AZURE_FILES_SHARED_FOLDER = "fairing-builds"

TF_JOB_GROUP = PYTORCH_JOB_GROUP = "kubeflow.org"
TF_JOB_VERSION = PYTORCH_JOB_VERSION = "v1"
TF_JOB_KIND, TF_JOB_PLURAL = "TFJob", "tfjobs"
PYTORCH_JOB_KIND, PYTORCH_JOB_PLURAL = "PyTorchJob", "pytorchjobs"

KFSERVING_GROUP, KFSERVING_VERSION = "serving.kserve.io", "v1beta1"
"""Those of KServe, as which KFServing (`serving.kubeflow.org/v1alpha2`) continues."""
KFSERVING_KIND, KFSERVING_PLURAL = "InferenceService", "inferenceservices"

DEFAULT_USER_AGENT = "fairing-kfp/{VERSION}"
"""To format with `fairing_kfp.classic.__version__`."""

JOB_DEPLOYER_TYPE = "job"
SERVING_DEPLOPYER_TYPE = "serving"
TF_JOB_DEPLOYER_TYPE = "tfjob"
PYTORCH_JOB_DEPLOYER_TYPE = "pytorchjob"
KFSERVING_DEPLOYER_TYPE = "kfservice"
KFSERVING_DEFAULT_NAME = "fairing-kfserving-"

PVC_DEFAULT_MOUNT_PATH = "/mnt"
DEFAULT_VOLUME_NAME = "fairing-volume-"

FAIRING_LOG_LEVEL = os.environ.get("FAIRING_LOG_LEVEL", "INFO").upper()
FAIRING_LOG_FORMAT = "%(levelname)s|%(asctime)s|%(pathname)s|%(lineno)d| %(message)s"
FAIRING_LOG_DATEFMT = "%Y-%m-%d %H:%M:%S"
