"""Writes the notebooks of this folder: `python tests/notebooks/make.py`.

Each computes something and prints it in the end as `RESULT …`, alike as code and in full. Its metadata hold what is
expected there, and the options of `from_notebook` (as code) that it wants.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
PYTHON = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def text(source: str) -> tuple[str, str, tuple[str, ...]]:
    return "markdown", source, ()


def raw(source: str) -> tuple[str, str, tuple[str, ...]]:
    return "raw", source, ()


def code(source: str, *tags: str) -> tuple[str, str, tuple[str, ...]]:
    return "code", source.strip("\n"), tags


def result(expression: str) -> tuple[str, str, tuple[str, ...]]:
    return code(f'import json\n\nprint("RESULT", json.dumps({expression}))', "result")


class Made:
    """A notebook to write: its cells, what it prints, its format, and how it is run."""

    def __init__(
        self,
        *cells: Any,
        expected: Any,
        minor: int = 5,
        only: str = "",
        kernel: dict[str, Any] = PYTHON,
        values: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self.cells, self.expected, self.minor, self.only = cells, expected, minor, only
        self.kernel, self.values, self.options = kernel, values or {}, options

    def document(self) -> dict[str, Any]:
        about = {"expected": self.expected, "only": self.only, "values": self.values, "options": self.options}
        return {
            "cells": [self._cell(number, *cell) for number, cell in enumerate(self.cells)],
            "metadata": {**self.kernel, "test": about},
            "nbformat": 4,
            "nbformat_minor": self.minor,
        }

    def _cell(self, number: int, kind: str, source: str, tags: tuple[str, ...]) -> dict[str, Any]:
        cell: dict[str, Any] = {"cell_type": kind, "metadata": {"tags": list(tags)} if tags else {}}
        cell["source"] = source.splitlines(keepends=True)
        if self.minor >= 5:
            cell["id"] = f"cell-{number}"
        if kind == "code":
            cell |= {"execution_count": None, "outputs": []}
        return cell


NOTEBOOKS: dict[str, Made] = {
    "plain": Made(
        text("# A title\nwith `%matplotlib inline` and `!ls` in its text"),
        code("total = 0\nfor number in range(5):\n    total += number"),
        raw("!this is raw %%bash"),
        code("total;"),
        result("total"),
        expected=10,
    ),
    "line_magics": Made(
        code("%matplotlib --list\n%precision 3\nx = 1\n%time x = x + 1\ny = %time x * 10\n%timeit -n1 -r1 x"),
        code("%config InlineBackend.figure_format = 'retina'\n%load_ext autoreload\n%autoreload 2\n%pwd"),
        result("[x, y]"),
        expected=[2, 20],
    ),
    "cell_magics": Made(
        code("%%time\na = 1\nb = a + 1"),
        code("%%capture\n%%time\nprint('hidden')\nc = b + 1"),
        code('%%bash\nfor f in *; do echo "it\'s $f"; done'),
        code("%%html\n<b>it's</b>"),
        code("%%javascript\nconst a = 'x';"),
        code("%%latex\n$\\frac{1}{2}$"),
        code("%%timeit -n1 -r1\nsum(range(10))"),
        code("%%script cat\nthis { is not Python"),
        result("[a, b, c]"),
        expected=[1, 2, 3],
    ),
    "magics_in_blocks": Made(
        code(
            """
done = []
for number in range(3):
    if number == 1:
        !echo {number}
    else:
        done.append(number)
    %time done.append(10 * number)
try:
    %cd .
except Exception:
    !echo failed
finally:
    done.append("end")
while False:
    !!ls
class Quiet:
    !true
def helper():
    %timeit -n1 -r1 1
    return len(done)
