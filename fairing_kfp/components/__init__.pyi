"""The reusable components as type checkers see them; `make golden` writes this file from their declarations.

A parameter takes a value, or what kfp gives out in a pipeline. An artifact always comes from another task.
"""

from typing import Any

from kfp.dsl.pipeline_channel import PipelineChannel

from fairing_kfp.components.embedded import embed_source as embed_source
from fairing_kfp.preprocess.task import Task

def fetch_source(
    *,
    git: str | PipelineChannel = "",
    ref: str | PipelineChannel = "",
    path: str | PipelineChannel = "",
    archive: str | PipelineChannel = "",
    ca: str | PipelineChannel = "",
) -> Task:
    """Fetches the files of a Git commit, or of a folder in the pipeline, for preprocess components.

    Args:
        git: URL of the repository, such as `https://github.com/team/models.git`.
        ref: Branch, tag or commit; by default the default branch.
        path: Folder of the repository; by default all of it.
        archive: Folder embedded by `embed_source`, instead of a repository.
        ca: Certificates (PEM) to trust in addition to the system's.

    Returns:
        A task with the outputs `source`, `revision`, `report`.
    """

def preprocess_function(
    *,
    function: str | PipelineChannel,
    source: Any = ...,
    text: str | PipelineChannel = "",
    exclude: list[Any] | PipelineChannel = ...,
) -> Task:
    """Packs a function of a Python module and the files beside it into a bundle, for append-image.

    Args:
        function: Module and function, such as `package.model:train`.
        source: Folder with the module and its files, or the module alone.
        text: Text of the module, instead of a source.
        exclude: Patterns of files to leave out, as in an ignore file.

    Returns:
        A task with the outputs `bundle`, `digest`, `report`.
    """

def preprocess_notebook(
    *,
    notebook: str | PipelineChannel,
    source: Any = ...,
    text: str | PipelineChannel = "",
    mode: str | PipelineChannel = "code",
    tags: list[Any] | PipelineChannel = ...,
    outputs: dict[str, Any] | PipelineChannel = ...,
    shell: bool | PipelineChannel = False,
    exclude: list[Any] | PipelineChannel = ...,
) -> Task:
    """Packs a notebook and the files beside it into a bundle, as a script of its code or to run in full.

    Args:
        notebook: Path of the notebook in the source, such as `train.ipynb`.
        source: Folder with the notebook and its files, or the notebook alone.
        text: Text of the notebook's file, instead of a source.
        mode: `code` (its cells as a script) or `full` (the whole notebook is executed).
        tags: Tags of the cells to use; all but those tagged `skip` by default.
        outputs: Values that the notebook records in the mode `full`, with their types, such as
            `{"accuracy": "float"}`.
        shell: Whether the mode `code` runs `!commands`, except those that install packages.
        exclude: Patterns of files to leave out, as in an ignore file.

    Returns:
        A task with the outputs `bundle`, `digest`, `packages`, `report`.
    """

def preprocess_script(
    *,
    script: str | PipelineChannel,
    source: Any = ...,
    text: str | PipelineChannel = "",
    exclude: list[Any] | PipelineChannel = ...,
) -> Task:
    """Packs a Python script and the files beside it into a bundle, which append-image makes an image of.

    Args:
        script: Path of the script in the source, such as `train.py`.
        source: Folder with the script and its files, or the script alone.
        text: Text of the script, instead of a source.
        exclude: Patterns of files to leave out, as in an ignore file.

    Returns:
        A task with the outputs `bundle`, `digest`, `report`.
    """

def resolve_dependencies(
    *,
    requirements: str | PipelineChannel = "",
    source: Any = ...,
    file: str | PipelineChannel = "requirements.txt",
    extras: list[Any] | PipelineChannel = ...,
    groups: list[Any] | PipelineChannel = ...,
    provided: list[Any] | PipelineChannel = ...,
    base_image: str | PipelineChannel = "",
    python: str | PipelineChannel = "",
    platform: str | PipelineChannel = "",
    libc: str | PipelineChannel = "",
    insecure: list[Any] | PipelineChannel = ...,
    ca: str | PipelineChannel = "",
) -> Task:
    """Locks requirements to versions and hashes, and makes layers of their wheels, for append-image.

    Args:
        requirements: Requirements, one per line, as in a requirements file.
        source: Folder with a file of requirements, or the file alone.
        file: Requirements file, `pyproject.toml` or `uv.lock` in the source.
        extras: Extras of the project to include.
        groups: Dependency groups of the project to include.
        provided: Requirements that the base image satisfies; they are not added.
        base_image: Base image whose Python and platform the packages are for.
        python: Python version, such as `3.12`, if the base image does not tell; by default the step's.
        platform: Platform such as `linux/arm64`; the base's, or linux/amd64 by default.
        libc: Newest C library that wheels may require; `manylinux_2_28` by default.
        insecure: Registries (`host` or `host:port`) reached over plain HTTP.
        ca: Certificates (PEM) to trust in addition to the system's.

    Returns:
        A task with the outputs `layers`, `lock`, `digest`, `report`.
    """

