"""The report of a local run: one page of HTML that loads nothing, in light and dark colours."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairing_kfp.display.artifact_html import metric_rows
from fairing_kfp.display.graph_svg import graph_svg
from fairing_kfp.display.html import Html, element, escaped, folded, fragment, joined, shortened, table, title
from fairing_kfp.display.size import format_size
from fairing_kfp.local.result_html import STATES, Step, contents_html, is_empty
from fairing_kfp.pipeline.graph import graph_of

if TYPE_CHECKING:
    from fairing_kfp.local.details import ImageDetails, RunDetails

_MOST_STEPS, _MOST_IMAGES, _MOST_PACKAGES = 500, 100, 300
_LONGEST_VALUE, _LOG_END = 2_000, 20_000  # characters
_STYLE = """
:root{color-scheme:light dark;--jp-content-font-color1:#1f2328;--jp-content-link-color:#0969da}
body{margin:0 auto;padding:1.5em 1em 3em;max-width:72em;background:#fff;color:#1f2328}
h1{font:600 1.5em/1.3 system-ui,sans-serif;margin:0 0 .2em}
h2{font:600 1.1em/1.3 system-ui,sans-serif;margin:1.6em 0 .3em}
.bar{position:relative;width:12em;height:.7em;margin-top:.4em;background:rgba(128,128,128,.15);border-radius:.2em}
.bar i{position:absolute;top:0;bottom:0;min-width:2px;background:#2f81d6;border-radius:.2em}
.page .fairing-kfp.fairing-kfp .artifact{max-height:none}
.page .fairing-kfp.fairing-kfp td{max-width:60em}
.page .fairing-kfp.fairing-kfp td:not(:last-child){overflow-wrap:normal}
.page .fairing-kfp.fairing-kfp code{overflow-wrap:anywhere}
@media (prefers-color-scheme:dark){
:root{--jp-content-font-color1:#e6edf3;--jp-content-link-color:#58a6ff}
body{background:#0d1117;color:#e6edf3}
}
"""


def report_page(
    folder: Path, outputs: Mapping[str, Any], steps: Sequence[Step], details: RunDetails | None = None
) -> str:
    """The page about a run. Content of artifacts is sanitised, and values and logs are shortened.

    Args:
        folder: folder of the run.
        outputs: outputs of the pipeline.
        steps: its steps; the first 500 are shown.
        details: what ran.
    """
    failed, more = any(step.state == "failed" for step in steps), len(steps) - _MOST_STEPS
    name, steps = details.pipeline if details else folder.name, steps[:_MOST_STEPS]
    state = element("span", "failed" if failed else "succeeded", "bad" if failed else "good")
    further = element("div", f"and {more} further steps" if more > 0 else "", "muted")
    body = fragment(
        Html(f"<h1>{escaped(name)} {state}</h1>"),
        element("div", _about(folder, details), "muted"),
        *(_graph(details) if details else ()),
        _section("Outputs", table([], [(element("b", key), _value(one)) for key, one in outputs.items()])),
        _section("Steps", joined((_steps(steps, details.seconds if details else 0.0), further))),
        _section("Inputs and outputs", joined(_values(step, f"{folder}/") for step in steps)),
        _section("Metrics and artifacts", contents_html(steps)),
        _section("Logs", joined(map(_log, steps))),
        _section("Images", joined(map(_image, details.images[:_MOST_IMAGES])) if details else ""),
    )
    # The policy keeps even a mistake of the sanitiser from loading or running anything.
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escaped(name)}</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body class='page'>\n{body}\n</body>\n</html>\n"
    )


def _about(folder: Path, details: RunDetails | None) -> str:
    if details is None:
        return folder.name
    began = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(details.began))
    return f"{folder.name} · {began} · {details.seconds:.1f} s · runner {details.runner}"


def _section(name: str, content: object) -> Html:
    """A heading and its content; nothing without content."""
    return joined((element("h2", name), escaped(content))) if content else Html()


def _graph(details: RunDetails) -> tuple[Html, Html]:
    defined = details.document["root"].get("inputDefinitions", {}).get("parameters", {})
    values = {name: details.arguments.get(name, one.get("defaultValue", "")) for name, one in sorted(defined.items())}
    rows = [
        (element("b", name), _value(value), "" if name in details.arguments else "default")
        for name, value in values.items()
    ]
    return _section("Graph", graph_svg(graph_of(details.document))), _section("Parameters", table([], rows))


def _steps(steps: Iterable[Step], seconds: float) -> Html:
    rows = []
    for step in steps:
        took = f"{step.seconds:.1f} s" if step.seconds else ""
        state = element("span", step.state, STATES.get(step.state, ""))
        rows.append((element("b", step.name), state, took, _bar(step, seconds) if took else ""))
    return table(["step", "state", "time", "when"], rows)


def _bar(step: Step, seconds: float) -> Html:
    """When a step ran, within the duration of the run."""
    whole = max(seconds, step.start + step.seconds)
    left, width = 100 * step.start / whole, 100 * step.seconds / whole
    return Html(f'<div class="bar"><i style="left:{left:.1f}%;width:{width:.1f}%"></i></div>')


def _values(step: Step, folder: str) -> Html:
    """Inputs, outputs and metrics of a step; paths in the folder of the run are relative to it."""
    given = [("input", key, _value(value, folder)) for key, value in step.inputs.items()]
    given += [("output", key, _value(value, folder)) for key, value in step.outputs.items()]
    given += [("artifact", key, _file(uri, folder)) for key, uri in step.artifacts.items() if not is_empty(uri)]
    rows: list[tuple[object, ...]] = [(kind, element("b", key), value) for kind, key, value in given]
    for name, metadata in step.metrics.items():
        rows += [("metric", joined((element("b", name), ".", key)), value) for key, value in metric_rows(metadata)]
    return folded(element("b", step.name), table([], rows), is_open=True)


def _file(uri: str, folder: str) -> Html:
    path = Path(uri)
    size = f" {format_size(path.stat().st_size)}" if path.is_file() else ""
    return joined((_value(uri, folder), element("span", size, "muted")))


def _value(value: Any, folder: str = "\0") -> Html:
    uri = getattr(value, "uri", None)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # KFP's numbers are doubles
    text = value if isinstance(value, str) else uri or json.dumps(value, ensure_ascii=False, default=str)
    return element("code", shortened(str(text).replace(folder, ""), _LONGEST_VALUE))


def _log(step: Step) -> Html:
    """The end of a step's log; that of a failed step is unfolded."""
    text = step.log_text().strip() if step.log and Path(step.log).is_file() else ""
    hidden = len(text) - _LOG_END
    shown = f"… {hidden:,} characters before, see {step.log}\n{text[hidden:]}" if hidden > 0 else text
    return folded(element("b", step.name), element("pre", shown), is_open=step.state == "failed")


def _image(image: ImageDetails) -> Html:
    rows = [(name, element("code", digest[:19]), format_size(size)) for name, digest, size in image.layers]
    packages = [element("code", one) for one in image.packages[:_MOST_PACKAGES]]
    listed = folded(f"{len(image.packages)} packages", joined(packages, ", ")) if packages else Html()
    reference = element("code", image.reference)
    return joined((title(image.component, "image", reference), table(["layer", "digest", "size"], rows), listed))
