"""Steps whose packages are asked for in every way; they compute something with them."""

from kfp import dsl

from fairing_kfp import fairing_component


@fairing_component(packages=["ant==2.*", "bee<2"])
def pure() -> list:
    import ant
    import bee

    return [ant.version, bee.version]


@fairing_component(packages=["ant[more]"])
def extra() -> str:
    import cow

    return cow.version


@fairing_component(
    packages=["bee; python_version>='3.3'", "cow; sys_platform=='win32'", "dog; platform_machine=='x86_64'"]
)
def marker() -> list:
    from importlib.util import find_spec

    return [name for name in ("bee", "cow", "dog") if find_spec(name)]


@fairing_component(packages="requirements.txt")
def file() -> list:
    import ant
    import bee
    import cow

    return [ant.version, bee.version, cow.version]


@fairing_component(packages="hashes/requirements.txt")
def hashed() -> list:
    import ant
    import bee

    return [ant.version, bee.version]


@fairing_component(packages=["zoo-east", "zoo-west"])
def namespaces() -> list:
    import zoo.east
    import zoo.west

    return [zoo.east.animal, zoo.west.animal]


@fairing_component(packages=["caller"])
def script() -> str:
    import subprocess

    return subprocess.run(["call-me"], check=True, capture_output=True, text=True).stdout.strip()


@fairing_component(packages=["holder"])
def data() -> list:
    import importlib.metadata
    import importlib.resources

    inside = importlib.resources.files("holder").joinpath("table.txt").read_text()
    (beside,) = [file for file in importlib.metadata.files("holder") if file.name == "shared.txt"]
    return [inside, beside.read_text()]


@fairing_component(packages=["pathfinder"])
def pth() -> list:
    import os
    import subprocess
    import sys

    import hidden_by_pth

    child = subprocess.run(
        [sys.executable, "-c", "import hidden_by_pth as h; print(h.value)"], capture_output=True, text=True
    )
    return [hidden_by_pth.value, os.environ["SET_BY_PTH"], child.stdout.strip()]


@fairing_component(packages="environment")
def environment() -> list:
    import sys
    from importlib.metadata import distributions

    import local_only

    folder = "/opt/fairing/dependencies"
    return [
        local_only.version,
        sorted(d.metadata["Name"] for d in distributions(path=[folder])),
        "pytest" in sys.modules,
    ]


@fairing_component(packages="pyproject.toml", extras=["wild"], groups=["keepers"])
def project() -> list:
    from importlib.util import find_spec

    return [name for name in ("ant", "bee", "cow", "dog", "yak") if find_spec(name)]


@fairing_component(packages="locked/uv.lock", groups=["keepers"])
def locked() -> list:
    from importlib.metadata import distributions

    return sorted(f"{d.metadata['Name']} {d.version}" for d in distributions(path=["/opt/fairing/dependencies"]))


@fairing_component(packages=["fox"], provided=["gnu==1.0"])
def provided() -> list:
    from importlib.metadata import distributions

    return sorted(f"{d.metadata['Name']} {d.version}" for d in distributions(path=["/opt/fairing/dependencies"]))


@fairing_component(packages=["ibex"], build=True)
def built() -> str:
    import ibex

    return ibex.version


@fairing_component(packages=["yak"])
def yanked() -> str:
    import yak

    return yak.version


@fairing_component(packages=["yak==2.0"])
def yanked_on_purpose() -> str:
    import yak

    return yak.version


@fairing_component(packages=["newt"], libc="manylinux_2_34")
def newer_libc() -> str:
    import newt

    return newt.version


@fairing_component(packages=["gull==2.0+cu126", "flock"])
def cuda() -> list:
    import flock
    import gull

    return [gull.version, flock.version]


@fairing_component(packages="cuda/pyproject.toml")
def cuda_of_a_project() -> list:
    import colony
    import tern

    return [tern.version, colony.version]


@fairing_component(packages="cuda/uv.lock")
def cuda_of_a_lock() -> list:
    import colony
    import tern

    return [tern.version, colony.version]


@dsl.pipeline
def in_images():
    namespaces()
    script()
    data()
    pth()
    environment()
    locked()
    provided()
    newer_libc()
    cuda()


@dsl.pipeline
def here():
    pure()
    extra()
    marker()
    file()
    hashed()
    project()
    built()
    yanked()
    yanked_on_purpose()
    cuda_of_a_project()
    cuda_of_a_lock()


@fairing_component(packages=["owl"], libc="manylinux_2_40")
def too_new() -> str:
    import owl

    return owl.version


@fairing_component(packages=["puma"], libc="musllinux_1_2")
def musl() -> str:
    import puma

    return puma.version


@dsl.pipeline
def too_new_libc():
    too_new()


@dsl.pipeline
def musl_libc():
    musl()


@fairing_component(packages=["numpy", "scikit-learn==1.7.*", "caller"])
def science() -> list:
    import subprocess

    import numpy
    from sklearn.linear_model import LinearRegression

    said = subprocess.run(["call-me"], check=True, capture_output=True, text=True).stdout.strip()
    made = LinearRegression().fit(numpy.arange(4).reshape(-1, 1), numpy.arange(4) * 2.0)
    return [round(float(made.predict([[5]])[0]), 6), said]


@dsl.pipeline
def real():
    science()