def append_image(
    *,
    bundle: Any,
    base_image: str | PipelineChannel,
    repository: str | PipelineChannel,
    layers: Any = ...,
    packages: list[Any] | PipelineChannel = ...,
    platforms: list[Any] | PipelineChannel = ...,
    insecure: list[Any] | PipelineChannel = ...,
    ca: str | PipelineChannel = "",
) -> Task:
    """Puts a bundle on a base image and pushes the result, by digest, without Docker, daemon or privilege.

    Args:
        bundle: Bundle of a preprocess component.
        base_image: Base image, by tag or digest, such as `python:3.12-slim`.
        repository: Repository of the image, such as `registry.example.com/team/train`.
        layers: Layers of resolve_dependencies, for the same base image.
        packages: Requirements to add, such as `numpy>=2`.
        platforms: Platforms such as `linux/arm64`; the base's, or linux/amd64 if it has several, by
            default.
        insecure: Registries (`host` or `host:port`) reached over plain HTTP.
        ca: Certificates (PEM) to trust in addition to the system's.

    Returns:
        A task with the outputs `image`, `report`.
    """

def build_dockerfile(
    *,
    repository: str | PipelineChannel,
    context: Any = ...,
    git: str | PipelineChannel = "",
    dockerfile: str | PipelineChannel = "Dockerfile",
    build_args: dict[str, Any] | PipelineChannel = ...,
    stage: str | PipelineChannel = "",
    tag: str | PipelineChannel = "latest",
    registry_secret: str | PipelineChannel = "",
    exclude: list[Any] | PipelineChannel = ...,
    buildkit_image: str | PipelineChannel = "moby/buildkit:v0.23.2-rootless",
    cpu: str | PipelineChannel = "",
    memory: str | PipelineChannel = "",
    deadline: int | PipelineChannel = 0,
    service_account: str | PipelineChannel = "",
    insecure: list[Any] | PipelineChannel = ...,
    ca: str | PipelineChannel = "",
) -> Task:
    """Builds an image of a Dockerfile by rootless BuildKit in a Job, and pushes it, by digest.

    Args:
        repository: Repository of the image, such as `registry.example.com/team/train`.
        context: Folder with the Dockerfile and the files that it copies.
        git: Context in a Git repository instead, such as `https://…/models.git#main:train`.
        dockerfile: Path of the Dockerfile in the context.
        build_args: Build arguments, which the image records; no credentials.
        stage: Stage to build; the last one by default.
        tag: Tag of the image in the repository.
        registry_secret: Secret of type `kubernetes.io/dockerconfigjson`, for pulling and pushing.
        exclude: Patterns of files to leave out, as in an ignore file.
        buildkit_image: Image of rootless BuildKit.
        cpu: CPUs of the build, such as `2`.
        memory: Memory of the build, such as `4Gi`.
        deadline: Maximum duration of the build, in seconds; 0 for none.
        service_account: Service account of the Job, for example one with a pull secret.
        insecure: Registries (`host` or `host:port`) reached over plain HTTP.
        ca: Certificates (PEM) to trust in addition to the system's.

    Returns:
        A task with the outputs `image`, `report`.
    """

def import_image(
    *,
    image: str | PipelineChannel,
    repository: str | PipelineChannel,
    tag: str | PipelineChannel = "",
    insecure: list[Any] | PipelineChannel = ...,
    ca: str | PipelineChannel = "",
) -> Task:
    """Copies an image into another repository, byte for byte, so that its digest stays the same.

    Args:
        image: Image to copy, by tag or digest.
        repository: Repository to copy it to, such as `registry.example.com/team/base`.
        tag: Tag in the repository; by default the image's, or one made of its digest.
        insecure: Registries (`host` or `host:port`) reached over plain HTTP.
        ca: Certificates (PEM) to trust in addition to the system's.

    Returns:
        A task with the outputs `imported`, `report`.
    """

