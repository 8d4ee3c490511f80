"""Arguments of scripts that use hydra: the keys of their configuration, given as `KEY=VALUE`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fairing_kfp.preprocess.arguments.argument import (
    Argument,
    Manner,
    ScriptArguments,
    UnreadArgument,
    identifier,
    merge,
    with_default,
)
from fairing_kfp.preprocess.arguments.dataclass_fields import (
    Field,
    default_value,
    fields_of,
    flat,
    is_scalar,
    named_class,
)
from fairing_kfp.preprocess.arguments.syntax import NotConstantError, Syntax, keyword
from fairing_kfp.runtime.command_line import OVERRIDE, Spelling

_MANNER = Manner(value=OVERRIDE, truth=OVERRIDE, words=OVERRIDE)
_FLOAT = re.compile(r"[-+]?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][-+]?\d+)?")
_KEY = re.compile(r"[A-Za-z_][\w-]*")
_MISSING = "???"


def uses_hydra(syntax: Syntax) -> bool:
    """Whether hydra starts a function of the script."""
    return _main(syntax) is not None


def read_hydra(syntax: Syntax, filename: str) -> ScriptArguments:
    """Reads the keys of the main configuration of a script, and the choices of its defaults list.

    All other keys, such as those of the chosen configurations, can be declared.

    Args:
        syntax: the script.
        filename: its path, beside which the configuration lies.
    """
    main = _main(syntax)
    folder, name = _configuration(syntax, main, Path(filename).parent) if main is not None else (None, "")
    if name and (node := _stored(syntax, name)) is not None:
        read = list(_of_dataclass(syntax, node))
    elif name and folder is not None and (folder / name).with_suffix(".yaml").is_file():
        read = list(_of_file((folder / name).with_suffix(".yaml")))
    else:
        what = f"the keys of {name}.yaml, which is not found" if name else "the keys of hydra's configuration"
        read = [UnreadArgument(what, main.lineno if main is not None else 0)]
    arguments, twice = merge(one for one in read if isinstance(one, Argument))
    unread = tuple(one for one in read if isinstance(one, UnreadArgument))
    return ScriptArguments(arguments, (*unread, *twice), dashes=False, accepts_more=True, manner=_MANNER)


def _main(syntax: Syntax) -> ast.Call | None:
    """The call of `hydra.main`."""
    return next((call for call in syntax.calls() if syntax.name(call.func) in ("hydra.main", "hydra.main.main")), None)


def _configuration(syntax: Syntax, main: ast.Call, beside: Path) -> tuple[Path | None, str]:
    """The folder and name of the configuration; no folder if it is not one beside the script."""

    def given(place: int, name: str) -> str:
        node = main.args[place] if len(main.args) > place else keyword(main, name)
        try:
            return str(syntax.value(node) or "") if node is not None else ""
        except NotConstantError:
            return ""

    path, name = given(0, "config_path"), given(1, "config_name")
    if not name and path.endswith((".yaml", ".yml")):  # as of hydra 1.0 and before
        path, _, name = path.rpartition("/")
    name = name.removesuffix(".yaml").removesuffix(".yml")
    return (None if "://" in path else beside / path), name


def _stored(syntax: Syntax, name: str) -> ast.ClassDef | None:
    """The dataclass that the script stores as a configuration."""
    for call in syntax.calls():
        if not isinstance(call.func, ast.Attribute) or call.func.attr != "store":
            continue
        given = call.args[0] if call.args else keyword(call, "name")
        if isinstance(given, ast.Constant) and given.value == name:
            node = call.args[1] if len(call.args) > 1 else keyword(call, "node")
            return named_class(syntax, node.func if isinstance(node, ast.Call) else node)
    return None


def _of_dataclass(syntax: Syntax, cls: ast.ClassDef) -> Iterator[Argument | UnreadArgument]:
    for above, one in flat(syntax, fields_of(syntax, cls)):
        if isinstance(one, Field) and one.hint.kind is str and not is_scalar(syntax, one):
            yield UnreadArgument(f"{'.'.join((*above, one.name))}, of the type {one.hint.name}", one.line)
        elif isinstance(one, Field):
            key = ".".join((*above, one.name))
            missing = one.required or syntax.name(one.default).endswith("MISSING")
            value = None if missing else default_value(syntax, one, enums_by_name=True)
            yield _argument(key, one.hint.kind or str, value, required=missing, line=one.line, text=one.help)
        else:
            yield one


def _of_file(path: Path) -> Iterator[Argument]:
    content = _loaded(path.read_text("utf-8"))
    if not isinstance(content, dict):
        return
    for item in content.get("defaults") or ():
        for group, option in item.items() if isinstance(item, dict) else ():
            if isinstance(group, str) and not group.startswith(("override ", "optional ", "/")):
                kind = list if isinstance(option, list) else str
                yield _argument(group, kind, option, text="a choice of the configuration")
    yield from _of_keys({key: value for key, value in content.items() if key not in ("defaults", "hydra")}, ())


def _of_keys(content: dict[Any, Any], above: tuple[str, ...]) -> Iterator[Argument]:
    for key, value in content.items():
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            continue
        path = (*above, key)
        if isinstance(value, dict) and value:
            yield from _of_keys(value, path)
            continue
        computed = isinstance(value, str) and ("${" in value or value == _MISSING)
        kind = type(value) if isinstance(value, (bool, int, float, list, dict)) else str
        yield _argument(".".join(path), kind, None if computed else value, required=value == _MISSING)


def _argument(key: str, kind: type, default: Any, *, required: bool = False, line: int = 0, text: str = "") -> Argument:
    return with_default(Argument(identifier(key), kind, Spelling(key, OVERRIDE), required, None, text, line), default)


def _loaded(text: str) -> Any:
    """The content of a YAML file as hydra reads it: `1e-3` is a number, and a date is text."""
    import yaml

    class Loader(yaml.SafeLoader):
        """YAML with the numbers of YAML 1.2."""

    Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in known if not tag.endswith((":timestamp", ":float"))]
        for first, known in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    number = re.compile(rf"^(?:{_FLOAT.pattern}|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$")
    Loader.add_implicit_resolver("tag:yaml.org,2002:float", number, list("-+0123456789."))
    try:
        return yaml.load(text, Loader)  # noqa: S506 - a safe loader
    except yaml.YAMLError:
        return None
