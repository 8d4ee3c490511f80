"""Cells as Python: what is left out, and what stays."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairing_kfp.errors import PackError
from fairing_kfp.preprocess.notebooks.cells import PythonCell, python_cells
from fairing_kfp.preprocess.notebooks.document import Cell


def stripped(source: str) -> PythonCell:
    (cell,) = python_cells([Cell(7, source, frozenset())], "train.ipynb")
    return cell


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("%matplotlib inline", "# left out: %matplotlib"),
        ("!pip install x", "# left out: !pip"),
        ("!!ls", "# left out: !ls"),
        ("!A=1 run", "# left out: a shell line"),
        ("print?", "# left out: ?"),
        ("??print", "# left out: ?"),
        ("%timeit f(x)", "# left out: %timeit"),
        ("%time f(x)", "f(x)"),
        ("%time x = f(1); y = 2", "x = f(1); y = 2"),
        ("x = %time f(1)", "x = f(1)"),
        ("%prun -l 5 -q x = f(1)", "x = f(1)"),
        ("x = !ls", "# left out: !ls"),
        ("if a:\n    !ls", "if a:\n    pass  # left out: !ls"),
        ("if a:\n    x = 1\nelse:\n    %cd ..", "if a:\n    x = 1\nelse:\n    pass  # left out: %cd"),
        ("try:\n    !ls\nexcept E:\n    !ls", "try:\n    pass  # left out: !ls\nexcept E:\n    pass  # left out: !ls"),
        ("x = 1; get_ipython().system('a'); y = 2", "x = 1; pass; y = 2"),
        ("x = 'ü'; get_ipython().magic('cd'); y = 'é'", "x = 'ü'; pass; y = 'é'"),
        ("get_ipython().autocall = 2", "# left out: get_ipython()"),
        ("s = get_ipython()\ns.run_line_magic('cd', '')", "s = get_ipython()\n# left out: %cd"),
        ("where = str(get_ipython())", "where = str(get_ipython())"),
        ("name = get_ipython().__class__.__name__", "name = get_ipython().__class__.__name__"),
        ("%%time\nx = 1", "# left out: %%time\nx = 1"),
        ("%%capture\n%%time\nx = 1", "# left out: %%capture\n# left out: %%time\nx = 1"),
        ("  %%time\n  x = 1", "# left out: %%time\nx = 1"),
        ("%%time\n    x = 1\n    y = 2", "# left out: %%time\nx = 1\ny = 2"),
        ("%%bash\nit's ( unbalanced", "# left out: %%bash"),
        ("# why\n%%sql\nSELECT 'x", "# why\n# left out: %%sql"),
        ("if a:\n    %%bash\n    it's (\ny = 1", "if a:\n    pass  # left out: %%bash\n\ny = 1"),
        ("!echo it's \\\n  two\nx = 1", "# left out: !echo\n\nx = 1"),
        (">>> x = 1\n... y = 2", "x = 1\ny = 2"),
        ("plot(x);", "plot(x);"),
        ("a = 5 \\\n  %b", "a = 5 \\\n  %b"),
        ('a = """\n%%bash\n!ls\n# %% x\n"""', 'a = """\n%%bash\n!ls\n# %% x\n"""'),
        ("x = (a\n  %b)", "x = (a\n  %b)"),
    ],
)
def test_becomes(source: str, code: str) -> None:
    assert stripped(source).text.strip() == code


def test_omissions_are_listed_without_arguments() -> None:
    found = stripped("%env KEY=1234\nif x:\n    !run --password=1234\n%%bash --out log\nls")

    assert [str(one) for one in found.omissions] == [
        "cell 7, line 1: %env",
        "cell 7, line 3: !run",
        "cell 7, line 4: %%bash",
    ]
    assert found.omissions[2].names == ("log",)
    assert "1234" not in found.text


@pytest.mark.parametrize(
    ("source", "place"),
    [
        ("x = 1\n\ny = (", "cell 7, line 3"),
        ("!echo a \\\n b\nx = 1\ny = = 2", "cell 7, line 4"),
        ("\n\n%%time\nx = 1\nprint 'x'", "cell 7, line 5"),
        ("x = 1\nreturn x", "cell 7, line 2"),
        ("%%bash?\nx = ", "cell 7, line"),
    ],
)
def test_syntax_errors_are_reported_with_cell_and_line(source: str, place: str) -> None:
    with pytest.raises(PackError, match=f"train.ipynb, {place}"):
        stripped(source)


@pytest.mark.parametrize("header", ["for x in get_ipython().getoutput('ls'):", "if get_ipython().magic('x'):"])
def test_a_block_that_depends_on_the_shell_is_rejected(header: str) -> None:
    with pytest.raises(PackError, match=r"cell 7, line 1: a block depends on"):
        stripped(f"{header}\n    pass")


def test_await_outside_of_functions_is_detected() -> None:
    assert stripped("%time x = await f()\nawait g()").awaits
    assert not stripped("async def f():\n    await g()").awaits


def test_future_imports_are_left_out() -> None:
    found = stripped("from __future__ import annotations\nx = 1")

    assert found.futures == ("annotations",)
    assert "__future__" not in found.text
    assert not found.omissions


LITERALS = st.text(st.sampled_from("%!?\\ \n'\"#ab{}é"), max_size=12).map(repr)
EXPRESSIONS = st.recursive(
    st.one_of(LITERALS, st.sampled_from(["a", "b", "12", 'f"{a!r:>{b}}"', '"""\n%%bash\n!ls\nb?\n"""'])),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from([" % ", " \\\n  % ", " != ", " %"]), inner).map("".join),
        inner.map(lambda it: f"(\n{it}\n)"),
        inner.map(lambda it: f"[{it},\n  {it}]"),
    ),
    max_leaves=6,
)
STATEMENTS = st.one_of(
    EXPRESSIONS.map(lambda it: f"a = {it}"),
    EXPRESSIONS.map(lambda it: f"print({it});"),
    EXPRESSIONS.map(lambda it: f"if {it}:\n    # %%time\n    b = {it}"),
    st.sampled_from(["# !ls", "# %% cell", "", "def f():\n    'doc %%'\n    return 1", "class C:\n\n    x = 1"]),
)