def model_image(
    *,
    model: Any,
    repository: str | PipelineChannel,
    base_image: str | PipelineChannel = "busybox:1.37",
    file_name: str | PipelineChannel = "",
    platforms: list[Any] | PipelineChannel = ...,
    insecure: list[Any] | PipelineChannel = ...,
    ca: str | PipelineChannel = "",
) -> Task:
    """Puts a model into an image, by digest, which KServe, KFP and Kubernetes mount as files.

    Args:
        model: Model: a file or a folder.
        repository: Repository of the image, such as `registry.example.com/team/models`.
        base_image: Base image with a shell, by tag or digest.
        file_name: Name in the image of a model of one file, such as `model.joblib`; the artifact's by
            default.
        platforms: Platforms such as `linux/arm64`; the base's, or linux/amd64 if it has several, by
            default.
        insecure: Registries (`host` or `host:port`) reached over plain HTTP.
        ca: Certificates (PEM) to trust in addition to the system's.

    Returns:
        A task with the outputs `image`, `uri`, `report`.
    """

def train_job(
    *,
    image: str | PipelineChannel,
    command: list[Any] | PipelineChannel,
    arguments: list[Any] | PipelineChannel = ...,
    env: dict[str, Any] | PipelineChannel = ...,
    dataset: Any = ...,
    nodes: int | PipelineChannel = 1,
    framework: str | PipelineChannel = "",
    processes: int | PipelineChannel = 1,
    cpu: str | PipelineChannel = "",
    memory: str | PipelineChannel = "",
    gpus: int | PipelineChannel = 0,
    gpu_resource: str | PipelineChannel = "nvidia.com/gpu",
    service_account: str | PipelineChannel = "",
    run_as_user: int | PipelineChannel = 0,
    deadline: int | PipelineChannel = 0,
    retries: int | PipelineChannel = 0,
    start_within: int | PipelineChannel = 900,
    logs: str | PipelineChannel = "first",
) -> Task:
    """Runs a command of an image as a Kubernetes Job, and keeps its model and metrics.

    Args:
        image: Image with Python 3.9 or later, such as the output of append-image.
        command: Command in the image, such as `["python3", "train.py"]`.
        arguments: Arguments of the command; `{dataset}`, `{model}` and `{metrics}` are the paths of the
            artifacts.
        env: Environment variables of the command, with the same paths.
        dataset: File or folder that the command reads at `{dataset}`.
        nodes: Number of pods.
        framework: Framework that connects the nodes: `torch` (starts the command with torchrun),
            `tensorflow`, `jax`, `lightgbm`, or empty for none.
        processes: Processes per node, for torchrun.
        cpu: CPUs of a node, such as `2` or `500m`.
        memory: Memory of a node, such as `4Gi`.
        gpus: Number of GPUs of a node.
        gpu_resource: Resource name of the GPUs.
        service_account: Service account of the pods, with its token.
        run_as_user: User ID of the pods, which then fulfil the restricted Pod Security Standard; 0 for
            the user of the image.
        deadline: Maximum duration of the job, in seconds; 0 for none.
        retries: How many times a failed node is restarted.
        start_within: How long a pod may stay unschedulable, in seconds.
        logs: Nodes whose log is shown: `first` or `all`.

    Returns:
        A task with the outputs `model`, `metrics`, `report`.
    """

def train_trainjob(
    *,
    image: str | PipelineChannel,
    command: list[Any] | PipelineChannel,
    arguments: list[Any] | PipelineChannel = ...,
    env: dict[str, Any] | PipelineChannel = ...,
    dataset: Any = ...,
    nodes: int | PipelineChannel = 1,
    framework: str | PipelineChannel = "",
    processes: int | PipelineChannel = 1,
    cpu: str | PipelineChannel = "",
    memory: str | PipelineChannel = "",
    gpus: int | PipelineChannel = 0,
    gpu_resource: str | PipelineChannel = "nvidia.com/gpu",
    service_account: str | PipelineChannel = "",
    run_as_user: int | PipelineChannel = 0,
    runtime: str | PipelineChannel = "torch-distributed",
    deadline: int | PipelineChannel = 0,
    retries: int | PipelineChannel = 0,
    start_within: int | PipelineChannel = 900,
    logs: str | PipelineChannel = "first",
) -> Task:
    """Runs a command of an image as a TrainJob of Kubeflow Trainer, and keeps its model and metrics.

    Args:
        image: Image with Python 3.9 or later, such as the output of append-image.
        command: Command in the image, such as `["python3", "train.py"]`.
        arguments: Arguments of the command; `{dataset}`, `{model}` and `{metrics}` are the paths of the
            artifacts.
        env: Environment variables of the command, with the same paths.
        dataset: File or folder that the command reads at `{dataset}`.
        nodes: Number of pods.
        framework: Framework that connects the nodes: `torch` (starts the command with torchrun),
            `tensorflow`, `jax`, `lightgbm`, or empty for none.
        processes: Processes per node, for torchrun.
        cpu: CPUs of a node, such as `2` or `500m`.
        memory: Memory of a node, such as `4Gi`.
        gpus: Number of GPUs of a node.
        gpu_resource: Resource name of the GPUs.
        service_account: Service account of the pods, with its token.
        run_as_user: User ID of the pods, which then fulfil the restricted Pod Security Standard; 0 for
            the user of the image.
        runtime: Name of a ClusterTrainingRuntime, or `TrainingRuntime/NAME` for one in the namespace.
        deadline: Maximum duration of the job, in seconds; 0 for none.
        retries: How many times a failed node is restarted.
        start_within: How long a pod may stay unschedulable, in seconds.
        logs: Nodes whose log is shown: `first` or `all`.

    Returns:
        A task with the outputs `model`, `metrics`, `report`.
    """

