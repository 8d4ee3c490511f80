"""Makes the pictures of docs/screenshots.md: JupyterLab, a terminal, and the report of a run.

    uv run --with jupyterlab --with ipywidgets --with pillow --with playwright --with-editable . \\
        website/screenshots.py --chromium /usr/bin/chromium

Each shows samples/tabular as it runs. Without --chromium, the browser of `playwright install chromium` is used.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright
from rich.console import Console
from rich.text import Text

TOP = Path(__file__).parents[1]
PICTURES = TOP / "docs" / "pictures" / "screens"
CELLS = (
    "import fairing_kfp\nfrom pipeline import customers, train\n\ntrain",
    "customers",
    'result = fairing_kfp.run(customers, {"trees": 150})\nresult',
    'fairing_kfp.run(customers, {"tree": 3})',
)
COLUMNS = 110
_BUSY = "() => [...document.querySelectorAll('.jp-InputPrompt')].some(one => one.textContent.includes('[*]'))"
_CONNECTED = "() => document.querySelector('#jp-main-statusbar')?.textContent.includes('Idle')"
_RUNNING = "() => document.querySelector('.jp-OutputArea .step .active') !== null"
_OPENED = "theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})"
_SCROLL = """cell => {
    const cells = document.querySelectorAll('.jp-Notebook .jp-Cell');
    cells[(cell + cells.length) % cells.length].scrollIntoView({block: 'start'});
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--chromium", help="the browser; by default playwright's")
    arguments = parser.parse_args()
    PICTURES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        os.environ["FAIRING_KFP_CACHE"] = str(folder / "cache")  # without outputs of earlier runs
        shutil.copytree(TOP / "samples" / "tabular", folder, dirs_exist_ok=True)
        browser = playwright.chromium.launch(executable_path=arguments.chromium, args=["--no-sandbox"])
        show_terminal_and_report(folder, browser)
        with jupyter_lab(folder) as url:
            for theme in ("Light", "Dark"):
                show_notebook(f"{url}/lab/tree/{theme}.ipynb?reset", theme, browser)
        browser.close()


def show_terminal_and_report(folder: Path, browser: Browser) -> None:
    """What `fairing-kfp run` prints, and the page that it writes."""
    command = ["fairing-kfp", "run", "pipeline.py", "--report", "report.html"]
    options = {"FORCE_COLOR": "1", "COLUMNS": str(COLUMNS), "CI": "true"}  # without lines that move
    done = subprocess.run(
        command, cwd=folder, env=environment(**options), stdout=subprocess.PIPE, text=True, check=True
    )
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    console.print(Text("$ " + " ".join(command), style="bold"))
    console.print(Text.from_ansi(done.stdout))
    drawing = re.sub(r"@font-face \{.*?\}", "", console.export_svg(title="fairing-kfp run"), flags=re.DOTALL)
    (PICTURES / "terminal.svg").write_text(drawing, encoding="utf-8")  # without fonts of other hosts
    for theme in ("light", "dark"):
        page = browser.new_page(viewport={"width": 1000, "height": 900}, color_scheme=theme)
        page.goto((folder / "report.html").as_uri())
        save(page, f"report-{theme}")


def show_notebook(url: str, theme: str, browser: Browser) -> None:
    """The notebook while it runs, in light colours, and its result."""
    page = browser.new_page(viewport={"width": 1000, "height": 860})
    page.goto(url)
    page.wait_for_function(_CONNECTED, timeout=120_000)
    page.evaluate(_OPENED, f"JupyterLab {theme}")
    page.evaluate("() => { window.jupyterapp.shell.mode = 'single-document'; }")
    page.evaluate("() => { window.jupyterapp.shell.collapseLeft(); }")
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    if theme == "Light":  # the other finds the steps unchanged
        page.wait_for_function(_RUNNING, timeout=120_000)
        time.sleep(2)
        page.evaluate(_SCROLL, 0)
        time.sleep(1)
        save(page, "notebook-runs")
    page.wait_for_function(f"() => !({_BUSY})()", timeout=300_000)
    page.evaluate(_SCROLL, 2)
    time.sleep(1)
    save(page, f"notebook-{theme.lower()}")


@contextlib.contextmanager
def jupyter_lab(folder: Path) -> Iterator[str]:
    """A server with a notebook for each theme, so that neither sees the other's outputs."""
    for theme in ("Light", "Dark"):
        cells: list[Any] = [nbformat.v4.new_code_cell(text) for text in CELLS]
        cells[-1].metadata["tags"] = ["raises-exception"]
        kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
        nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), folder / f"{theme}.ipynb")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}"]
    options += ["--IdentityProvider.token=", "--LabApp.expose_app_in_browser=True"]
    command = [sys.executable, "-m", "jupyter", "lab", *options]
    settings = folder / "settings"
    news = settings / "@jupyterlab" / "apputils-extension" / "notification.jupyterlab-settings"
    news.parent.mkdir(parents=True)
    news.write_text('{"fetchNews": "false"}')
    server = subprocess.Popen(command, cwd=folder, env=environment(JUPYTERLAB_SETTINGS_DIR=str(settings)))
    try:
        url = f"http://127.0.0.1:{port}"
        for _ in range(120):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.5)
        yield url
    finally:
        server.terminate()
        server.wait()


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", **more}


def save(page: Page, name: str) -> None:
    """Takes a picture, with 128 colours, since text needs no more."""
    path = PICTURES / f"{name}.png"
    page.screenshot(path=path)
    Image.open(path).convert("RGB").quantize(128).save(path, optimize=True)


if __name__ == "__main__":
    main()
