"""The builder `cluster`: a Job in the cluster resolves bases and pushes images, this machine only reaches Kubernetes.

One Job serves all images of a pipeline. It gets images as data, and calls the append builder; the bytes of a layer are
sent when the registry turns out to lack it. A Job whose connection breaks is replaced: every call can be repeated.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from pathlib import Path
from typing import Any

from fairing_kfp.builders.bases import registry_base
from fairing_kfp.builders.builder import Connection, Plan
from fairing_kfp.builders.cluster import session
from fairing_kfp.builders.cluster.client import BrokenConnectionError, ServerSettings
from fairing_kfp.builders.cluster.job import FEATURE
from fairing_kfp.builders.cluster.options import ClusterOptions
from fairing_kfp.builders.cluster.recipe_json import plan_from_json
from fairing_kfp.builders.cluster.upload import LayerStore
from fairing_kfp.builders.create_repository import RepositoryCreator
from fairing_kfp.builders.progress import Progress, log_of
from fairing_kfp.cache.store import KNOWN_REMOTE, Cache
from fairing_kfp.cluster.access import check_access
from fairing_kfp.cluster.cleanup import delete_owned, on_signal
from fairing_kfp.cluster.client import Cluster
from fairing_kfp.cluster.connect import find_config
from fairing_kfp.cluster.kinds import JOB, Kind
from fairing_kfp.cluster.names import object_name
from fairing_kfp.errors import ClusterError, ConfigError, ForbiddenError, MissingObjectError
from fairing_kfp.image.image import AnyImage
from fairing_kfp.image.reference import Reference
from fairing_kfp.registry.stop import Stop

_ATTEMPTS = 3
_SIGNAL_SECONDS = 2.0
_RETRY = 20.0  # seconds; somebody waits for the error
_SECRET, _ACCOUNT = Kind("v1", "Secret", "secrets"), Kind("v1", "ServiceAccount", "serviceaccounts")
_LOGIN_KEYS = (".dockerconfigjson", "config.json")


def connect(connection: Connection, argument: str) -> ClusterBuilder:
    """The builder `cluster`.

    Raises:
        ConfigError: a setting is missing or malformed.
        ClusterError: there is no usable kubeconfig.
    """
    settings = connection.settings
    options = ClusterOptions.of(settings)
    repository = settings.repository(connection.pipeline)
    Reference.parse(repository), Reference.parse(options.image)
    server = ServerSettings(repository, settings.insecure, _read(settings.ca))
    store = LayerStore(options.upload) if options.upload else None
    cluster = Cluster(find_config(), _RETRY)
    create = settings.create_repository
    return ClusterBuilder(options, server, cluster, connection.cache, connection.progress, store, create)


class ClusterBuilder:
    """Plans and pushes images from within a cluster.

    Args:
        options: options of the Job.
        settings: settings of the program that runs in it.
        cluster: client of the cluster.
        cache: records the layers that the registry is known to have.
        progress: called with layers as they move.
        store: a store that layers go through; None to send them to the pod.
        create_repository: whether to create the repository, from this machine, if it does not exist.
    """

    def __init__(
        self,
        options: ClusterOptions,
        settings: ServerSettings,
        cluster: Cluster,
        cache: Cache,
        progress: Progress,
        store: LayerStore | None = None,
        create_repository: bool = False,
    ) -> None:
        self._options, self._settings, self._cluster = options, settings, cluster
        self._cache, self._progress, self._log = cache, progress, log_of(progress)
        self._store = store
        self._creator = RepositoryCreator(settings.repository, create_repository)
        self._lock = threading.Lock()
        self._stop = Stop()
        self._session: session.Session | None = None
        self._job = ""  # name of the current Job
        self._signals = contextlib.ExitStack()
        separate = cluster.clone(_SIGNAL_SECONDS)
        self._signals.enter_context(on_signal(lambda: self._delete_job(separate)))

    def check(self, image: AnyImage) -> None:
        """Checks that the image fits its base, which the Job reads."""
        self._call("check", image)

    def plan(self, image: AnyImage) -> Plan:
        """Plans what `publish` would do."""
        return plan_from_json(self._call("plan", image))

    def publish(self, image: AnyImage) -> str:
        """Has the Job push the image; sends the layers that the registry lacks, and returns the image by digest."""
        reference = str(self._creator.push(lambda: self._call("publish", image)))
        for layer in (layer for one in image.images for layer in one.layers):
            self._cache.put_record(KNOWN_REMOTE, layer.digest, self._settings.repository.partition("/")[2])
        return reference

    def close(self) -> None:
        """Deletes the Job, and the layers in the store."""
        with self._lock, self._signals:
            running, self._session = self._session, None
            try:
                if running is not None:
                    running.close()
            finally:
                if self._store is not None:
                    self._store.close()

    def _call(self, method: str, image: AnyImage) -> Any:
        registry_base(image)  # a Dockerfile is rejected before a Job is created
        for attempt in range(_ATTEMPTS):
            running = self._running()
            try:
                return running.client.call(method, image)
            except BrokenConnectionError:
                self._stop.check()
                self._replace(running, last=attempt == _ATTEMPTS - 1)
        raise AssertionError("the last attempt raises")

    def _running(self) -> session.Session:
        with self._lock:
            if self._session is None:
                self._check_cluster()
                if self._store is not None:
                    self._store.check()
                self._job = object_name(f"build-{self._settings.repository.rpartition('/')[2]}", uuid.uuid4().hex)
                self._session = session.start(
                    self._cluster,
                    self._options,
                    self._settings,
                    self._job,
                    self._stop,
                    self._log,
                    self._progress,
                    self._store.upload if self._store is not None else None,
                )
            return self._session

    def _delete_job(self, cluster: Cluster) -> None:
        """Deletes the Job when this process is stopped; a pod that waits for its image would wait for hours."""
        if self._job:
            namespace = self._options.namespace or cluster.namespace
            delete_owned(cluster, JOB, self._job, namespace, session.LABELS)

    def _replace(self, broken: session.Session, *, last: bool) -> None:
        """Deletes a Job whose connection broke, so that the next call starts another.

        Raises:
            JobFailedError: its pod failed.
            ClusterError: the connection broke repeatedly.
        """
        with self._lock:
            failure = broken.failure()
            if self._session is broken:
                self._session = None
                with contextlib.suppress(ClusterError):
                    broken.close()
        if failure is not None:
            raise failure
        if last:
            raise ClusterError(
                f"the connection to Job {broken.name} broke {_ATTEMPTS} times",
                "check the connection to the API server, or send layers through a store (cluster_upload)",
            )
        self._log(f"the connection to Job {broken.name} broke; starting another")

    def _check_cluster(self) -> None:
        """Checks permissions and the objects that the Job refers to, before it is created.

        Raises:
            ForbiddenError: a permission is missing.
            ConfigError: the Secret or the service account does not exist, or the Secret has no login.
        """
        namespace = self._options.namespace or self._cluster.namespace
        check_access(self._cluster, FEATURE, namespace)
        if self._options.service_account:
            self._find(_ACCOUNT, self._options.service_account, namespace, "cluster_service_account")
        if self._options.secret:
            found = self._find(_SECRET, self._options.secret, namespace, "cluster_secret")
            if found is not None and not any(key in (found.get("data") or {}) for key in _LOGIN_KEYS):
                raise ConfigError(
                    f"Secret {self._options.secret} in the namespace {namespace} has no registry login",
                    "create one with: kubectl create secret docker-registry",
                )

    def _find(self, kind: Kind, name: str, namespace: str, setting: str) -> dict[str, Any] | None:
        """An object that the Job refers to; None if this machine may not read it, but the Job may use it."""
        try:
            return self._cluster.request("GET", kind.path(namespace, name))
        except ForbiddenError:
            return None
        except MissingObjectError as error:
            raise ConfigError(
                f"there is no {kind.kind} {name} in the namespace {namespace}", f"create it, or change {setting}"
            ) from error


def _read(ca: str | None) -> str:
    try:
        return Path(ca).read_text(encoding="utf-8") if ca else ""
    except OSError as error:
        raise ConfigError(
            f"cannot read the CA certificates in {ca}: {error.strerror}", "check the setting ca"
        ) from error
