"""The parsers of a script that uses argparse, and the calls that add to them, in the order of the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from fairing_kfp.preprocess.arguments.argparse_argument import keyword_or_none, read_argument
from fairing_kfp.preprocess.arguments.argument import Argument, UnreadArgument
from fairing_kfp.preprocess.arguments.huggingface import read_huggingface
from fairing_kfp.preprocess.arguments.simple_parsing import SimpleFields
from fairing_kfp.preprocess.arguments.syntax import NotConstantError, Syntax, keyword

_GROUPS = ("add_argument_group", "add_mutually_exclusive_group")
PARSERS = ("ArgumentParser", "ArgParser", "HfArgumentParser", "TrlParser")
HUGGING_FACE = ("HfArgumentParser", "TrlParser")
_ADDS_NOTHING = ("print", "vars", "isinstance", "len", "type", "help", "repr", "str", "argcomplete.autocomplete")
_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(eq=False)
class Parser:
    """A parser, a sub-parser, or a parameter that stands for one.

    Attributes:
        line: the line where it is made.
        command: the word that selects it; empty for a main parser.
        prefixes: characters that options start with.
        items: its arguments, and the parsers whose arguments it includes.
        defaults: defaults set with `set_defaults`, by name.
        children: its sub-parsers.
        needs_command: whether one of them must be selected.
        is_main: whether it reads the command line itself, rather than for another parser.
    """

    line: int = 0
    command: str = ""
    prefixes: str = "-"
    items: list[Argument | UnreadArgument | Parser] = field(default_factory=list)
    defaults: dict[str, ast.expr] = field(default_factory=dict)
    children: list[Parser] = field(default_factory=list)
    needs_command: bool = False
    is_main: bool = True

    def included(self) -> Iterator[Parser]:
        """The parser, and those that it includes, each once."""
        found: list[Parser] = []
        pending = [self]
        while pending:
            parser = pending.pop()
            if parser not in found:
                found.append(parser)
                pending += [item for item in parser.items if isinstance(item, Parser)]
        return iter(found)

    def arguments(self, above: tuple[Parser, ...] = ()) -> Iterator[Argument | UnreadArgument]:
        """Its arguments in order, with those of the parsers that it includes."""
        for item in self.items:
            if not isinstance(item, Parser):
                yield item
            elif item not in above:
                yield from item.arguments((*above, self))

    def add(self, other: Parser) -> None:
        """Includes another parser's arguments and sub-parsers."""
        if other is not self:
            other.is_main = False
            self.items.append(other)


