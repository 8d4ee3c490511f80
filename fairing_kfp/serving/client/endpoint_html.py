"""An endpoint in a notebook: its URL, and a sample call. Sends no request."""

from __future__ import annotations

import json
import shlex

from fairing_kfp.display.html import element, fragment, link, table, title


def endpoint_html(url: str, model: str | None, protocol: str) -> str:
    """An endpoint in a notebook.

    Args:
        url: the server's URL.
        model: name of the model, if it is known.
        protocol: `auto`, `v1` or `v2`.
    """
    name = model or "MODEL"
    tensor = {"name": "x", "shape": [1, 2], "datatype": "FP64", "data": [1.0, 2.0]}
    body = json.dumps({"inputs": [tensor]} if protocol == "v2" else {"instances": [[1.0, 2.0]]})
    path = f"/v2/models/{name}/infer" if protocol == "v2" else f"/v1/models/{name}:predict"
    curl = f"curl {shlex.quote(url + path)} -H 'Content-Type: application/json' -d {shlex.quote(body)}"
    rows = [("URL", link(url, url)), ("model", model or "the only one of the server"), ("protocol", protocol)]
    calls = element("pre", f"endpoint.predict([[1.0, 2.0]])\n\n{curl}")
    return fragment(title(model or url, "endpoint"), table([], rows), calls)
