"""Recurring runs: a pipeline that Kubeflow Pipelines runs on a schedule."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from fairing_kfp.errors import ConfigError, KfpError
from fairing_kfp.option_signature import lists_options
from fairing_kfp.pipeline.arguments import check_arguments
from fairing_kfp.pipeline.call import check_call
from fairing_kfp.pipeline.secret_gate import check_run
from fairing_kfp.pipeline.trace import trace
from fairing_kfp.remote.connect import connect
from fairing_kfp.remote.experiment import ensure_experiment, equals, experiment_name, find_experiment
from fairing_kfp.remote.images import check_builders
from fairing_kfp.remote.schedule import Schedule, describe
from fairing_kfp.remote.submit import runtime_config
from fairing_kfp.remote.upload import Uploaded, upload_with
from fairing_kfp.settings import SettingOptions, Settings

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from fairing_kfp.builders.builder import Builder
    from fairing_kfp.builders.progress import Progress
    from fairing_kfp.cache.store import Cache
    from fairing_kfp.remote.connect import Kfp

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PAGE = 100
_MOST_CONCURRENT = 10  # the most that Kubeflow Pipelines accepts


class RecurringRun:
    """A recurring run on Kubeflow Pipelines.

    Attributes:
        id: its id.
        name: its name.
        uploaded: the version of the pipeline that it runs, if `create` uploaded it.
        next: when it runs first, in UTC, if `create` created it.
    """

    def __init__(
        self, kfp: Kfp, recurring: Any, uploaded: Uploaded | None = None, next_time: datetime | None = None
    ) -> None:
        self._kfp = kfp
        self._recurring = recurring
        self.id = str(recurring.recurring_run_id)
        self.name = str(recurring.display_name or "")
        self.uploaded = uploaded
        self.next = next_time

    def __repr__(self) -> str:
        """The id and the name."""
        return f"RecurringRun(id={self.id!r}, name={self.name!r})"

    @property
    def enabled(self) -> bool:
        """Whether it ran on schedule when it was last read."""
        return str(self._recurring.status) == "ENABLED"

    @property
    def schedule(self) -> str:
        """Its cron expression, or `every 6 h`."""
        return describe(self._recurring.trigger)

    @property
    def url(self) -> str:
        """Its page; empty if the page's address is unknown."""
        return f"{self._kfp.page}/#/recurringrun/details/{self.id}" if self._kfp.page else ""

    @classmethod
    @lists_options(SettingOptions, described_by=Settings)
    def create(
        cls,
        pipeline: Any,
        arguments: Mapping[str, Any] | None = None,
        *,
        cron: str | None = None,
        every: str | timedelta | None = None,
        start_time: str | datetime | None = None,
        end_time: str | datetime | None = None,
        name: str | None = None,
        catchup: bool = True,
        max_concurrency: int = 1,
        enabled: bool = True,
        token_file: str | None = None,
        builder: Builder | str | None = None,
        cache: Cache | None = None,
        progress: Progress | None = None,
        **settings: Unpack[SettingOptions],
    ) -> RecurringRun:
        """Uploads a pipeline as by `upload`, and lets Kubeflow Pipelines run that version on a schedule.

        The schedule, the arguments, the host and the name are checked before anything is published.

        Args:
            pipeline: the result of `@dsl.pipeline` or `@fairing_component`.
            arguments: arguments of the pipeline.
            cron: cron expression with six fields, seconds first: `0 0 2 * * *`.
            every: interval, such as `6h`; instead of `cron`.
            start_time: when the schedule begins (RFC 3339); now by default.
            end_time: when it ends; never by default.
            name: name of the recurring run; the pipeline's by default.
            catchup: whether runs that were missed are made up for.
            max_concurrency: how many of its runs may run at a time, 1 to 10.
            enabled: False creates it disabled.
            token_file: as for `submit`.
            builder: as for `compile`.
            cache: cache on disk; the user's by default.
            progress: as for `compile`.
            settings: as for `submit`.

        Raises:
            ConfigError: the schedule is malformed or never fires.
            KfpError: a recurring run of that name exists, or Kubeflow Pipelines rejects it.
        """
        import kfp_server_api

        given_options = {"name": name, "catchup": catchup, "enabled": enabled, "max_concurrency": max_concurrency}
        more = {"token_file": token_file, "progress": progress}
        check_call("RecurringRun.create", pipeline, settings, arguments=arguments, **given_options, **more)
        schedule = Schedule.parse(cron, every, start_time, end_time)
        if not 1 <= max_concurrency <= _MOST_CONCURRENT:
            raise ConfigError(
                f"max_concurrency={max_concurrency} is not possible", f"use a number from 1 to {_MOST_CONCURRENT}"
            )
        chosen = Settings.load(builder=builder if isinstance(builder, str) else None, **settings)
        traced = trace(pipeline)
        given = check_arguments(traced.specification, arguments or {}, traced.typed_inputs)
        check_run(traced.name, given, chosen.allow_secrets)
        check_builders(traced, chosen)
        name = name or traced.name
        kfp = connect(chosen, token_file)
        experiment = experiment_name(chosen)
        found = find_experiment(kfp, experiment)
        taken = _list(kfp, name=name)
        if taken:
            raise KfpError(
                f"there is a recurring run {name!r}: {taken[0].recurring_run_id}",
                f"choose another --name, or delete it: fairing-kfp recurring delete {taken[0].recurring_run_id}",
                status=409,
            )
        uploaded = upload_with(kfp, pipeline, chosen, builder=builder, cache=cache, progress=progress, **settings)
        body = kfp_server_api.V2beta1RecurringRun(
            display_name=name,
            experiment_id=ensure_experiment(kfp, experiment, found),
            pipeline_version_reference=kfp_server_api.V2beta1PipelineVersionReference(
                pipeline_id=uploaded.pipeline_id, pipeline_version_id=uploaded.version_id
            ),
            runtime_config=runtime_config(given),
            service_account=chosen.service_account,
            trigger=schedule.trigger(),
            max_concurrency=str(max_concurrency),
            no_catchup=not catchup,
            mode=kfp_server_api.RecurringRunMode.ENABLE if enabled else kfp_server_api.RecurringRunMode.DISABLE,
        )
        created = kfp.call(
            f"create the recurring run {name}",
            kfp.client.recurring_runs.recurring_run_service_create_recurring_run,
            body,
        )
        return cls(kfp, created, uploaded, schedule.next(datetime.now(timezone.utc)))

    @classmethod
    @lists_options(SettingOptions, described_by=Settings)
    def all(cls, *, token_file: str | None = None, **settings: Unpack[SettingOptions]) -> list[RecurringRun]:
        """The recurring runs of the namespace.

        Args:
            token_file: as for `submit`.
            settings: fields of `fairing_kfp.Settings`: `host`, `namespace` and `ca`.

        Raises:
            KfpError: Kubeflow Pipelines does not answer, or they may not be listed.
        """
        kfp = connect(Settings.load(**settings), token_file)
        return [cls(kfp, one) for one in _list(kfp)]

    @classmethod
    @lists_options(SettingOptions, described_by=Settings)
    def get(cls, name: str, *, token_file: str | None = None, **settings: Unpack[SettingOptions]) -> RecurringRun:
        """A recurring run.

        Args:
            name: its id or name.
            token_file: as for `submit`.
            settings: as for `all`.

        Raises:
            KfpError: there is none, or there are several of that name.
        """
        kfp = connect(Settings.load(**settings), token_file)
        if _ID.fullmatch(name):
            method = kfp.client.recurring_runs.recurring_run_service_get_recurring_run
            return cls(kfp, kfp.call(f"read the recurring run {name}", method, recurring_run_id=name))
        found = _list(kfp, name=name)
        if not found:
            raise KfpError(f"there is no recurring run {name!r}", "see: fairing-kfp recurring list", status=404)
        if len(found) > 1:
            ids = ", ".join(str(one.recurring_run_id) for one in found)
            raise KfpError(f"there are {len(found)} recurring runs {name!r}: {ids}", "use the id")
        return cls(kfp, found[0])

    def enable(self) -> None:
        """Runs it on schedule.

        Raises:
            KfpError: it may not be changed.
        """
        self._call("enable", self._kfp.client.recurring_runs.recurring_run_service_enable_recurring_run)

    def disable(self) -> None:
        """Stops the schedule until it is enabled again; its runs go on.

        Raises:
            KfpError: it may not be changed.
        """
        self._call("disable", self._kfp.client.recurring_runs.recurring_run_service_disable_recurring_run)

    def delete(self) -> None:
        """Deletes it; its pipeline stays.

        Raises:
            KfpError: it may not be deleted.
        """
        self._call("delete", self._kfp.client.recurring_runs.recurring_run_service_delete_recurring_run)

    def _call(self, verb: str, method: Callable[..., Any]) -> None:
        self._kfp.call(f"{verb} the recurring run {self.name}", method, recurring_run_id=self.id)


def _list(kfp: Kfp, name: str | None = None) -> list[Any]:
    found: list[Any] = []
    token: str | None = ""
    while token is not None:
        answer = kfp.call(
            "list the recurring runs",
            kfp.client.recurring_runs.recurring_run_service_list_recurring_runs,
            namespace=kfp.namespace,
            page_size=_PAGE,
            page_token=token or None,
            filter=equals("display_name", name) if name else None,
        )
        found += answer.recurring_runs or []
        token = answer.next_page_token or None
    return found
