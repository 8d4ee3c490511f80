"""The report of a serve step: a page of HTML that needs nothing else."""

from __future__ import annotations

import html
import json
import shlex
from collections.abc import Sequence

from fairing_kfp.serving.outcome import Outcome
from fairing_kfp.serving.sample import body_of, url_of

_LONGEST = 4000
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em;max-width:60em;color:#222}"
    "table{border-collapse:collapse}td{padding:.3em 1em .3em 0;vertical-align:top;overflow-wrap:anywhere}"
    "td:first-child{color:#666;white-space:nowrap}"
    "pre{background:#f5f5f5;padding:.8em;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}"
)


def report(outcome: Outcome) -> str:
    """The page."""
    order = outcome.order
    rows = [
        ("serves", f"{order.shown} in the namespace {outcome.namespace}"),
        ("since", "this run" if outcome.changed else "an earlier run: nothing had to be changed"),
        ("endpoint", outcome.endpoint),
        *(("from outside", url) for url in outcome.outside),
        ("image", outcome.image),
        ("model", f"{outcome.model} ({outcome.size:,} bytes)" if outcome.model else ""),
        ("before", outcome.before),
        ("time", ", ".join(f"{name} {seconds:.1f} s" for name, seconds in outcome.seconds)),
    ]
    parts = [_table([(key, value) for key, value in rows if value])]
    exchange = outcome.exchange
    if exchange is not None:
        parts += ["<h2>Sample request</h2>", _code(_curl(exchange.url, exchange.request))]
        parts += [f"<p>was answered in {exchange.seconds * 1000:.0f} ms:</p>", _code(_indented(exchange.answer))]
    else:
        example = {"instances": ["…"]}
        parts += ["<h2>A request</h2>", _code(_curl(url_of(outcome.endpoint, order.name, example), body_of(example)))]
    if outcome.before and outcome.before != outcome.image:
        back = f"fairing-kfp rollback {order.name} {outcome.before} --namespace {outcome.namespace}"
        parts += ["<h2>Back to the version before</h2>", _code(back)]
    title = html.escape(f"{order.name} serves")
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"</head><body><h1>{title}</h1>{''.join(parts)}</body></html>\n"
    )


def _table(rows: Sequence[tuple[str, str]]) -> str:
    cells = (f"<tr><td>{html.escape(key)}</td><td>{html.escape(value)}</td></tr>" for key, value in rows)
    return f"<table>{''.join(cells)}</table>"


def _code(text: str) -> str:
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    return f"<pre>{html.escape(cut)}</pre>"


def _curl(url: str, body: str) -> str:
    return f"curl {shlex.quote(url)} -H 'Content-Type: application/json' -d {shlex.quote(body)}"


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2)
    except ValueError:
        return text