def train_pytorchjob(
    *,
    image: str | PipelineChannel,
    command: list[Any] | PipelineChannel,
    arguments: list[Any] | PipelineChannel = ...,
    env: dict[str, Any] | PipelineChannel = ...,
    dataset: Any = ...,
    nodes: int | PipelineChannel = 1,
    framework: str | PipelineChannel = "torch",
    processes: int | PipelineChannel = 1,
    cpu: str | PipelineChannel = "",
    memory: str | PipelineChannel = "",
    gpus: int | PipelineChannel = 0,
    gpu_resource: str | PipelineChannel = "nvidia.com/gpu",
    service_account: str | PipelineChannel = "",
    run_as_user: int | PipelineChannel = 0,
    deadline: int | PipelineChannel = 0,
    retries: int | PipelineChannel = 0,
    start_within: int | PipelineChannel = 900,
    logs: str | PipelineChannel = "first",
) -> Task:
    """Runs a command of an image as a PyTorchJob of Kubeflow, and keeps its model and metrics.

    Args:
        image: Image with Python 3.9 or later, such as the output of append-image.
        command: Command in the image, such as `["python3", "train.py"]`.
        arguments: Arguments of the command; `{dataset}`, `{model}` and `{metrics}` are the paths of the
            artifacts.
        env: Environment variables of the command, with the same paths.
        dataset: File or folder that the command reads at `{dataset}`.
        nodes: Number of pods.
        framework: Framework that connects the nodes: `torch` (starts the command with torchrun),
            `tensorflow`, `jax`, `lightgbm`, or empty for none.
        processes: Processes per node, for torchrun.
        cpu: CPUs of a node, such as `2` or `500m`.
        memory: Memory of a node, such as `4Gi`.
        gpus: Number of GPUs of a node.
        gpu_resource: Resource name of the GPUs.
        service_account: Service account of the pods, with its token.
        run_as_user: User ID of the pods, which then fulfil the restricted Pod Security Standard; 0 for
            the user of the image.
        deadline: Maximum duration of the job, in seconds; 0 for none.
        retries: How many times a failed node is restarted.
        start_within: How long a pod may stay unschedulable, in seconds.
        logs: Nodes whose log is shown: `first` or `all`.

    Returns:
        A task with the outputs `model`, `metrics`, `report`.
    """

