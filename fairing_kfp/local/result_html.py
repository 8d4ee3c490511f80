"""The result of a local run in a notebook: its steps, outputs, metrics and artifacts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from fairing_kfp.display.artifact_html import artifact_content, metric_pictures, metric_rows, path_html, value_html
from fairing_kfp.display.html import Html, element, folded, fragment, joined, table, title

_MOST_STEPS, _MOST_ARTIFACTS = 200, 20
STATES = {"succeeded": "good", "failed": "bad"}
"""Classes of the style sheet, by state of a step."""


class Step(Protocol):
    """A `StepResult`, whose module imports this one."""

    @property
    def name(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def seconds(self) -> float: ...
    @property
    def outputs(self) -> Mapping[str, Any]: ...
    @property
    def artifacts(self) -> Mapping[str, str]: ...
    @property
    def metrics(self) -> Mapping[str, Mapping[str, Any]]: ...
    @property
    def log(self) -> str: ...
    @property
    def inputs(self) -> Mapping[str, Any]: ...
    @property
    def start(self) -> float: ...
    def log_text(self) -> str: ...


def result_html(folder: Path, outputs: Mapping[str, Any], steps: Sequence[Step]) -> str:
    """A run in a notebook.

    Args:
        folder: its folder.
        outputs: outputs of the pipeline.
        steps: its steps; the first 200 are shown.
    """
    more = len(steps) - _MOST_STEPS
    rows = [(element("b", name), _output(value)) for name, value in outputs.items()]
    return fragment(
        title(folder.name, "run", path_html(str(folder), "folder")),
        _steps(steps[:_MOST_STEPS]),
        element("div", f"and {more} further steps" if more > 0 else "", "muted"),
        table(["output of the pipeline", "value"], rows),
        contents_html(steps[:_MOST_STEPS]),
    )


def step_html(step: Step) -> str:
    """A step in a notebook."""
    return fragment(title(step.name, "step"), _steps([step]), contents_html([step]))


def _steps(steps: Iterable[Step]) -> Html:
    return table(["step", "state", "time", "outputs", "log"], map(_row, steps))


def _row(step: Step) -> tuple[object, ...]:
    outputs = [(name, value_html(value)) for name, value in step.outputs.items()]
    for name, metadata in step.metrics.items():
        outputs += [(Html(f"{joined([name])}.{key}"), value) for key, value in metric_rows(metadata)]
    outputs += [(name, path_html(uri, Path(uri).name)) for name, uri in step.artifacts.items() if not is_empty(uri)]
    seconds = f"{step.seconds:.1f} s" if step.seconds else ""
    log = path_html(step.log, "log") if step.log else ""
    lines = joined((element("div", joined((element("b", name), " ", value))) for name, value in outputs))
    return element("b", step.name), element("span", step.state, STATES.get(step.state, "")), seconds, lines, log


def is_empty(uri: str) -> bool:
    """Whether a file of an artifact has no content, such as that of metrics."""
    path = Path(uri)
    return path.is_file() and path.stat().st_size == 0


def contents_html(steps: Iterable[Step]) -> Html:
    """Pictures of metrics, and the content of HTML and Markdown, of the first artifacts that have some."""
    found: list[Html] = []
    for heading, content in _content_of(steps):
        found.append(folded(heading, content, is_open=True))
        if len(found) == _MOST_ARTIFACTS:
            found.append(element("div", f"further artifacts are not shown: these are the first {len(found)}", "muted"))
            break
    return joined(found)


def _content_of(steps: Iterable[Step]) -> Iterator[tuple[Html, Html]]:
    for step in steps:
        for name, uri in step.artifacts.items():
            metadata: Mapping[str, Any] = step.metrics.get(name, {})
            content = joined((metric_pictures(metadata), artifact_content(Path(uri))))
            if content:
                yield joined((element("b", step.name), " ", name)), content


def _output(value: Any) -> Html:
    uri = getattr(value, "uri", None)
    return path_html(str(uri)) if uri else value_html(value)