@settings(max_examples=80, deadline=None)
@given(st.lists(STATEMENTS, max_size=5).map("\n".join))
def test_python_stays_as_it_is(source: str) -> None:
    found = stripped(source)

    assert ast.dump(ast.parse(found.text)) == ast.dump(ast.parse(source))
    assert not found.omissions


MAGICS = st.sampled_from(["!ls 'x", "%cd ..", "x?", "!!echo x", "%timeit a % b", 'y = !ls "', "%%time", "?x"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.tuples(st.just("code"), EXPRESSIONS), st.tuples(st.just("magic"), MAGICS)), max_size=6))
def test_magics_are_left_out_and_code_around_them_stays(parts: list[tuple[str, str]]) -> None:
    parts = [(kind, text) for number, (kind, text) in enumerate(parts) if text != "%%time" or number == 0]
    source = "\n".join(f"a = {text}" if kind == "code" else text for kind, text in parts)
    kept = "\n".join(f"a = {text}" for kind, text in parts if kind == "code")

    assert ast.dump(ast.parse(stripped(source).text)) == ast.dump(ast.parse(kept))


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("pip install x", "# left out: %pip"),
        ("cd d", "# left out: %cd"),
        ("# where\n\ncd ..\n", "# where\n\n# left out: %cd"),
        ("ls -l", "# left out: %ls"),
        ("pwd", "# left out: %pwd"),
        ("time f(x)", "f(x)"),
        ("load_ext autoreload", "# left out: %load_ext"),
        ("matplotlib inline", "# left out: %matplotlib"),
        ("history = 3", "history = 3"),
        ("time(x)", "time(x)"),
        ("env.close()", "env.close()"),
        ("run, x = 1, 2", "run, x = 1, 2"),
    ],
)
def test_a_line_that_is_a_magic_without_its_sign(source: str, code: str) -> None:
    assert stripped(source).text.strip() == code


@pytest.mark.parametrize(
    "other", ["history = fit()", "import history", "def history(): pass", "from x import *", "for history in x: 1"]
)
def test_a_variable_hides_a_magic_of_its_name(other: str) -> None:
    cells = [Cell(1, other, frozenset()), Cell(2, "history", frozenset())]

    assert python_cells(cells, "n.ipynb")[-1].text.strip() == "history"


@pytest.mark.parametrize(
    "source",
    [
        *("print 'x'", "print x, y", "exec 'x'", "try:\n    f()\nexcept E, e:\n    pass", "x = 0777", "x = 10L"),
        *("if a <> b: pass", "x = `a`", "x = ur'a'", "raise E, 'x'", "def f(a, (b, c)): pass", "f = lambda (a, b): a"),
        *("if a:\n\tx\n        y", "%%time\nprint 'x'", "if a:\n    print 'x' % y", "try: x\nexcept (A, B), e: pass"),
    ],
)
def test_python_2_is_told(source: str) -> None:
    with pytest.raises(PackError, match=r"train.ipynb, cell 7, line \d+: this is Python 2 \(") as caught:
        stripped(source)
    assert caught.value.remedy == "convert the notebook to Python 3, or tag the cell `skip`"


@pytest.mark.parametrize("source", ["x = (", "x = = 1", "pip install x\npip install y", "cd d\nx = 1", "install x"])
def test_other_errors_are_not_python_2(source: str) -> None:
    with pytest.raises(PackError, match=r"train\.ipynb, cell 7") as caught:
        stripped(source)
    assert caught.value.remedy == "correct the cell, or tag it `skip`"


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("import os\nfrom __future__ import annotations\nx: y = 1", "import os\npass\nx: y = 1"),
        ("'doc'; from __future__ import division; x = 1", "'doc'; pass; x = 1"),
    ],
)
def test_future_imports_can_follow_other_statements(source: str, code: str) -> None:
    assert stripped(source).text.strip() == code


def test_a_feature_that_python_does_not_have_is_an_error() -> None:
    with pytest.raises(PackError, match="cell 7, line 2: future feature braces is not defined"):
        stripped("x = 1\nfrom __future__ import braces")


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("out = !tool a 'b'", "out = _shell.getoutput(\"tool a 'b'\")"),
        ("!mkdir -p {folder}", "_shell.system('mkdir -p {folder}')"),
        ("!!ls", "_shell.getoutput('ls')"),
        ("x = !ls\ny = 1", "x = _shell.getoutput('ls')\ny = 1"),
        (
            "for x in get_ipython().getoutput('ls'):\n    !echo {x}",
            "for x in _shell.getoutput('ls'):\n    _shell.system('echo {x}')",
        ),
        ("x = 'é'; get_ipython().system('a'); y = 1", "x = 'é'; _shell.system('a'); y = 1"),
        ("out = !pip list", "# left out: !pip"),
        ("!apt-get install x", "# left out: !apt-get"),
        ("%cd x\n!ls", "# left out: %cd\n_shell.system('ls')"),
        ("get_ipython().system(get_ipython().getoutput('x')[0])", "# left out: a shell line"),
    ],
)
def test_shell_commands_are_run_on_request(source: str, code: str) -> None:
    (cell,) = python_cells([Cell(7, source, frozenset())], "train.ipynb", shell=True)

    assert cell.text.strip() == code
    assert cell.runs_shell == ("_shell" in code)
