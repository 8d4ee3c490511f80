"""`preprocess_notebook`: a notebook and the files beside it → a bundle that runs its code, or the notebook in full."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fairing_kfp.components.code_bundle import CodeBundle
from fairing_kfp.components.declaration import Input, Output, ReusableComponent, StepInputs, StepResult
from fairing_kfp.components.launchers import COMMAND, NOTEBOOK_NAMES, PROGRAM, notebook_program
from fairing_kfp.components.source import (
    EXCLUDE,
    IGNORES,
    OUTPUTS,
    packed,
    packed_files,
    source_file,
    source_folder,
    source_path,
)
from fairing_kfp.errors import ComponentError, ConfigError
from fairing_kfp.image.layer import File
from fairing_kfp.preprocess.arguments.reader_code import READERS, Option
from fairing_kfp.preprocess.files.read import read_files
from fairing_kfp.preprocess.image_paths import WORKING
from fairing_kfp.preprocess.notebook import PACKAGES
from fairing_kfp.preprocess.notebooks.document import PARAMETERS, Notebook, read_notebook
from fairing_kfp.preprocess.notebooks.magics import without_line_magics
from fairing_kfp.preprocess.notebooks.parameters import Parameter, read_parameters
from fairing_kfp.preprocess.notebooks.script import notebook_script
from fairing_kfp.preprocess.secrets.gate import refuse
from fairing_kfp.recipe.runtime_layer import notebook_runtime_files

_MODES = ("code", "full")
_CELLS = "code/notebook.ipynb"


def run(given: StepInputs) -> StepResult:
    """Packs the notebook; its cells are parsed, never run.

    Raises:
        ConfigError: not exactly one source is given, or the path or mode is malformed.
        ComponentError: the notebook is missing, or a parameter has a reserved name.
        PackError: the file is not a notebook, a cell is not Python, or a file cannot be packed.
        SecretError: a file or cell seems to contain a credential.
    """
    name, mode, tags = PREPROCESS_NOTEBOOK.name, given.values["mode"], given.values["tags"]
    if mode not in _MODES:
        raise ConfigError(f"{name}: mode={mode!r} is not a mode of notebooks", f"use {' or '.join(_MODES)}")
    if tags and mode == "full":
        raise ConfigError(f"{name}: tags select cells of the mode code", "tag cells that must not run `skip`")
    if given.values["outputs"] and mode == "code":
        raise ConfigError(f"{name}: outputs are recorded in the mode full", "write files at paths that are parameters")
    if given.values["shell"] and mode == "full":
        raise ConfigError(
            f"{name}: shell runs commands in the mode code", "the whole notebook runs its commands itself"
        )
    place = source_path(name, "notebook", given.values["notebook"], ".ipynb", "notebook")
    with source_folder(name, given, place) as root:
        path = source_file(name, root, place, "notebook")
        found = packed_files(root, given.values["exclude"], path, str(place.parent))
        del found[place.name]  # without outputs, which change, it is among the files below
        document = read_notebook(path)
        refuse(name, document.findings())
        if mode == "code":
            bundle = _code(document, found, tags, shell=given.values["shell"])
            return packed(given, bundle, f"the code of {place}", bundle.files, packages=[])
        bundle = full_bundle(document, found, given.values["outputs"])
    cells = [file for file in bundle.support if file.path == _CELLS]
    return packed(given, bundle, f"{place} in full", [*cells, *bundle.files], packages=list(PACKAGES))


def _code(document: Notebook, found: dict[str, Path], tags: Sequence[str], *, shell: bool) -> CodeBundle:
    """The notebook's cells as a script."""
    script = notebook_script(document, tags=tags, shell=shell)
    generated = {script.name: script.text.encode(), **script.files}
    files = [*read_files({place: one for place, one in found.items() if place not in generated})]
    files += [File(place, data) for place, data in generated.items()]
    return CodeBundle(
        document.path.stem,
        tuple(sorted(files, key=lambda file: file.path)),
        ("python3", "-u", f"/{WORKING}/{script.name}"),
        tuple(map(_described, script.parameters)),
    )


def full_bundle(document: Notebook, found: dict[str, Path], outputs: Mapping[str, Any]) -> CodeBundle:
    """The notebook, and the part of the runtime that executes it.

    Args:
        document: the notebook.
        found: the files of its folder, by their paths in the bundle.
        outputs: the types of what the notebook records, by name.

    Raises:
        ComponentError: its parameters cannot be read, or a parameter or output has a reserved name.
        PackError: the file violates the notebook format.
    """
    parameters = notebook_parameters(document)
    _check_outputs(document, outputs, parameters)
    options = [Option(one.name, READERS[one.type], one.required, one.help) for one in parameters]
    support = {f"runtime/{place}": data for place, data in notebook_runtime_files().items()}
    support[_CELLS] = document.stripped()
    support[PROGRAM] = notebook_program(document.name, options, outputs)
    return CodeBundle(
        document.path.stem,
        read_files(found),
        COMMAND,
        tuple(map(_described, parameters)),
        tuple(File(place, support[place]) for place in sorted(support)),
    )


