"""What stands for IPython in a script: imports work, and what cannot work says so when it is used."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support.paths import TOP

CASES = {
    # imports that notebooks have, and what is seen of them
    "from IPython.core.magic import Magics, magics_class, line_magic, register_cell_magic, needs_local_scope": "",
    "from IPython.core.magic import *\nfrom IPython.core.magic_arguments import argument, magic_arguments": "",
    "from IPython import Application, get_ipython, display\nprint(get_ipython())": "None\n",
    "from IPython.config.application import Application": "",
    "from IPython.html import widgets\nfrom IPython.html.widgets import interact, interactive": "",
    "import IPython.html.widgets as w": "",
    "from IPython.display import *\ndisplay(HTML('<b>'), Markdown('x'))\nclear_output()": "<b>\nx\n",
    "from IPython.core.display import HTML, display\ndisplay(HTML('a'))": "a\n",
    "from IPython.lib.display import YouTubeVideo\nprint(YouTubeVideo('x'))": "x\n",
    "from IPython.display import set_matplotlib_formats\nset_matplotlib_formats('retina')": "",
    "from IPython.core.interactiveshell import InteractiveShell\n"
    "InteractiveShell.ast_node_interactivity = 'all'\nprint(InteractiveShell.ast_node_interactivity)": "all\n",
    "import IPython\nprint(IPython.__version__, IPython.display.HTML('a'), IPython.core.getipython.get_ipython())": (
        "0.0.0 a None\n"
    ),
    "from IPython.core import magic, display\n@magic.register_line_magic\ndef f(x): return x\nprint(f(2))": "2\n",
    "from IPython.core.magic import Magics, magics_class, line_cell_magic\n@magics_class\nclass M(Magics):\n"
    "    @line_cell_magic('name')\n    def f(self, x): return x\nprint(M.f(None, 3), issubclass(M, Magics))": (
        "3 True\n"
    ),
    "from IPython.utils import io\nfrom IPython.lib import passwd\nfrom IPython.parallel import Client": "",
    "import IPython\nprint(IPython.core.display is IPython.core.display, IPython.embed is IPython.embed)": (
        "True True\n"
    ),
    # what cannot work
    "import IPython\nIPython.embed()": "RuntimeError: IPython.embed needs IPython",
    "from IPython.html.widgets import interact\n@interact(x=3)\ndef f(x): pass": (
        "RuntimeError: IPython.html.widgets.interact needs IPython"
    ),
    "from IPython.core.magic import Magics\nclass M(Magics): pass\nM(None)": "RuntimeError: __main__.M needs IPython",
    "from IPython.core.interactiveshell import InteractiveShell\nInteractiveShell.instance().run_cell('1')": (
        "RuntimeError: IPython.core.interactiveshell.InteractiveShell.instance needs IPython"
    ),
    "from IPython.parallel import Client\nClient()": "RuntimeError: IPython.parallel.Client needs IPython",
    "from IPython import Application\nApplication.instance()": "IPython.Application.instance needs IPython",
}
PROGRAM = """
import contextlib, io, json, sys
import jupyter_stand_in
seen = []
for code in json.load(sys.stdin):
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            exec(code, {"__name__": "__main__"})
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
    seen.append(out.getvalue())
json.dump(seen, sys.stdout)
"""


@pytest.fixture(scope="module")
def seen() -> dict[str, str]:
    """What each prints, in a Python without IPython."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", PROGRAM],
        cwd=TOP / "fairing_kfp" / "runtime",
        input=json.dumps(list(CASES)),
        capture_output=True,
        text=True,
        check=True,
    )
    return dict(zip(CASES, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("code", CASES)
def test_imports_work_and_uses_say_what_cannot(seen: dict[str, str], code: str) -> None:
    if "needs IPython" in CASES[code]:
        assert CASES[code] in seen[code]
    else:
        assert seen[code] == CASES[code]
