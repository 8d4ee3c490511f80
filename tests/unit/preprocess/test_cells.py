"""What is taken out of a cell, and what stays."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairing_kfp.errors import PackError
from fairing_kfp.preprocess.cells import Stripped, parse, strip
from fairing_kfp.preprocess.notebook import Cell


def stripped(source: str) -> Stripped:
    parsed = parse(Cell(7, source, frozenset()), "train.ipynb")
    return strip(parsed, parsed.shells, "train.ipynb")


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


def test_all_that_is_left_out_is_listed_without_its_arguments() -> None:
    found = stripped("%env KEY=1234\nif x:\n    !run --password=1234\n%%bash --out log\nls")

    assert [str(one) for one in found.left_out] == [
        "cell 7, line 1: %env",
        "cell 7, line 3: !run",
        "cell 7, line 4: %%bash",
    ]
    assert found.left_out[2].names == ("log",)
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
def test_syntax_errors_are_named_by_cell_and_line(source: str, place: str) -> None:
    with pytest.raises(PackError, match=f"train.ipynb, {place}"):
        stripped(source)


@pytest.mark.parametrize("header", ["for x in get_ipython().getoutput('ls'):", "if get_ipython().magic('x'):"])
def test_a_block_that_depends_on_the_shell_is_refused(header: str) -> None:
    with pytest.raises(PackError, match=r"cell 7, line 1: a block depends on"):
        stripped(f"{header}\n    pass")


def test_awaiting_outside_of_functions_is_noticed() -> None:
    assert parse(Cell(1, "%time x = await f()\nawait g()", frozenset()), "n").awaits
    assert not parse(Cell(1, "async def f():\n    await g()", frozenset()), "n").awaits


def test_what_comes_from_the_future_is_taken_out() -> None:
    found = stripped("from __future__ import annotations\nx = 1")

    assert found.futures == ("annotations",)
    assert "__future__" not in found.text
    assert not found.left_out


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
    assert not found.left_out


MAGICS = st.sampled_from(["!ls 'x", "%cd ..", "x?", "!!echo x", "%timeit a % b", 'y = !ls "', "%%time", "?x"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.tuples(st.just("code"), EXPRESSIONS), st.tuples(st.just("magic"), MAGICS)), max_size=6))
def test_magics_go_and_code_around_them_stays(parts: list[tuple[str, str]]) -> None:
    parts = [(kind, text) for number, (kind, text) in enumerate(parts) if text != "%%time" or number == 0]
    source = "\n".join(f"a = {text}" if kind == "code" else text for kind, text in parts)
    kept = "\n".join(f"a = {text}" for kind, text in parts if kind == "code")

    assert ast.dump(ast.parse(stripped(source).text)) == ast.dump(ast.parse(kept))
