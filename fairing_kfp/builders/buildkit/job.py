"""The Job that runs rootless BuildKit: one pod, which builds an image and ends.

Source: https://github.com/moby/buildkit/blob/master/docs/rootless.md
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from fairing_kfp.builders.job_pod import CONTAINER
from fairing_kfp.cluster.client import Object
from fairing_kfp.image.reference import Reference

IMAGE = "moby/buildkit:v0.23.2-rootless"
"""The default image of BuildKit."""

RECEIVED = "received the context"
"""Line of the log after which the standard input is not read."""

_USER = 1000  # of rootless images; its subordinate ids are in them
_WORK = "/work"
_STATE = "/home/user/.local/share/buildkit"
_LOGIN = "/etc/fairing-kfp/registry"
_TTL = 300  # seconds until a Job that nobody deleted is removed
_ISTIO = {"sidecar.istio.io/inject": "false"}  # a sidecar keeps pods from finishing
# busybox' tar reads to the end of its input, which a WebSocket does not pass on: head ends it.
_SCRIPT = f"""\
cd {_WORK}
mkdir context
printf %s "$BUILDKITD_TOML" > buildkitd.toml
printf %s "$CA" > ca.pem
if [ "$CONTEXT_SIZE" -gt 0 ]; then
  head -c "$CONTEXT_SIZE" | tar -x -f - -C context
  echo "{RECEIVED}"
fi
buildctl-daemonless.sh build --progress=plain --metadata-file={_WORK}/metadata.json "$@"
cat {_WORK}/metadata.json > /dev/termination-log
"""


@dataclass(frozen=True)
class BuildSpec:
    """An image to build of a Dockerfile.

    Attributes:
        target: repository and tag of the image.
        dockerfile: path of the Dockerfile in the context.
        git: URL of a Git repository, as `URL#REF:FOLDER`, that is the context; empty for one that is sent.
        context_size: size of the archive that is sent, in bytes.
        build_args: build arguments.
        stage: stage to build; the last by default.
        image: image of BuildKit.
        secret: Secret of type `kubernetes.io/dockerconfigjson`; empty for none.
        insecure: registries that are reached over plain HTTP.
        ca: certificates (PEM) of the target's registry.
        resources: requests and limits of the container, by resource.
        deadline: maximum duration, in seconds; 0 for none.
        service_account: service account of the pod; the namespace's default if empty.
    """

    target: Reference
    dockerfile: str = "Dockerfile"
    git: str = ""
    context_size: int = 0
    build_args: Mapping[str, str] = field(default_factory=dict)
    stage: str = ""
    image: str = IMAGE
    secret: str = ""
    insecure: tuple[str, ...] = ()
    ca: str = ""
    resources: Mapping[str, str] = field(default_factory=dict)
    deadline: int = 0
    service_account: str = ""

    @property
    def arguments(self) -> list[str]:
        """The arguments of `buildctl build`."""
        options = {
            "filename": self.dockerfile,
            **({"context": self.git} if self.git else {}),
            **({"target": self.stage} if self.stage else {}),
            **{f"build-arg:{name}": value for name, value in self.build_args.items()},
        }
        return [
            "--frontend=dockerfile.v0",
            *([] if self.git else [f"--local=context={_WORK}/context", f"--local=dockerfile={_WORK}/context"]),
            *(f"--opt={name}={value}" for name, value in options.items()),
            f"--output=type=image,name={self.target},push=true",
        ]

    @property
    def settings(self) -> str:
        """The settings of BuildKit's daemon (buildkitd.toml)."""
        hosts = dict.fromkeys(self.insecure, "http = true")
        if self.ca:
            hosts[self.target.registry] = f'ca = ["{_WORK}/ca.pem"]'
        return "".join(f"[registry.{json.dumps(host)}]\n{line}\n" for host, line in hosts.items())


def build_job(spec: BuildSpec, name: str, namespace: str) -> Object:
    """The manifest of the Job.

    Args:
        spec: the image to build.
        name: name of the Job.
        namespace: namespace of the Job.
    """
    env = {
        "BUILDKITD_FLAGS": f"--oci-worker-no-process-sandbox --config={_WORK}/buildkitd.toml",
        "BUILDKITD_TOML": spec.settings,
        "CA": spec.ca,
        "CONTEXT_SIZE": str(spec.context_size),
    }
    volumes: list[Object] = [{"name": one, "emptyDir": {}} for one in ("work", "state")]
    mounts: list[Object] = [{"name": "work", "mountPath": _WORK}, {"name": "state", "mountPath": _STATE}]
    if spec.secret:
        items = [{"key": ".dockerconfigjson", "path": "config.json"}]
        volumes.append({"name": "registry", "secret": {"secretName": spec.secret, "items": items}})
        mounts.append({"name": "registry", "mountPath": _LOGIN, "readOnly": True})
        env["DOCKER_CONFIG"] = _LOGIN
    # The pod has no privilege, but user namespaces need more than the restricted standard allows: unconfined system
    # calls, and the set-uid programs newuidmap and newgidmap.
    pod: Object = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": 5,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {"runAsNonRoot": True, "runAsUser": _USER, "runAsGroup": _USER, "fsGroup": _USER},
        "containers": [
            {
                "name": CONTAINER,
                "image": spec.image,
                "command": ["sh", "-ec", _SCRIPT, "build"],
                "args": spec.arguments,
                "env": [{"name": name, "value": value} for name, value in env.items()],
                "stdin": True,
                "stdinOnce": True,
                "resources": {"requests": dict(spec.resources), "limits": dict(spec.resources)},
                "securityContext": {
                    "seccompProfile": {"type": "Unconfined"},
                    "appArmorProfile": {"type": "Unconfined"},
                },
                "volumeMounts": mounts,
            }
        ],
        "volumes": volumes,
    }
    if spec.service_account:
        pod["serviceAccountName"] = spec.service_account
    body: Object = {
        "backoffLimit": 0,
        "ttlSecondsAfterFinished": _TTL,
        "template": {"metadata": {"labels": _ISTIO, "annotations": _ISTIO}, "spec": pod},
    }
    if spec.deadline:
        body["activeDeadlineSeconds"] = spec.deadline
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": namespace},
        "spec": body,
    }
