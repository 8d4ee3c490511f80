"""`fairing-kfp rerun`."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import click

from fairing_kfp.cli import candidates, options
from fairing_kfp.cli.options import image_options, quiet
from fairing_kfp.cli.run import results_shown
from fairing_kfp.display import RunDisplay, console


@click.command()
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path), shell_complete=candidates.runs)
@click.option(
    "--from",
    "from_step",
    required=True,
    metavar="STEP",
    shell_complete=candidates.tasks,
    help="Task to run again, with all after it",
)
@click.option(
    "--code",
    metavar="FILE[:NAME]",
    shell_complete=candidates.pipelines,
    help="Pipeline to run  [default: the one of RUN]",
)
@options.report
@options.parallel
@options.docker_network
@options.as_json
@image_options
@quiet
def command(
    run_folder: Path,
    from_step: str,
    code: str | None,
    report: Path | None,
    parallel: int,
    docker_network: str | None,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Run a part of a local run again, with the same parameters.

    RUN is the folder of a run in local_outputs. The task STEP and all tasks
    after it run again, with the current code. The others keep their outputs,
    even if their code changed.

    \b
    Example: fairing-kfp rerun local_outputs/RUN --from train
    """
    from fairing_kfp.component.load import folder_of, load_pipeline, load_pipeline_named
    from fairing_kfp.errors import ConfigError
    from fairing_kfp.local.journal import Journal
    from fairing_kfp.local.run import run

    screen, journal = console(quiet, stderr=as_json), Journal.read(run_folder)
    if not code and not Path(journal.file).is_file():
        raise ConfigError(
            f"the file of the pipeline {journal.pipeline} of {run_folder} is unknown, or gone", "name it by --code FILE"
        )
    pipeline = load_pipeline(code) if code else load_pipeline_named(Path(journal.file), journal.pipeline)
    with results_shown(screen, as_json, report) as show:
        with RunDisplay(screen) as display:
            result = run(
                pipeline,
                runner=cast("Any", journal.runner),
                output=run_folder.absolute().parent,
                rerun=run_folder,
                from_step=from_step,
                parallel=parallel,
                docker={"network_mode": docker_network} if docker_network else None,
                on_event=display,
                progress=display.transfers,
                start=folder_of(code) if code else Path(journal.file).parent,
                **settings,
            )
        show(result)