def train_tfjob(
    *,
    image: str | PipelineChannel,
    command: list[Any] | PipelineChannel,
    arguments: list[Any] | PipelineChannel = ...,
    env: dict[str, Any] | PipelineChannel = ...,
    dataset: Any = ...,
    nodes: int | PipelineChannel = 1,
    framework: str | PipelineChannel = "tensorflow",
    processes: int | PipelineChannel = 1,
    cpu: str | PipelineChannel = "",
    memory: str | PipelineChannel = "",
    gpus: int | PipelineChannel = 0,
    gpu_resource: str | PipelineChannel = "nvidia.com/gpu",
    service_account: str | PipelineChannel = "",
    run_as_user: int | PipelineChannel = 0,
    deadline: int | PipelineChannel = 0,
    retries: int | PipelineChannel = 0,
    start_within: int | PipelineChannel = 900,
    logs: str | PipelineChannel = "first",
) -> Task:
    """Runs a command of an image as a TFJob of Kubeflow, and keeps its model and metrics.

    Args:
        image: Image with Python 3.9 or later, such as the output of append-image.
        command: Command in the image, such as `["python3", "train.py"]`.
        arguments: Arguments of the command; `{dataset}`, `{model}` and `{metrics}` are the paths of the
            artifacts.
        env: Environment variables of the command, with the same paths.
        dataset: File or folder that the command reads at `{dataset}`.
        nodes: Number of pods.
        framework: Framework that connects the nodes: `torch` (starts the command with torchrun),
            `tensorflow`, `jax`, `lightgbm`, or empty for none.
        processes: Processes per node, for torchrun.
        cpu: CPUs of a node, such as `2` or `500m`.
        memory: Memory of a node, such as `4Gi`.
        gpus: Number of GPUs of a node.
        gpu_resource: Resource name of the GPUs.
        service_account: Service account of the pods, with its token.
        run_as_user: User ID of the pods, which then fulfil the restricted Pod Security Standard; 0 for
            the user of the image.
        deadline: Maximum duration of the job, in seconds; 0 for none.
        retries: How many times a failed node is restarted.
        start_within: How long a pod may stay unschedulable, in seconds.
        logs: Nodes whose log is shown: `first` or `all`.

    Returns:
        A task with the outputs `model`, `metrics`, `report`.
    """

def train_vertex(
    *,
    image: str | PipelineChannel,
    command: list[Any] | PipelineChannel,
    project: str | PipelineChannel,
    location: str | PipelineChannel,
    staging: str | PipelineChannel,
    arguments: list[Any] | PipelineChannel = ...,
    env: dict[str, Any] | PipelineChannel = ...,
    dataset: Any = ...,
    display_name: str | PipelineChannel = "",
    labels: dict[str, Any] | PipelineChannel = ...,
    machine: str | PipelineChannel = "n1-standard-4",
    accelerator: str | PipelineChannel = "",
    accelerators: int | PipelineChannel = 1,
    nodes: int | PipelineChannel = 1,
    service_account: str | PipelineChannel = "",
    network: str | PipelineChannel = "",
    deadline: int | PipelineChannel = 0,
    spot: bool | PipelineChannel = False,
    endpoint: str | PipelineChannel = "",
) -> Task:
    """Runs a command of an image as a custom job of Vertex AI, and keeps its model and metrics.

    Args:
        image: Image with Python 3.9 or later, such as the output of append-image.
        command: Command in the image, such as `["python3", "train.py"]`.
        project: ID of the Google Cloud project.
        location: Region of Vertex AI, such as `europe-west4`.
        staging: Folder of a bucket for files while the job runs, such as `gs://my-bucket/staging`.
        arguments: Arguments of the command; `{dataset}`, `{model}` and `{metrics}` are the paths of the
            artifacts.
        env: Environment variables of the command, with the same paths.
        dataset: File or folder that the command reads at `{dataset}`.
        display_name: Name of the job in the console; made of the run by default.
        labels: Labels of the job.
        machine: Machine type.
        accelerator: Accelerator type, such as `NVIDIA_TESLA_T4`; empty for none.
        accelerators: Number of accelerators of a machine.
        nodes: Number of machines, which find each other by `CLUSTER_SPEC`.
        service_account: Service account of the command; Vertex AI's agent by default.
        network: Network to peer with: `projects/NUMBER/global/networks/NAME`.
        deadline: Maximum duration of the job, in seconds; 0 for none.
        spot: Whether to use Spot VMs, which can be preempted.
        endpoint: Host of the API, for Private Service Connect.

    Returns:
        A task with the outputs `model`, `metrics`, `gcp_resources`, `report`.
    """

