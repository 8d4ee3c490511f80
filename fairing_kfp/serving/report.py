"""The report of a serve step: one HTML page without external resources."""

from __future__ import annotations

import html
import json
import shlex
from collections.abc import Sequence

from fairing_kfp.serving.backend import resource
from fairing_kfp.serving.model_registry import Registered
from fairing_kfp.serving.result import ServeResult
from fairing_kfp.serving.sample import body_of, url_of

_MAX_CHARACTERS = 4000
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2em;max-width:60em;color:#222}"
    "table{border-collapse:collapse}td{padding:.3em 1em .3em 0;vertical-align:top;overflow-wrap:anywhere}"
    "td:first-child{color:#666;white-space:nowrap}"
    "pre{background:#f5f5f5;padding:.8em;overflow-x:auto;white-space:pre-wrap;overflow-wrap:anywhere}"
)


def report(result: ServeResult) -> str:
    """The page."""
    spec = result.spec
    rows = [
        (
            "served by",
            f"{resource(spec)} in the namespace {result.namespace}"
            if result.namespace
            else "a process on the machine of the run, which ends with it",
        ),
        ("rolled out by", "this run" if result.changed else "an earlier run; unchanged"),
        ("share of requests", f"{result.share} %" if result.share < 100 else ""),
        ("endpoint", result.endpoint),
        ("endpoint of the canary", result.new_endpoint if result.new_endpoint != result.endpoint else ""),
        *(("external URL", url) for url in result.external_urls),
        ("image", result.image),
        ("model", f"{result.model} ({result.size:,} bytes)" if result.model else ""),
        ("previous version", result.previous),
        ("registered as", _registered(result.registered)),
        ("duration", ", ".join(f"{name} {seconds:.1f} s" for name, seconds in result.seconds)),
    ]
    parts = [_table([(key, value) for key, value in rows if value])]
    exchange = result.exchange
    if exchange is not None:
        parts += ["<h2>Sample request</h2>", _code(_curl(exchange.url, exchange.request))]
        parts += [f"<p>Response after {exchange.seconds * 1000:.0f} ms:</p>", _code(_indented(exchange.response))]
    else:
        example = {"instances": ["…"]}
        parts += ["<h2>Request</h2>", _code(_curl(url_of(result.endpoint, spec.name, example), body_of(example)))]
    if result.previous and result.previous != (result.image or result.model):
        command = f"fairing-kfp rollback {spec.name} {result.previous} --namespace {result.namespace}"
        parts += ["<h2>Roll back to the previous version</h2>", _code(command)]
    title = html.escape(verdict(result))
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>{_STYLE}</style>'
        f"</head><body><h1>{title}</h1>{''.join(parts)}</body></html>\n"
    )


def verdict(result: ServeResult) -> str:
    """The title of the page."""
    if result.share < 100:
        return f"{result.spec.name} is served as a canary, with {result.share} % of the requests"
    if not result.namespace:
        return f"{result.spec.name} is served by a local run, until it ends"
    return f"{result.spec.name} is served"


def _registered(version: Registered | None) -> str:
    if version is None:
        return ""
    by = "by this run" if version.created else "earlier"
    return f"version {version.version} of {version.model} (ID {version.version_id}), {by}"


def _table(rows: Sequence[tuple[str, str]]) -> str:
    cells = (f"<tr><td>{html.escape(key)}</td><td>{html.escape(value)}</td></tr>" for key, value in rows)
    return f"<table>{''.join(cells)}</table>"


def _code(text: str) -> str:
    shortened = text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"
    return f"<pre>{html.escape(shortened)}</pre>"


def _curl(url: str, body: str) -> str:
    return f"curl {shlex.quote(url)} -H 'Content-Type: application/json' -d {shlex.quote(body)}"


def _indented(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2)
    except ValueError:
        return text
