"""Trains where the hardware is: the same function is a step of a run here, and a Job of Kubernetes on KFP.

fairing-kfp run samples/job/pipeline.py -p depth=8
fairing-kfp compile samples/job/pipeline.py -o job.yaml --registry registry.example.com/me
"""

import pickle
from pathlib import Path

from kfp import dsl

from fairing_kfp import OUTPUT, fairing_component, job, mutators

SKLEARN = ["scikit-learn==1.7.*"]


@fairing_component(packages=SKLEARN)
def load(scans: dsl.Output[dsl.Dataset] = OUTPUT) -> int:
    """Keeps the handwritten digits that scikit-learn brings."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    Path(scans.path).write_bytes(pickle.dumps((digits.data, digits.target)))
    return len(digits.target)


@fairing_component(packages=SKLEARN)
def train(scans: dsl.Input[dsl.Dataset], depth: int, model: dsl.Output[dsl.Model] = OUTPUT) -> float:
    """Learns a random forest, and judges it by scans that it has not seen."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import train_test_split

    pixels, digits = pickle.loads(Path(scans.path).read_bytes())
    known, unknown, known_digits, unknown_digits = train_test_split(pixels, digits, random_state=0)
    forest = RandomForestClassifier(max_depth=depth, random_state=0).fit(known, known_digits)
    Path(model.path).write_bytes(pickle.dumps(forest))
    accuracy = float(forest.score(unknown, unknown_digits))
    print(f"learned from {len(known)} scans, reads {accuracy:.1%} of {len(unknown)} others rightly")
    return accuracy


@dsl.pipeline(name="digits-by-job")
def digits(depth: int = 10) -> float:
    scans = load()
    elsewhere = job(
        train, mutators=[mutators.resources(cpu="500m", memory="512Mi"), mutators.non_root(65532)], deadline=3600
    )
    trained = elsewhere(scans=scans.outputs["scans"], depth=depth)
    trained.set_cpu_limit("2")  # KFP hands on to the job what it lets one set of a task
    return trained.outputs["Output"]