def run_notebook(
    *,
    notebook: str | PipelineChannel,
    source: Any = ...,
    text: str | PipelineChannel = "",
    parameters: dict[str, Any] | PipelineChannel = ...,
    image: str | PipelineChannel = "",
    exclude: list[Any] | PipelineChannel = ...,
    env: dict[str, Any] | PipelineChannel = ...,
    dataset: Any = ...,
    cpu: str | PipelineChannel = "",
    memory: str | PipelineChannel = "",
    gpus: int | PipelineChannel = 0,
    gpu_resource: str | PipelineChannel = "nvidia.com/gpu",
    service_account: str | PipelineChannel = "",
    run_as_user: int | PipelineChannel = 0,
    deadline: int | PipelineChannel = 0,
    start_within: int | PipelineChannel = 900,
) -> Task:
    """Executes a notebook in an image, and keeps it with its outputs and as HTML, also when a cell fails.

    Args:
        notebook: Path of the notebook in the source, such as `train.ipynb`.
        source: Folder with the notebook and its files, or the notebook alone.
        text: Text of the notebook's file, instead of a source.
        parameters: Parameters of the notebook, by name.
        image: Image with papermill, ipykernel, mistune and pygments; the step's own by default.
        exclude: Patterns of files to leave out, as in an ignore file.
        env: Environment variables of the command, with the same paths.
        dataset: File or folder that the command reads at `{dataset}`.
        cpu: CPUs of a node, such as `2` or `500m`.
        memory: Memory of a node, such as `4Gi`.
        gpus: Number of GPUs of a node.
        gpu_resource: Resource name of the GPUs.
        service_account: Service account of the pods, with its token.
        run_as_user: User ID of the pods, which then fulfil the restricted Pod Security Standard; 0 for
            the user of the image.
        deadline: Maximum duration of the job, in seconds; 0 for none.
        start_within: How long a pod may stay unschedulable, in seconds.

    Returns:
        A task with the outputs `executed`, `model`, `status`, `report`.
    """

def check_notebook(
    *,
    status: str | PipelineChannel = "",
) -> Task:
    """Fails if a notebook failed, after the executed notebook and its report are kept.

    Args:
        status: The failure of a notebook; empty for none.

    Returns:
        A task with the outputs `report`.
    """

def compare_metrics(
    *,
    candidate: Any,
    metric: str | PipelineChannel,
    current: Any = ...,
    higher_is_better: bool | PipelineChannel = True,
    margin: float | PipelineChannel = 0.0,
) -> Task:
    """Decides by a metric whether a new model is better than the current one.

    Args:
        candidate: Metrics of the new model.
        metric: Name of the metric, such as `accuracy`.
        current: Metrics of the current model, by the same data.
        higher_is_better: Whether a higher value is better.
        margin: By how much more than this the new model must be better.

    Returns:
        A task with the outputs `passed`, `comparison`, `report`.
    """

def serve_deployment(
    *,
    name: str | PipelineChannel,
    image: str | PipelineChannel,
    model: Any = ...,
    repository: str | PipelineChannel = "",
    namespace: str | PipelineChannel = "",
    replicas: int | PipelineChannel = 1,
    max_replicas: int | PipelineChannel = 0,
    cpu: str | PipelineChannel = "",
    memory: str | PipelineChannel = "",
    gpu: int | PipelineChannel = 0,
    env: dict[str, Any] | PipelineChannel = ...,
    labels: dict[str, Any] | PipelineChannel = ...,
    annotations: dict[str, Any] | PipelineChannel = ...,
    service_account: str | PipelineChannel = "",
    load_within: int | PipelineChannel = 600,
    service: str | PipelineChannel = "ClusterIP",
    host: str | PipelineChannel = "",
    ingress_class: str | PipelineChannel = "",
    gateway: str | PipelineChannel = "",
    sample: list[Any] | PipelineChannel = ...,
    sample_request: dict[str, Any] | PipelineChannel = ...,
    registry_secret: str | PipelineChannel = "",
    insecure: list[Any] | PipelineChannel = ...,
    ca: str | PipelineChannel = "",
) -> Task:
    """Serves an image by a Deployment and a Service, and waits until the new version gets all requests.

    Args:
        name: Name of the model, in URLs and in Kubernetes.
        image: Image with a server on port 8080, such as the output of append-image.
        model: Model to add to the image, at the path `FAIRING_MODEL_PATH`.
        repository: Repository of the image with the model; the image's by default.
        namespace: Namespace of the model; that of the run by default.
        replicas: Number of pods.
        max_replicas: More than `replicas`, to scale up to that many pods with the CPU load.
        cpu: CPU that a pod requests, such as `500m`.
        memory: Memory that a pod requests, and its limit, such as `2Gi`.
        gpu: NVIDIA GPUs of a pod.
        env: Environment variables of the server, in plain text.
        labels: Labels of the objects and pods.
        annotations: Annotations of the objects and pods.
        service_account: Service account of the pods; the namespace's default if empty.
        load_within: Time a pod may take to load the model, in seconds.
        service: Type of the Service: `ClusterIP`, `NodePort` or `LoadBalancer`.
        host: Host name of an Ingress or HTTPRoute; neither if empty.
        ingress_class: Class of the Ingress; the cluster's default if empty.
        gateway: Gateway of an HTTPRoute, as `NAMESPACE/NAME`; an Ingress if empty.
        sample: Instances of a request that is sent once the model is ready.
        sample_request: A whole request instead, such as `{"inputs": […]}`.
        registry_secret: Secret with which the pods pull the image.
        insecure: Registries (`host` or `host:port`) reached over plain HTTP.
        ca: Certificates (PEM) to trust in addition to the system's.

    Returns:
        A task with the outputs `endpoint`, `url`, `served_image`, `previous`, `metrics`, `report`.
    """

