"""An example of the component fetch_source."""

from pathlib import Path

from kfp import dsl, kubernetes
from kfp.components import load_component_from_file

COMPONENTS = Path(__file__).resolve().parents[2]


def load(folder: str):
    """A component of a folder beside this one."""
    return load_component_from_file(str(COMPONENTS / folder / "component.yaml"))


fetch_source = load("preprocessing/fetch_source")
preprocess_script = load("preprocessing/preprocess_script")


@dsl.pipeline(name="fetch-source-example")
def example(git: str = "https://github.com/team/models.git", ref: str = "main"):
    """Packs the script train.py of a private repository."""
    fetched = fetch_source(git=git, ref=ref)
    fetched.set_caching_options(False)
    kubernetes.use_secret_as_volume(fetched, "git", "/etc/git")
    fetched.set_env_variable("GIT_CREDENTIALS", "/etc/git")
    preprocess_script(script="train.py", source=fetched.outputs["source"])
