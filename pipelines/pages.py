"""The page of a step: one file that needs no other, with the verdict first."""

from collections.abc import Iterable, Sequence
from html import escape

_STYLE = "body{font-family:sans-serif}td,th{padding:.2em 1em;text-align:right}th{border-bottom:1px solid}"


def page(verdict: str, names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A heading and a table."""
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{_shown(value)}</td>' for value in row)}</tr>" for row in rows)
    return (
        f"<!doctype html><meta charset=utf-8><title>{escape(verdict)}</title><style>{_STYLE}</style>"
        f"<h1>{escape(verdict)}</h1><table><tr>{head}</tr>{body}</table>"
    )


def _shown(value: object) -> str:
    return f"{value:.4f}" if isinstance(value, float) else escape(str(value))