def serve_kserve(
    *,
    name: str | PipelineChannel,
    image: str | PipelineChannel,
    model: Any = ...,
    repository: str | PipelineChannel = "",
    namespace: str | PipelineChannel = "",
    replicas: int | PipelineChannel = 1,
    max_replicas: int | PipelineChannel = 0,
    cpu: str | PipelineChannel = "",
    memory: str | PipelineChannel = "",
    gpu: int | PipelineChannel = 0,
    env: dict[str, Any] | PipelineChannel = ...,
    labels: dict[str, Any] | PipelineChannel = ...,
    annotations: dict[str, Any] | PipelineChannel = ...,
    service_account: str | PipelineChannel = "",
    load_within: int | PipelineChannel = 600,
    mode: str | PipelineChannel = "Standard",
    canary: int | PipelineChannel = 0,
    sample: list[Any] | PipelineChannel = ...,
    sample_request: dict[str, Any] | PipelineChannel = ...,
    registry_secret: str | PipelineChannel = "",
    insecure: list[Any] | PipelineChannel = ...,
    ca: str | PipelineChannel = "",
) -> Task:
    """Serves an image by an InferenceService of KServe, and waits until the new version gets its requests.

    Args:
        name: Name of the model, in URLs and in Kubernetes.
        image: Image with a server on port 8080, such as the output of append-image.
        model: Model to add to the image, at the path `FAIRING_MODEL_PATH`.
        repository: Repository of the image with the model; the image's by default.
        namespace: Namespace of the model; that of the run by default.
        replicas: Number of pods.
        max_replicas: More than `replicas`, to scale up to that many pods with the CPU load.
        cpu: CPU that a pod requests, such as `500m`.
        memory: Memory that a pod requests, and its limit, such as `2Gi`.
        gpu: NVIDIA GPUs of a pod.
        env: Environment variables of the server, in plain text.
        labels: Labels of the objects and pods.
        annotations: Annotations of the objects and pods.
        service_account: Service account of the pods; the namespace's default if empty.
        load_within: Time a pod may take to load the model, in seconds.
        mode: Deployment mode of KServe: `Standard` or `Knative`.
        canary: Percentage of requests for the new version; 0 for all of them.
        sample: Instances of a request that is sent once the model is ready.
        sample_request: A whole request instead, such as `{"inputs": […]}`.
        registry_secret: Secret with which the pods pull the image.
        insecure: Registries (`host` or `host:port`) reached over plain HTTP.
        ca: Certificates (PEM) to trust in addition to the system's.

    Returns:
        A task with the outputs `endpoint`, `url`, `new_endpoint`, `served_image`, `previous`,
            `metrics`, `report`.
    """

def serve_kserve_model(
    *,
    name: str | PipelineChannel,
    model_format: str | PipelineChannel,
    model: Any = ...,
    storage: str | PipelineChannel = "",
    runtime: str | PipelineChannel = "",
    namespace: str | PipelineChannel = "",
    replicas: int | PipelineChannel = 1,
    max_replicas: int | PipelineChannel = 0,
    cpu: str | PipelineChannel = "",
    memory: str | PipelineChannel = "",
    gpu: int | PipelineChannel = 0,
    env: dict[str, Any] | PipelineChannel = ...,
    labels: dict[str, Any] | PipelineChannel = ...,
    annotations: dict[str, Any] | PipelineChannel = ...,
    service_account: str | PipelineChannel = "",
    load_within: int | PipelineChannel = 600,
    mode: str | PipelineChannel = "Standard",
    canary: int | PipelineChannel = 0,
    sample: list[Any] | PipelineChannel = ...,
    sample_request: dict[str, Any] | PipelineChannel = ...,
) -> Task:
    """Serves a model by a KServe runtime for its format, which loads it from storage.

    Args:
        name: Name of the model, in URLs and in Kubernetes.
        model_format: Format of the model in KServe's terms, such as `sklearn` or `onnx`.
        model: Model to serve.
        storage: URI of the model, instead of an artifact.
        runtime: Name of the runtime; KServe chooses one for the format if empty.
        namespace: Namespace of the model; that of the run by default.
        replicas: Number of pods.
        max_replicas: More than `replicas`, to scale up to that many pods with the CPU load.
        cpu: CPU that a pod requests, such as `500m`.
        memory: Memory that a pod requests, and its limit, such as `2Gi`.
        gpu: NVIDIA GPUs of a pod.
        env: Environment variables of the server, in plain text.
        labels: Labels of the objects and pods.
        annotations: Annotations of the objects and pods.
        service_account: Service account of the pods; the namespace's default if empty.
        load_within: Time a pod may take to load the model, in seconds.
        mode: Deployment mode of KServe: `Standard` or `Knative`.
        canary: Percentage of requests for the new version; 0 for all of them.
        sample: Instances of a request that is sent once the model is ready.
        sample_request: A whole request instead, such as `{"inputs": […]}`.

    Returns:
        A task with the outputs `endpoint`, `url`, `new_endpoint`, `served_uri`, `previous`, `metrics`,
            `report`.
    """