"""
        ),
        result("[done, helper()]"),
        expected=[[0, 0, 10, 2, 20, "end"], 6],
    ),
    "indented_cell_magics": Made(
        code('    %%bash\n    echo "it\'s"\n    for x in 1 2; do\n    echo $x; done'),
        code("  %%time\n  x = 1\n  if x:\n      x = 2"),
        code('\n\n%%bash\nunbalanced="quote"'),
        result("x"),
        expected=2,
    ),
    "nested_cell_magic": Made(
        code("seen = []\nif seen:\n    %%bash\n    echo 'it is\n    not' Python(\nseen.append(1)"),
        code("# a comment above\n%%bash\nls 'x'"),
        result("seen"),
        expected=[1],
        only="script",  # IPython itself refuses such cells
    ),
    "shell_lines": Made(
        code('!echo "it\'s"\n!!echo two\n!echo one \\\n   two \\\n   three\nkept = 1'),
        code('listing = !ls\n!echo $kept {kept}\n!export A=1; echo "$A"'),
        code("a, b = !printf 'x\\ny\\n'"),
        result("kept"),
        expected=1,
    ),
    "help": Made(
        code("?print\nprint?\nx = 4\nx??\n%time?\n?len\nstr.j*?"),
        result("x"),
        expected=4,
        minor=1,
    ),
    "strings": Made(
        code(
            '''
text = """
%matplotlib inline
%%bash
!ls
# %% a cell of an editor
print?
"""
raw = r"\\!ls %d" % 7
formatted = f"{'%time'} {10 % 4:>3} {text[1:3]!r}"
joined = ("!a"
          "%b")
left = 17 \\
  % 5 \\
  %3
listed = [17
  %4,
  not True != False]
'''
        ),
        result("[text.count('\\n'), raw, formatted, joined, left, listed]"),
        expected=[6, "\\!ls 7", "%time   2 '%m'", "!a%b", 2, [1, False]],
    ),
    "writefile": Made(
        code("%%writefile written_helper.py\nimport math\n\n\ndef area(r):\n    return round(math.pi * r * r, 2)"),
        code("%%writefile -a written_helper.py\n\n\nNAME = '%%bash'"),
        code("%%file written_data.txt\n!one\n%two"),
        code("import written_helper\n\nlines = open('written_data.txt').read().split()"),
        result("[written_helper.area(2), written_helper.NAME, lines]"),
        expected=[12.57, "%%bash", ["!one", "%two"]],
        writefile=True,
    ),
    "writefile_left_out": Made(
        code("%%writefile never_read.py\nthis is :: no Python"),
        code("%%writefile -a neither.txt\nmore"),
        result("1"),
        expected=1,
    ),
    "get_ipython": Made(
        code(
            """
from IPython import get_ipython

shell = get_ipython()
if shell is not None:
    shell.run_line_magic("pwd", "")
get_ipython().run_line_magic("pwd", ""); kept = 1; get_ipython().system("true")
get_ipython().run_cell_magic("bash", "", "true")
get_ipython().ast_node_interactivity = "last_expr"
found = get_ipython().getoutput("ls")
in_notebook = "colab" in str(get_ipython())
"""
        ),
        code(
            """
def where():
    try:
        name = get_ipython().__class__.__name__
    except NameError:
        return "nowhere"
    return "somewhere" if name else "?"
"""
        ),
        result("[kept, in_notebook, where()]"),
        expected=[1, False, "somewhere"],
    ),
    "display": Made(
        code(
            """
from IPython.display import HTML, Image, Markdown, clear_output, display

