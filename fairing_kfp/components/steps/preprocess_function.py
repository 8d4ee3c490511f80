"""`preprocess_function`: a function of a module, and the files beside it → a bundle."""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

from fairing_kfp.components.code_bundle import CodeBundle
from fairing_kfp.components.declaration import Input, ReusableComponent, StepInputs, StepResult
from fairing_kfp.components.launchers import COMMAND, PROGRAM, function_program
from fairing_kfp.components.source import (
    EXCLUDE,
    IGNORES,
    OUTPUTS,
    described,
    packed,
    packed_files,
    source_folder,
)
from fairing_kfp.errors import ComponentError, ConfigError
from fairing_kfp.image.layer import File
from fairing_kfp.preprocess.arguments.argument import Argument, with_default
from fairing_kfp.preprocess.arguments.hints import Parameter, parameters
from fairing_kfp.preprocess.arguments.reader_code import PATH, READERS, Option
from fairing_kfp.preprocess.arguments.syntax import NotConstantError, Syntax
from fairing_kfp.preprocess.files.read import read_files
from fairing_kfp.preprocess.image_paths import WORKING
from fairing_kfp.runtime.command_line import TRUTH, VALUE, Spelling

_NAME = re.compile(r"(?P<module>[^\W\d]\w*(?:\.[^\W\d]\w*)*):(?P<function>[^\W\d]\w*)")
_COMPONENTS = ("kfp.", "fairing_kfp.")  # modules of decorators that make components
_TOPS = ("", "src")  # folders that modules are imported from
_PATHS = ("pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "os.PathLike")


def run(given: StepInputs) -> StepResult:
    """Packs the function; its module is parsed, never imported.

    Raises:
        ConfigError: not exactly one source is given, or the function's name is malformed.
        ComponentError: the module or function is missing, or its parameters cannot be given by name.
        PackError: a file cannot be packed.
        SecretError: a file seems to contain a credential.
    """
    component, shown = PREPROCESS_FUNCTION.name, given.values["function"]
    named = _NAME.fullmatch(shown)
    if named is None:
        raise ConfigError(
            f"{component}: function={shown!r} does not name a function of a module",
            "write module:name, such as package.model:train",
        )
    module, function = named["module"], named["function"]
    alone = PurePosixPath(f"{module.replace('.', '/')}.py")
    with source_folder(component, given, alone) as root:
        folder, path = _module(root, module)
        arguments = _arguments(path, path.relative_to(root).as_posix(), function)
        files = read_files(packed_files(root, given.values["exclude"], path))
    options = [Option(one.name, reader, one.required) for one, reader in arguments]
    program = File(PROGRAM, function_program(module, function, folder, options))
    bundle = CodeBundle(function, files, COMMAND, tuple(described(one) for one, _ in arguments), (program,))
    return packed(given, bundle, shown, files)


def _module(root: Path, module: str) -> tuple[str, Path]:
    """The folder that a module is imported from, relative to the source, and its file."""
    stem = module.replace(".", "/")
    for top in _TOPS:
        for place in (f"{stem}.py", f"{stem}/__init__.py"):
            if (path := root / top / place).is_file():
                return top, path
    known = [one.relative_to(root).as_posix() for one in sorted(root.rglob("*.py"))[:10]]
    raise ComponentError(
        f"{PREPROCESS_FUNCTION.name}: there is no module {module} in the source, nor in its folder src",
        f"the source contains {', '.join(known) or 'no Python file'}",
    )


def _arguments(path: Path, place: str, function: str) -> list[tuple[Argument, str]]:
    """The parameters of a function as options, and the functions that read their values."""
    try:
        syntax = Syntax(path.read_bytes(), place)
    except (SyntaxError, ValueError) as error:
        raise ComponentError(
            f"{place}, line {getattr(error, 'lineno', None) or 1} is not valid Python: {getattr(error, 'msg', error)}",
            "correct it",
        ) from error
    found = syntax.functions.get(function)
    if found is None:
        known = ", ".join(name for name in syntax.functions if not name.startswith("_"))
        raise ComponentError(
            f"{place} defines no function {function} at its top level", f"it defines {known or 'none'}"
        )
    if isinstance(found, ast.AsyncFunctionDef):
        raise ComponentError(f"{function} of {place} is async", "name a function that calls it: asyncio.run(…)")
    for decorator in found.decorator_list:
        called = syntax.name(decorator.func if isinstance(decorator, ast.Call) else decorator)
        if called.startswith(_COMPONENTS):
            raise ComponentError(
                f"{function} of {place} is a component already, by {called}", "name a function without that decorator"
            )
    for argument in found.args.posonlyargs:
        raise ComponentError(
            f"the parameter {argument.arg} of {function} in {place} cannot be given by name", "remove the / after it"
        )
    return [_option(syntax, one) for one in parameters(syntax, found)]


def _option(syntax: Syntax, parameter: Parameter) -> tuple[Argument, str]:
    try:
        default = syntax.value(parameter.default) if parameter.default is not None else None
    except NotConstantError:
        default = None
    kind = parameter.hint.kind or (type(default) if type(default) in READERS else str)
    spelling = Spelling(f"--{parameter.name}", TRUTH if kind is bool else VALUE)
    made = Argument(parameter.name, kind, spelling, parameter.default is None, line=parameter.line)
    reader = PATH if parameter.hint.name in _PATHS else READERS[kind]
    return replace(with_default(made, default), spelling=spelling), reader


PREPROCESS_FUNCTION = ReusableComponent(
    name="preprocess-function",
    category="preprocessing",
    description="Packs a function of a Python module and the files beside it into a bundle, for append-image.",
    details=(
        "The module is parsed, never imported: neither the function nor the module runs before the step that uses the "
        f"image. {IGNORES} The modules of the source, and those of its folder `src`, are importable. A program in the "
        f"bundle, `{' '.join(COMMAND)}`, calls the function with the arguments of its command line: `--name VALUE` for "
        "each parameter that is given, with lists, dicts and bools as JSON, as KFP passes them. "
        "`--return PATH` writes the result to a file, such as that of an output parameter: a `str` as it is, other "
        "values as JSON. `bundle.json` in the artifact lists the files with their digests, the command and the "
        f"arguments. In the image, the source is the folder `/{WORKING}`."
    ),
    inputs=(
        Input("function", "str", "Module and function, such as `package.model:train`."),
        Input("source", "artifact", "Folder with the module and its files, or the module alone.", optional=True),
        Input("text", "str", "Text of the module, instead of a source.", default=""),
        EXCLUDE,
    ),
    outputs=OUTPUTS,
    run=run,
    example='''\
preprocess_function = load("preprocessing/preprocess_function")


@dsl.pipeline(name="preprocess-function-example")
def example(source: str = "s3://bucket/source"):
    """Packs the function train of the file model.py of a folder."""
    folder = dsl.importer(artifact_uri=source, artifact_class=dsl.Artifact)
    preprocess_function(function="model:train", source=folder.output)
''',
    tags=("preprocessing", "function", "packaging"),
)
