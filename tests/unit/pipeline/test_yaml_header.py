"""The comments of a compiled pipeline, and that its YAML can be read whatever they contain."""

from pathlib import Path

import pytest
import yaml
from kfp import compiler, dsl

from fairing_kfp.errors import PipelineError
from fairing_kfp.pipeline.trace import trace
from tests.support.small_pipelines import names_an_image, two

DEFAULTS = [
    "one\ntwo: three",
    "one\r\ntwo: three",
    "\n---\nother: document",
    "one\n# two",
    "a # comment",
    "next\x85line\u2028separator\u2029and\x0bmore\x0c",
    "\x00\x1b[31m",
    'it\'s "quoted" \\n',
    "{{$.inputs}} %YAML",
    "é ✔ 漢",
]


def with_default(text: str):
    @dsl.pipeline(name="texts", description=f"About {text}")
    def texts(text: str = text, options: dict = {"text": text}, items: list = [text]):  # noqa: B006 - as authors write
        two(image=text)

    return texts


@pytest.mark.parametrize("text", DEFAULTS, ids=range(len(DEFAULTS)))
def test_any_default_is_kept(text: str) -> None:
    specification = trace(with_default(text)).specification
    written = specification.text()
    document = yaml.safe_load(written)
    parameters = document["root"]["inputDefinitions"]["parameters"]

    specification.check_text(written)
    assert parameters["text"]["defaultValue"] == text
    assert parameters["options"]["defaultValue"] == {"text": text}
    assert parameters["items"]["defaultValue"] == [text]
    assert all(line.startswith("#") for line in written.partition("components:")[0].splitlines())


def test_ordinary_comments_are_those_of_kfp(tmp_path: Path) -> None:
    @dsl.pipeline(name="ordinary", description="Two lines\n  of text.")
    def ordinary(
        b: str = "x",
        a: int = 3,
        a1: float = 0.5,
        items: list = [1],  # noqa: B006 - as authors write
        data: dsl.Input[dsl.Dataset] = None,
    ) -> str:
        return two(image=b).output

    for pipeline in (ordinary, names_an_image):
        compiler.Compiler().compile(pipeline, str(tmp_path / "kfp.yaml"))
        lines = (tmp_path / "kfp.yaml").read_text().splitlines(keepends=True)
        assert trace(pipeline).specification.header == "".join(line for line in lines if line.startswith("#"))


@pytest.mark.parametrize("change", ["{", "components: [\n", "a: b\n", "---\n---\nx: y\n"])
def test_yaml_that_cannot_be_read_is_an_error(change: str) -> None:
    specification = trace(names_an_image).specification

    with pytest.raises(PipelineError, match="the YAML of names-an-image cannot be read again"):
        specification.check_text(change + specification.text())