display({"a": 1}, Markdown("**bold**"), HTML("<i>x</i>"))
handle = display("shown", display_id=True)
handle.update("again")
clear_output(wait=True)
"""
        ),
        code(
            "import IPython.display as shown\nfrom IPython.core.display import HTML as Old\n\nshown.display(Old('y'))"
        ),
        result("'shown'"),
        expected="shown",
    ),
    "display_builtin": Made(
        code("display([1, 2], 'three')\nfor x in range(2):\n    display(x)"), result("x"), expected=1
    ),
    "await_top_level": Made(
        code("import asyncio\n\n\nasync def double(x):\n    await asyncio.sleep(0)\n    return 2 * x"),
        code("%time first = await double(2)\nrunning = asyncio.ensure_future(double(10))"),
        code(
            '''
text = """
  kept"""
async with asyncio.Lock():
    second = await running
many = [await double(x) for x in range(3)]


async def count():
    for x in range(3):
        yield x


async for last in count():
    pass
'''
        ),
        result("[first, second, many, last, text, sorted(n for n in globals() if n in ('first', 'many'))]"),
        expected=[4, 20, [0, 2, 4], 2, "\n  kept", ["first", "many"]],
    ),
    "future": Made(
        code("import json as _first"),
        code("from __future__ import annotations\n\n\ndef f(x: Unknown) -> Missing:\n    return x"),
        result("[f(3), f.__annotations__['x']]"),
        expected=[3, "Unknown"],
    ),
    "prompts": Made(
        code(">>> x = 1\n>>> for y in range(3):\n...     x += y\n"),
        code("In [1]: z = x\n   ...: z += 1"),
        result("[x, z]"),
        expected=[4, 5],
        minor=3,
    ),
    "autocall": Made(
        code("seen = []\n\n\ndef note(*words):\n    seen.append(words)"),
        code("/note 1\n,note a b\n;note a b"),
        result("seen"),
        expected=[[1], ["a", "b"], ["a b"]],
    ),
    "tags_skip": Made(
        code("x = 1"),
        code("x = x + 100 if False else x\nthis_is_defined = 1", "keep"),
        code("raise_nothing = 'left out'", "skip"),
        code("for_docs = 1", "exclude"),
        code("unwanted = 1", "fairing:exclude-cell"),
        code("slow = 1", "skip-execution"),
        result("[x, 'raise_nothing' in globals() and 0, this_is_defined]"),
        expected=[1, False, 1],
        only="script",
    ),
    "tags_chosen": Made(
        code("factor = 2", "parameters"),
        code("def train(x):\n    return factor * x", "train"),
        code("1 / 0"),
        code("answer = train(21)", "train", "other"),
        result("answer"),
        expected=42,
        only="script",
        tags=["train", "result"],
    ),
    "include_cell": Made(
        code("# fairing:include-cell\nimport math"),
        code("1 / 0"),
        code("#fairing:include-cell\nclass Area:\n    def of(self, r):\n        return round(math.pi * r * r, 3)"),
        code("print(Area().of(2))\n1 / 0"),
        code("x = Area().of(1)", "fairing:include-cell"),
        code("# fairing:include-cell\n" + result("x")[1]),
        expected=3.142,
        only="script",
    ),
    "fire_class": Made(
        code("#fairing:include-cell\nimport json"),
        code("1 / 0"),
        code(
            """
#fairing:include-cell
class Trainer:
    def __init__(self, seed: int = 0, name: str = "x"):
        self.seed, self.name = seed, name

    def train(self, depth: int, rate: float = 0.5, layers: list = [1], quick=False, note: str = "none"):
        print("RESULT", json.dumps([self.seed, self.name, depth, rate, layers, quick, note]))
"""
        ),
        expected=[7, "8", 3, 1.0, [4, {"a": 0.5}], True, "it's --é %"],
        values={
            "seed": 7,
            "name": "8",
            "depth": 3,
            "rate": 1.0,
            "layers": [4, {"a": 0.5}],
            "quick": True,
            "note": "it's --é %",
        },
        only="script",
        class_name="Trainer",
    ),
    "fire_method": Made(
        code(
            "class Base:\n    def __init__(self, start=1):\n        self.start = start\n\n"
            "class Counter(Base):\n    def up(self, by: int = 1):\n        print('RESULT', self.start + by)\n\n"
            "    def down(self):\n        pass"
        ),
        expected=5,
        values={"start": 3, "by": 2},
        only="script",
        class_name="Counter",
        method="up",
    ),
    "parameters_default": Made(
        code("depth = 8  # type: int  how deep\nrate = 0.1\nname = 'forest'\nflags = [1, 2]", "parameters"),
        code("described = f'{name}-{depth}-{rate}'"),
        result("[described, flags]"),
        expected=["forest-8-0.1", [1, 2]],
    ),
    "parameters_given": Made(
        code("import os"),
        code(
            """