class Parsers:
    """The parsers of a script."""

    def __init__(self, syntax: Syntax) -> None:
        self._syntax = syntax
        self._bound: dict[str, Parser] = {}  # by variable, within a function with its name before
        self._made: list[Parser] = []
        self._simple = SimpleFields(syntax)
        self._functions = dict(_functions(syntax.tree))
        self._scopes = {id(node): name for name, function in self._functions.items() for node in ast.walk(function)}
        self._targets = _targets(syntax.tree)
        for call in syntax.calls():
            self._read(call)

    @property
    def main(self) -> list[Parser]:
        """The parsers that read the command line."""
        return [parser for parser in self._made if parser.is_main]

    def _new(self, parser: Parser) -> Parser:
        self._made.append(parser)
        return parser

    def _read(self, call: ast.Call) -> None:
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        owner = call.func.value if isinstance(call.func, ast.Attribute) else None
        name = self._syntax.name(call.func)
        if name.rpartition(".")[2] in PARSERS or self._is_subclass(name):
            self._bind(call, self._parser(call, name))
        elif method in _GROUPS and (parser := self._find(owner)):
            self._bind(call, parser)
        elif method == "add_subparsers":
            group = self._new(Parser(call.lineno, needs_command=bool(keyword_or_none(self._syntax, call, "required"))))
            self._owner(owner, call).add(group)
            self._bind(call, group)
        elif method == "add_parser":
            parser = self._new(Parser(call.lineno, self._command(call), is_main=False))
            self._owner(owner, call).children.append(parser)
            self._include_parents(call, parser)
            self._bind(call, parser)
        elif method == "add_argument":
            parser = self._owner(owner, call)
            parser.items += read_argument(self._syntax, call, parser.prefixes)
        elif method == "set_defaults":
            self._owner(owner, call).defaults.update({item.arg: item.value for item in call.keywords if item.arg})
        elif method == "add_arguments" and self._simple.used:
            self._owner(owner, call).items += self._simple.added(call)
        elif name in ("simple_parsing.parse", "simple_parsing.parse_known_args"):
            self._new(Parser(call.lineno, items=[*self._simple.parsed(call)]))
        elif method in ("parse_args", "parse_known_args", "parse_args_into_dataclasses"):
            self._elsewhere(call, owner)
        else:
            self._passed(call, name)

    def _parser(self, call: ast.Call, name: str) -> Parser:
        prefixes = keyword_or_none(self._syntax, call, "prefix_chars") or "-"
        parser = self._new(Parser(call.lineno, prefixes=str(prefixes)))
        self._include_parents(call, parser)
        if name.rpartition(".")[2] in HUGGING_FACE:
            parser.items += read_huggingface(self._syntax, call)
        return parser

    def _include_parents(self, call: ast.Call, parser: Parser) -> None:
        node = keyword(call, "parents")
        listed = node.elts if isinstance(node, (ast.List, ast.Tuple)) else [node] if node is not None else []
        for item in listed:
            if found := self._find(item) or self._parameter(item, call):
                parser.add(found)
            else:
                what = f"those of {ast.unparse(item)}, a parser that is made elsewhere"
                parser.items.append(UnreadArgument(what, call.lineno))

    def _elsewhere(self, call: ast.Call, owner: ast.expr | None) -> None:
        """A parser that reads the command line, and is not made in the script."""
        if owner is not None and not self._find(owner) and not self._made:
            what = f"those of {ast.unparse(owner)}, a parser that is made elsewhere"
            self._new(Parser(call.lineno, items=[UnreadArgument(what, call.lineno)]))

    def _passed(self, call: ast.Call, name: str) -> None:
        """A function that receives parsers, and may add to them and return them or a parser of its own."""
        function = self._function(name)
        values = (*call.args, *(item.value for item in call.keywords))
        given = [found for value in values if (found := self._find(value))]
        if function is None:
            if given and name and name not in _ADDS_NOTHING:
                given[0].items.append(UnreadArgument(f"those that {ast.unparse(call.func)} adds", call.lineno))
            returned = given[0] if given and id(call) in self._targets else None
        else:
            stands_for = {}
            for parameter, value in self._parameters(function, name, call):
                if found := self._find(value):
                    template = self._template(function, parameter, call.lineno)
                    found.add(template)
                    stands_for[id(template)] = found
            returned = self._returned(function)
            returned = stands_for.get(id(returned), returned)
        if returned is not None:
            self._bind(call, returned)

    def _function(self, name: str) -> _Function | None:
        """The function or method of the script that a call runs; for a class its constructor."""
        if name in self._syntax.classes:
            name = f"{name}.__init__"
        root, _, last = name.rpartition(".")
        if name in self._functions or not root or root.partition(".")[0] in _roots(self._syntax):
            return self._functions.get(name)
        return self._functions.get(last)

    def _template(self, function: _Function, parameter: str, line: int) -> Parser:
        """What stands for the parser that a function receives."""
        key = _key(function.name, parameter)
        if key not in self._bound:
            self._bound[key] = self._new(Parser(line))
        return self._bound[key]

    def _parameters(self, function: _Function, name: str, call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
        names = [argument.arg for argument in (*function.args.posonlyargs, *function.args.args)]
        if "." in name and names[:1] in (["self"], ["cls"]):
            names = names[1:]
        yield from zip(names, call.args, strict=False)
        yield from ((item.arg, item.value) for item in call.keywords if item.arg)

    def _returned(self, function: _Function) -> Parser | None:
        for node in ast.walk(function):
            if isinstance(node, ast.Return) and node.value is not None and (found := self._find(node.value)):
                return found
        return None

    def _owner(self, node: ast.expr | None, call: ast.Call) -> Parser:
        """The parser that a call adds to: a variable's, that of a parameter, or the main one."""
        if found := self._find(node):
            return found
        if received := self._parameter(node, call):
            return received
        if not self._made:
            what = f"those of {ast.unparse(node) if node else 'a parser'}, which is made elsewhere"
            self._new(Parser(call.lineno, items=[UnreadArgument(what, call.lineno)]))
        return (self.main or self._made)[0]

    def _parameter(self, node: ast.expr | None, call: ast.Call) -> Parser | None:
        """What stands for a parser that the function around a call receives."""
        function = self._functions.get(self._scopes.get(id(call), ""))
        if isinstance(node, ast.Name) and function is not None:
            names = [one.arg for one in (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)]
            if node.id in names:
                return self._template(function, node.id, call.lineno)
        return None

    def _find(self, node: ast.expr | None) -> Parser | None:
        """The parser that an expression stands for."""
        if node is None:
            return None
        text = ast.unparse(node)
        scope = self._functions.get(self._scopes.get(id(node), ""))
        found = self._bound.get(_key(scope.name, text)) if scope is not None else None
        return found or self._bound.get(text)

    def _bind(self, call: ast.Call, parser: Parser) -> None:
        scope = self._functions.get(self._scopes.get(id(call), ""))
        for text in (self._targets.get(id(call), ""), ast.unparse(call)):
            if text:
                self._bound[_key(scope.name, text) if scope is not None and "." not in text else text] = parser

    def _is_subclass(self, name: str) -> bool:
        cls = self._syntax.classes.get(name)
        return cls is not None and any(self._syntax.name(base).endswith("ArgumentParser") for base in cls.bases)

    def _command(self, call: ast.Call) -> str:
        node = call.args[0] if call.args else keyword(call, "name")
        try:
            return str(self._syntax.value(node)) if node is not None else "?"
        except NotConstantError:
            return "?"


def _roots(syntax: Syntax) -> set[str]:
    """The first names of what the script imports."""
    return {name.partition(".")[0] for name in syntax.imported.values()}


def _key(function: str, variable: str) -> str:
    return f"{function}:{variable}"


def _functions(tree: ast.AST) -> Iterator[tuple[str, _Function]]:
    """The functions and methods of a script, the latter also by the name of their class."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node
        elif isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    yield f"{node.name}.{inner.name}", inner


def _targets(tree: ast.AST) -> dict[int, str]:
    """The variables that the results of calls are assigned to, by the call."""
    targets = {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and isinstance(node.value, ast.Call):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            targets[id(node.value)] = ast.unparse(target)
        elif isinstance(node, (ast.With, ast.AsyncWith)):
            for item in node.items:
                if isinstance(item.context_expr, ast.Call) and item.optional_vars is not None:
                    targets[id(item.context_expr)] = ast.unparse(item.optional_vars)
    return targets
