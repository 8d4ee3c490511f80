"""`preprocess_script`: a Python script and the files beside it → a bundle."""

from __future__ import annotations

from fairing_kfp.components.code_bundle import CodeBundle
from fairing_kfp.components.declaration import Input, ReusableComponent, StepInputs, StepResult
from fairing_kfp.components.source import (
    EXCLUDE,
    IGNORES,
    OUTPUTS,
    described,
    packed,
    packed_files,
    source_file,
    source_folder,
    source_path,
)
from fairing_kfp.preprocess.arguments.read import read_arguments
from fairing_kfp.preprocess.files.read import read_files
from fairing_kfp.preprocess.image_paths import WORKING


def run(given: StepInputs) -> StepResult:
    """Packs the script; it is parsed, never imported or run.

    Raises:
        ConfigError: not exactly one source is given, or the script's path is malformed.
        ComponentError: the script is missing, or is not Python.
        PackError: a file cannot be packed.
        SecretError: a file seems to contain a credential.
    """
    name, script = PREPROCESS_SCRIPT.name, given.values["script"]
    place = source_path(name, "script", script, ".py", "Python file")
    with source_folder(name, given, place) as root:
        path = source_file(name, root, place, "script")
        read = read_arguments(path.read_bytes(), script)
        files = read_files(packed_files(root, given.values["exclude"], path))
    arguments = tuple(described(one) for one in (*read.arguments, *read.command_arguments))
    command = ("python3", "-u", f"/{WORKING}/{place}")
    return packed(given, CodeBundle(place.stem, files, command, arguments), script, files)


PREPROCESS_SCRIPT = ReusableComponent(
    name="preprocess-script",
    category="preprocessing",
    description="Packs a Python script and the files beside it into a bundle, which append-image makes an image of.",
    details=(
        f"The script is parsed, never imported or run. {IGNORES} `bundle.json` in the artifact lists the files with "
        "their digests, the command that runs the script, and the arguments that it reads from its command line. The "
        "script is run as on a command line: a later step passes the same arguments. In the image, the source is the "
        f"folder `/{WORKING}`."
    ),
    inputs=(
        Input("script", "str", "Path of the script in the source, such as `train.py`."),
        Input("source", "artifact", "Folder with the script and its files, or the script alone.", optional=True),
        Input("text", "str", "Text of the script, instead of a source.", default=""),
        EXCLUDE,
    ),
    outputs=OUTPUTS,
    run=run,
    example='''\
preprocess_script = load("preprocessing/preprocess_script")


@dsl.pipeline(name="preprocess-script-example")
def example(source: str = "s3://bucket/source"):
    """Packs the script train.py of a folder."""
    folder = dsl.importer(artifact_uri=source, artifact_class=dsl.Artifact)
    preprocess_script(script="train.py", source=folder.output)
''',
    tags=("preprocessing", "script", "packaging"),
)