def predict(
    *,
    endpoint: str | PipelineChannel,
    instances: list[Any] | PipelineChannel = ...,
    request: dict[str, Any] | PipelineChannel = ...,
    data: Any = ...,
    model: str | PipelineChannel = "",
    protocol: str | PipelineChannel = "auto",
    batch: int | PipelineChannel = 0,
    expected: list[Any] | PipelineChannel = ...,
    tolerance: float | PipelineChannel = 0.0,
    shape: list[Any] | PipelineChannel = ...,
    required: bool | PipelineChannel = True,
    host: str | PipelineChannel = "",
    timeout: float | PipelineChannel = 60.0,
) -> Task:
    """Sends instances to an endpoint, checks the predictions, and measures how long they take.

    Args:
        endpoint: URL of the server, or of its model.
        instances: Instances to send.
        request: A whole request instead, such as `{"inputs": […]}`.
        data: JSON file with instances or a whole request, instead.
        model: Name of the model; needed if the server has several.
        protocol: `v1`, `v2` or `auto`.
        batch: Instances per request; 0 for all in one.
        expected: Expected predictions; not compared if empty.
        tolerance: Largest absolute difference of a number from the expected one.
        shape: Expected shape of the predictions, with -1 for any length.
        required: Whether an error or a wrong answer fails the step.
        host: Host name to send, for a gateway that routes by it.
        timeout: Time a request may take, in seconds.

    Returns:
        A task with the outputs `outcome`, `predictions`, `metrics`, `report`.
    """

def promote_canary(
    *,
    name: str | PipelineChannel,
    namespace: str | PipelineChannel = "",
    target: str | PipelineChannel = "",
    sample: list[Any] | PipelineChannel = ...,
    sample_request: dict[str, Any] | PipelineChannel = ...,
) -> Task:
    """Gives all requests to the canary of a model that KServe serves, and waits until it serves them.

    Args:
        name: Name of the model, in URLs and in Kubernetes.
        namespace: Namespace of the model; that of the run by default.
        target: `deployment` or `kserve`; needed only if both serve that name.
        sample: Instances of a request that is sent once the model is ready.
        sample_request: A whole request instead, such as `{"inputs": […]}`.

    Returns:
        A task with the outputs `endpoint`, `served`, `metrics`, `report`.
    """

def rollback(
    *,
    name: str | PipelineChannel,
    previous: str | PipelineChannel = "",
    namespace: str | PipelineChannel = "",
    target: str | PipelineChannel = "",
) -> Task:
    """Rolls a served model back to an earlier version, or ends its canary, and waits until it is ready.

    Args:
        name: Name of the model, in URLs and in Kubernetes.
        previous: Image by digest or URI to serve again; ends a canary if empty.
        namespace: Namespace of the model; that of the run by default.
        target: `deployment` or `kserve`; needed only if both serve that name.

    Returns:
        A task with the outputs `endpoint`, `served`, `metrics`, `report`.
    """

def undeploy(
    *,
    name: str | PipelineChannel,
    namespace: str | PipelineChannel = "",
    target: str | PipelineChannel = "",
    missing_ok: bool | PipelineChannel = False,
) -> Task:
    """Deletes all objects that serve a model, and waits until its pods have ended.

    Args:
        name: Name of the model, in URLs and in Kubernetes.
        namespace: Namespace of the model; that of the run by default.
        target: `deployment` or `kserve`; needed only if both serve that name.
        missing_ok: Whether the step succeeds if nothing is served by that name.

    Returns:
        A task with the outputs `deleted`, `report`.
    """
