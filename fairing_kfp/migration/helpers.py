"""The successors of Fairing's backends and helpers."""

from __future__ import annotations

from fairing_kfp.migration.successor import REFUSED, Successor

_BACKEND = "`registry` and `namespace` in `[tool.fairing-kfp]`"
_HELPER = "credentials of `docker login`, through the credential helper"

BACKENDS = (
    Successor("backends.KubernetesBackend", _BACKEND, others=("backends.KubeflowBackend",)),
    Successor(
        "backends.GKEBackend",
        f"{_BACKEND}; {_HELPER} `docker-credential-gcloud`",
        others=("backends.KubeflowGKEBackend",),
    ),
    Successor(
        "backends.AWSBackend",
        f"{_BACKEND}; {_HELPER} `docker-credential-ecr-login`",
        others=("backends.KubeflowAWSBackend",),
    ),
    Successor(
        "backends.AzureBackend",
        f"{_BACKEND}; {_HELPER} `docker-credential-acr-env`",
        others=("backends.KubeflowAzureBackend",),
    ),
    Successor("backends.IBMCloudBackend", f"{_BACKEND}; `docker login icr.io`"),
    Successor(
        "backends.GCPManagedBackend",
        "`vertexjob(train, project=…, region=…, staging=…)(depth=8)` in a pipeline",
        classic='the same; requires Kubeflow Pipelines, and `job_config={"jobDir": "gs://…"}`',
        fault="the service, AI Platform jobs, is retired",
        now="the job runs on Vertex AI",
    ),
    Successor("backends", _BACKEND),
)
KUBERNETES = (
    Successor(
        "kubernetes.utils.get_resource_mutator",
        '`task.set_cpu_limit("4").set_memory_limit("16G")`, or `mutators=[mutators.resources(…), mutators.gpu(1)]`',
        fault="a second call removes the limits of the first; no requests are set",
        now="limits and requests are merged",
    ),
    Successor(
        "kubernetes.utils.mounting_pvc",
        "`kubernetes.mount_pvc(task, …)`, or `mutators.mount_claim(claim, path)`",
        classic='the same; deprecated as in Fairing: `volume_mounts("pvc", …)`',
    ),
    Successor(
        "kubernetes.utils.volume_mounts",
        "`mutators.mount_claim(claim, path)`, `mount_secret(secret, path)`, `mount_config_map(config_map, path)`",
    ),
    Successor("kubernetes.utils.add_env", "`env={…}` of a component, or `mutators.environment({…})`"),
    Successor(
        "kubernetes.utils.get_node_selector", "`kubernetes.add_node_selector(task, …)`, or `mutators.node_selector(…)`"
    ),
    Successor("kubernetes.manager", "the steps create, follow and delete their objects"),
    Successor("kubernetes", "`fairing_kfp.mutators`"),
)
CLOUDS = (
    Successor("cloud.gcp.guess_project_name", "the name of the project in `registry`"),
    Successor(
        "cloud.gcp.get_default_docker_registry",
        '`registry = "REGION-docker.pkg.dev/PROJECT/REPOSITORY"` in `[tool.fairing-kfp]`',
        classic="the same; a repository of Artifact Registry",
        fault="it returns a registry below `gcr.io`; Container Registry is shut down",
        now="images go to Artifact Registry",
    ),
    Successor(
        "cloud.gcp.add_gcp_credentials",
        "`mutators.service_account(…)` with Workload Identity, or `mutators.mount_secret(secret, path)`",
        others=("cloud.gcp.add_gcp_credentials_if_exists",),
    ),
    Successor("cloud.aws.guess_account_id", "the number of the account in `registry`"),
    Successor(
        "cloud.aws.add_aws_credentials",
        "`mutators.environment_from_secret(secret)`",
        others=("cloud.aws.add_aws_credentials_if_exists",),
    ),
    Successor(
        "cloud.aws.add_ecr_config",
        f"{_HELPER} `docker-credential-ecr-login`",
        classic="no effect: images are pushed with the login of this machine",
    ),
    Successor("cloud.aws.create_ecr_registry", "`aws ecr create-repository`"),
    Successor("cloud.aws.is_ecr_registry", "nothing to ask: the credential helper knows"),
    Successor(
        "cloud.azure.add_acr_config",
        f"{_HELPER} `docker-credential-acr-env`; to pull, `mutators.image_pull_secret(secret)`",
        classic="no effect: images are pushed with the login of this machine",
    ),
    Successor("cloud.azure.add_azure_files", "leave it out", classic="no effect: the builder needs no store"),
    Successor("cloud.azure.is_acr_registry", "nothing to ask: the credential helper knows"),
    Successor(
        "cloud.azure.get_azure_credentials",
        "`mutators.environment_from_secret(secret)`",
        others=(
            "cloud.azure.get_plain_secret_value",
            "cloud.azure.create_storage_creds_secret",
            "cloud.azure.delete_storage_creds_secret",
            "cloud.ibm_cloud.get_ibm_cos_credentials",
        ),
        classic=REFUSED,
    ),
    Successor(
        "cloud.gcp.GCSUploader",
        "an output artifact of a step, or the client of the cloud",
        others=(
            "cloud.aws.S3Uploader",
            "cloud.azure.AzureFileUploader",
            "cloud.ibm_cloud.COSUploader",
            "cloud.k8s.MinioUploader",
        ),
        classic=REFUSED,
    ),
    Successor(
        "cloud.storage.GCSStorage",
        "`dsl.importer(…)`, and input artifacts of a step",
        others=("cloud.storage.Storage", "cloud.storage.get_storage_class", "cloud.storage.lookup_storage_class"),
        classic=REFUSED,
    ),
    Successor("cloud.docker", "`mutators.image_pull_secret(secret)`"),
)
OTHERS = (
    Successor(
        "frameworks.lightgbm",
        '`job(boost, nodes=3, framework="lightgbm")(…)`, and `distributed.lightgbm_parameters()` in the code',
    ),
    Successor("frameworks.lightgbm.generate_context_files", "leave it out", classic=REFUSED),
    Successor(
        "frameworks.utils.parse_cluster_spec_env",
        "`distributed.rank()`, `nodes()` and `peers()`",
        others=("frameworks.utils.nslookup", "frameworks.utils.init_lightgbm_env"),
        classic=REFUSED,
    ),
    Successor("frameworks.utils", "`distributed.shard(rows)`; LightGBM's parameters as a dictionary"),
    Successor(
        "functions.function_shim.call", "a layer of the image has the program that calls the function", classic=REFUSED
    ),
    Successor("functions", "nothing to call: the Python version is checked before anything is pushed"),
    Successor("http_utils.configure_http_instance", "leave it out", classic=REFUSED),
    Successor(
        "notebook.notebook_util",
        "`fairing_component.from_notebook()` without a path finds the running notebook",
        fault="the name is found in the classic notebook only",
        now="it is found in JupyterLab, other Jupyter servers, VS Code and papermill, or else asked for",
    ),
    Successor("runtime_config", "nothing to configure: the step does not import the pipeline"),
    Successor(
        "constants",
        "settings in `[tool.fairing-kfp]`",
        classic="the same, without those of kaniko; `KFSERVING_…` are those of KServe",
    ),
    Successor("utils", "`name=` and `tag=` of a component; in a cluster, the namespace is that of the pod"),
)
