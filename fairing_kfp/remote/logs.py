"""The log of a step: from Kubeflow Pipelines, its page, or Kubernetes, whichever lets us read it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import ClusterError, KfpError
from fairing_kfp.remote.launcher_lines import without_launcher_lines
from fairing_kfp.remote.pod_names import driver_pod_name, node_hashes, pod_names

if TYPE_CHECKING:
    from fairing_kfp.remote.connect import Kfp
    from fairing_kfp.remote.pipeline import PipelineDocument
    from fairing_kfp.remote.step import Step

_NODE_NAME = "workflows.argoproj.io/node-name"
_KUBERNETES_TIMEOUT = 10.0  # seconds
_LAUNCHER_LINES = 200  # of the launcher, among the last lines of a log


def step_log(kfp: Kfp, run: Any, step: Step, document: PipelineDocument, lines: int | None = None) -> list[str]:
    """The lines of a step's log.

    Args:
        kfp: connection with Kubeflow Pipelines.
        run: the run, as the API describes it (`V2beta1Run`).
        step: the step.
        document: the run's pipeline.
        lines: how many of the last lines; all by default.

    Raises:
        KfpError: the step has no pod, or its log cannot be read.
    """
    pods = list(_pods(run, step, document))
    if not pods:
        raise KfpError(f"the step {step.name} has no log: {_without_pod(step)}", "see the run's page")
    text = _served(kfp, run, pods)
    if text:
        found = without_launcher_lines(text.splitlines())
        return found[-lines:] if lines else found
    wanted = lines + _LAUNCHER_LINES if lines else 1_000_000
    try:
        found = without_launcher_lines(_from_kubernetes(kfp, run, step, document, pods, wanted))
        return found[-lines:] if lines else found
    except ClusterError as error:
        namespace = kfp.namespace or "kubeflow"
        raise KfpError(
            f"the log of the step {step.name} cannot be read from here: neither {kfp.host} nor Kubernetes gives it "
            f"({error.message})",
            f"kubectl logs -n {namespace} {pods[0]} -c main",
        ) from error


def served_log(kfp: Kfp, run: Any, step: Step, document: PipelineDocument) -> str:
    """A step's log so far, if Kubeflow Pipelines or its page serves it; else empty."""
    return _served(kfp, run, list(_pods(run, step, document)))


def _served(kfp: Kfp, run: Any, pods: Sequence[str]) -> str:
    for read in (_from_api, _from_page):
        for pod in pods:
            text = read(kfp, run, pod)
            if text:
                return text
    return ""


def _pods(run: Any, step: Step, document: PipelineDocument) -> Iterator[str]:
    if step.pod:
        yield step.pod
    if step.cached or step.state in ("pending", "skipped"):
        return
    if step.in_driver:
        workflow = workflow_of(run)
        if workflow:
            yield driver_pod_name(workflow, step.task)
        return
    for node in step.nodes:
        yield from pod_names(node, step.task, document.pipeline, document.platform)


def workflow_of(run: Any) -> str:
    """The name of a run's workflow; empty if the API reports no node yet."""
    for detail in (run.run_details.task_details if run.run_details else None) or []:
        for child in detail.child_tasks or []:
            if child.pod_name and child.pod_name.rpartition("-")[2].isdecimal():
                return str(child.pod_name.rpartition("-")[0])
    return ""


def _without_pod(step: Step) -> str:
    return "KFP reused the outputs of an earlier run" if step.cached else f"it is {step.state}"


def _from_api(kfp: Kfp, run: Any, pod: str) -> str:
    try:
        text = kfp.text(f"read the log of {pod}", f"/apis/v1alpha1/runs/{run.run_id}/nodes/{pod}/log")
    except KfpError:
        return ""
    return "" if text.lstrip().startswith('{"error_message"') or _is_page(text) else text


def _from_page(kfp: Kfp, run: Any, pod: str) -> str:
    query = {"podname": pod, "runid": str(run.run_id)}
    if kfp.namespace:
        query["podnamespace"] = kfp.namespace
    if run.created_at:
        query["createdat"] = run.created_at.strftime("%Y-%m-%d")
    try:
        text = kfp.text(f"read the log of {pod}", "/k8s/pod/logs", **query)
    except KfpError:
        return ""
    return "" if _is_page(text) else text


def _failed_drivers(pods: Sequence[Any], task: str) -> list[str]:
    """The failed pods of a task's driver, in whatever loop or nested pipeline the task is."""
    return [
        pod["metadata"]["name"]
        for pod in pods
        if pod["status"].get("phase") == "Failed"
        and pod["metadata"].get("annotations", {}).get(_NODE_NAME, "").endswith(f".{task}-driver")
    ]


def _is_page(text: str) -> bool:
    """Whether a host answers any path with its page."""
    return text.lstrip()[:9].lower() in ("<!doctype", "<html><he") or text.lstrip()[:5].lower() == "<html"


def _from_kubernetes(
    kfp: Kfp, run: Any, step: Step, document: PipelineDocument, pods: list[str], lines: int
) -> list[str]:
    from urllib3.exceptions import InsecureRequestWarning

    from fairing_kfp.cluster.client import Cluster
    from fairing_kfp.cluster.logs import last_lines

    warnings.simplefilter("ignore", InsecureRequestWarning)  # the kubeconfig disables verification on purpose
    cluster = Cluster(retry_timeout=_KUBERNETES_TIMEOUT)
    try:
        namespace = kfp.namespace or "kubeflow"
        query = {"labelSelector": f"pipeline/runid={run.run_id}"}
        found = cluster.request("GET", f"/api/v1/namespaces/{namespace}/pods", query=query)["items"]
        names = [pod["metadata"]["name"] for pod in found]
        ends = [end for node in step.nodes for end in node_hashes(node, step.task, document.pipeline)]
        chosen = [pod for pod in pods if pod in names]
        chosen += [name for end in ends for name in names if name.endswith(f"-{end}")]
        if step.in_driver:
            chosen += _failed_drivers(found, step.task)
        if not chosen:
            raise KfpError(
                f"the log of the step {step.name} is gone: the namespace {namespace} has no pod of it",
                "let Argo archive logs (archiveLogs), or see where your cluster collects them",
            )
        return last_lines(cluster, namespace, chosen[0], "main", lines)
    finally:
        cluster.close()