depth: int = 8  # how deep: 100% of it
rate: float = 1
name = "forest"  # its name
flags: list = [1, 2]
options = {"a": 1}
quick = False
limit: "int | None" = None
computed = 2 * 21
""",
            "parameters",
        ),
        code("doubled = 2 * depth"),
        result("[doubled, rate, name, flags, options, quick, limit, computed]"),
        expected=[6, 0.5, "it's --x", [3, "é"], {"b": [{}]}, True, 4, 42],
        values={
            "depth": 3,
            "rate": 0.5,
            "name": "it's --x",
            "flags": [3, "é"],
            "options": {"b": [{}]},
            "quick": True,
            "limit": 4,
        },
    ),
    "parameters_injected": Made(
        code("depth = 8", "parameters"),
        code("depth = 99", "injected-parameters"),
        result("depth"),
        expected=5,
        values={"depth": 5},
    ),
    "own_module": Made(
        code("from notebook_helper import triple\n\n\ndef work(x):\n    return triple(x) + 1"),
        result("work(2)"),
        expected=7,
        include=["notebook_helper.py"],
    ),
    "data_file": Made(
        code("import csv\nfrom pathlib import Path\n\nrows = list(csv.DictReader(Path('data/points.csv').open()))"),
        result("sum(int(row['x']) for row in rows)"),
        expected=6,
        include=["data/"],
    ),
    "unicode": Made(
        code("größe = 'ü'\n%time größe += 'é☃'\nΔ = {'名前': größe}; get_ipython().system('echo ü'); x = 'é'"),
        result("[Δ, x]"),
        expected=[{"名前": "üé☃"}, "é"],
    ),
    "empty_cells": Made(
        code(""), code("   \n\n"), code("# only a comment"), code("%%time"), result("0"), expected=0, minor=4
    ),
    "no_kernel": Made(code("x: int = 3"), result("x"), expected=3, minor=0, kernel={}),
    "format_4_2": Made(code("x = 42"), code("%pwd"), result("x"), expected=42, minor=2),
    "classes": Made(
        code(
            "from dataclasses import dataclass\nimport enum\n\n\n@dataclass\nclass Point:\n    x: int\n\n"
            "    def __add__(self, other):\n        return Point(self.x + other.x)\n\n\n"
            "class Kind(enum.Enum):\n    A = 1"
        ),
        code("if __name__ == '__main__':\n    total = Point(1) + Point(2)"),
        code("import pickle\n\nagain = pickle.loads(pickle.dumps([total, Kind.A]))"),
        result("[again[0].x, again[1].name]"),
        expected=[3, "A"],
    ),
    "control": Made(
        code(
            "match [1, 2]:\n    case [a, b]:\n        !true\n    case _:\n        pass\n"
            "found = next(x for x in range(9) if x % 4 == 3)\nif (n := 10) % 3: n %= 4\n"
            "with open('/dev/null') as f:\n    %time f.read()"
        ),
        result("[a, b, found, n]"),
        expected=[1, 2, 3, 2],
    ),
}


def version_3() -> dict[str, Any]:
    """The notebook as it was kept until 2015."""
    cells = [
        {"cell_type": "heading", "level": 1, "metadata": {}, "source": ["Old"]},
        {"cell_type": "code", "collapsed": False, "input": ["%matplotlib --list\n", "x = 3"], "language": "python"},
        {"cell_type": "code", "collapsed": False, "input": ["print 'left out'"], "language": "python"},
        {"cell_type": "code", "collapsed": False, "input": [result("x + 1")[1]], "language": "python"},
    ]
    cells[2]["metadata"] = {"tags": ["skip"]}
    cells[2]["input"] = ["left_out = 1"]
    for cell in cells[1:]:
        cell |= {"metadata": cell.get("metadata", {}), "outputs": [], "prompt_number": 1}
    about = {"expected": 4, "only": "", "values": {}, "options": {}}
    return {
        "metadata": {"name": "", "test": about},
        "nbformat": 3,
        "nbformat_minor": 0,
        "worksheets": [{"cells": cells, "metadata": {}}],
    }


def documents() -> dict[str, str]:
    """The notebooks' texts by file name."""
    made = {name: notebook.document() for name, notebook in NOTEBOOKS.items()} | {"format_3": version_3()}
    return {f"{name}.ipynb": json.dumps(made[name], indent=1, ensure_ascii=False) + "\n" for name in sorted(made)}


def main() -> None:
    for name, document in documents().items():
        (FOLDER / name).write_text(document, encoding="utf-8")


if __name__ == "__main__":
    main()