def notebook_parameters(document: Notebook) -> tuple[Parameter, ...]:
    """The variables of the cell that is tagged `parameters`.

    Raises:
        ComponentError: they cannot be read, or one has a reserved name.
    """
    cell = next((cell for cell in document.select() if PARAMETERS in cell.tags), None)
    if cell is None:
        return ()
    try:
        parameters = read_parameters(without_line_magics(cell.source))
    except SyntaxError as error:
        raise ComponentError(
            f"the parameters cell {cell.number} of {document.name} is not valid Python: {error.msg}", "correct the cell"
        ) from error
    for one in parameters:
        if one.name in NOTEBOOK_NAMES:
            raise ComponentError(
                f"{document.name} has a parameter {one.name!r}, a name of an option of every notebook",
                "rename the variable",
            )
    return parameters


def _check_outputs(document: Notebook, outputs: Mapping[str, Any], parameters: Sequence[Parameter]) -> None:
    taken = {*NOTEBOOK_NAMES, *(one.name for one in parameters)}
    types = [one.__name__ for one in READERS]
    for name, kind in outputs.items():
        if not name.isidentifier() or name in taken:
            raise ConfigError(
                f"the output {name!r} of {document.name} is no free name", "use another name of a variable"
            )
        if kind not in types:
            raise ConfigError(
                f"the output {name} of {document.name} has the type {kind!r}", f"use one of {', '.join(types)}"
            )


def _described(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": f"--{parameter.name}",
        "type": parameter.type.__name__,
        "required": parameter.required,
        "default": parameter.default,
        "help": parameter.help,
    }


PREPROCESS_NOTEBOOK = ReusableComponent(
    name="preprocess-notebook",
    category="preprocessing",
    description="Packs a notebook and the files beside it into a bundle, as a script of its code or to run in full.",
    details=(
        f"The notebook is parsed, never run. {IGNORES} Its outputs are left out, so that running it does not change "
        "the digest. The files of the notebook's folder are packed, and are the folder that it runs in: "
        f"`/{WORKING}` in the image. The variables of the cell that is tagged `parameters` are arguments: "
        "`--name VALUE`, with lists, dicts and bools as JSON.\n\n"
        "In the mode `code`, the cells become a script, `NAME.ipynb.py`, without magics and shell commands; it needs "
        "no Jupyter. In the mode `full`, the bundle runs the whole notebook by papermill: "
        f"`{' '.join(COMMAND)} --report PATH` writes it as HTML, and `--notebook PATH` as a notebook. The step fails "
        "if a cell does; with `--status PATH` it succeeds, so that KFP keeps the report, and the file contains the "
        'failure. A value that the notebook records by `fairing_kfp.record("accuracy", 0.9)` is declared in the input '
        "`outputs`, and written to the path of `--accuracy`. The output `packages` lists what this mode requires, for "
        "the input `packages` of `append_image`."
    ),
    inputs=(
        Input("notebook", "str", "Path of the notebook in the source, such as `train.ipynb`."),
        Input("source", "artifact", "Folder with the notebook and its files, or the notebook alone.", optional=True),
        Input("text", "str", "Text of the notebook's file, instead of a source.", default=""),
        Input("mode", "str", "`code` (its cells as a script) or `full` (the whole notebook is executed).", "code"),
        Input("tags", "list", "Tags of the cells to use; all but those tagged `skip` by default.", default=[]),
        Input(
            "outputs",
            "dict",
            'Values that the notebook records in the mode `full`, with their types, such as `{"accuracy": "float"}`.',
            default={},
        ),
        Input("shell", "bool", "Whether the mode `code` runs `!commands`, except those that install packages.", False),
        EXCLUDE,
    ),
    outputs=(*OUTPUTS, Output("packages", "list", "Packages that the mode requires; none for `code`.")),
    run=run,
    example='''\
preprocess_notebook = load("preprocessing/preprocess_notebook")


@dsl.pipeline(name="preprocess-notebook-example")
def example(source: str = "s3://bucket/source"):
    """Packs the notebook train.ipynb of a folder, to run in full."""
    folder = dsl.importer(artifact_uri=source, artifact_class=dsl.Artifact)
    preprocess_notebook(notebook="train.ipynb", mode="full", source=folder.output)
''',
    tags=("preprocessing", "notebook", "packaging"),
)
