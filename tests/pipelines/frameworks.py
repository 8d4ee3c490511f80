"""Components whose nodes find each other, each by its framework's means."""

from kfp import dsl

from fairing_kfp import distributed, fairing_component, job, pytorchjob, tfjob, trainjob
from fairing_kfp.cluster.mutators import composed, environment, mount_config_map

GOMP = "gomp"  # the config map that holds GNU's OpenMP library, which LightGBM's wheel expects in its image
with_gomp = composed(mount_config_map(GOMP, "/opt/gomp"), environment({"LD_LIBRARY_PATH": "/opt/gomp"}))


@fairing_component(modules=["torch"])
def meet(model: dsl.Output[dsl.Model]) -> str:
    """Says which process it is; torchrun has met the other nodes before."""
    import os
    import pathlib

    told = " ".join(os.environ[name] for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR"))
    os.write(1, f"process {told}\n".encode())  # in one piece, as two processes write at once
    pathlib.Path(model.path).write_text(told)
    return told


@fairing_component
def tell(name: str) -> str:
    """Gives a variable."""
    import os

    value = os.environ.get(name, "")
    print(f"node {distributed.rank()} of {distributed.nodes()}: {value}", flush=True)
    return value


@fairing_component(packages=["lightgbm==4.*"])
def boost(rows: int) -> float:
    """Learns a line from rows of which every node has its share; gives the error over all rows."""
    import hashlib

    import lightgbm
    import numpy

    numbers = numpy.random.default_rng(0)
    features = numbers.normal(size=(rows, 4))
    label = features @ [1.0, -2.0, 0.5, 0.0]
    parameters = {"objective": "regression", "num_threads": 1, "verbosity": 1, "deterministic": True}
    mine = lightgbm.Dataset(distributed.shard(features), distributed.shard(label))
    booster = lightgbm.train({**parameters, **distributed.lightgbm_parameters()}, mine, num_boost_round=30)
    trees = booster.model_to_string().partition("parameters:")[0]
    print("trees", hashlib.sha256(trees.encode()).hexdigest(), "from", len(distributed.shard(label)), flush=True)
    return float(numpy.mean((booster.predict(features) - label) ** 2) / label.var())


@dsl.pipeline
def met():
    trainjob(meet, nodes=2, processes=2, framework="torch", logs="all")()
    pytorchjob(meet, nodes=2, logs="all")()


@dsl.pipeline
def told():
    tfjob(tell, nodes=2, logs="all")(name="TF_CONFIG")
    job(tell, nodes=2, framework="jax", logs="all")(name="JAX_COORDINATOR_ADDRESS")


@dsl.pipeline
def boosted():
    job(boost, nodes=2, framework="lightgbm", mutators=[with_gomp], logs="all")(rows=2000)
    job(boost, framework="lightgbm", mutators=[with_gomp])(rows=2000)
