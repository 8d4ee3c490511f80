"""A pipeline whose steps in a loop get artifacts; one of them fails."""

from pathlib import Path

from kfp import dsl

from fairing_kfp import fairing_component


@fairing_component
def train(model: dsl.Output[dsl.Model], data: dsl.Output[dsl.Dataset]) -> None:
    Path(model.path).write_text("6")
    Path(data.path).mkdir()


@fairing_component
def evaluate(
    model: dsl.Input[dsl.Model],
    again: dsl.Input[dsl.Model],
    data: dsl.Input[dsl.Dataset],
    scores: dsl.Output[dsl.Metrics],
    depth: int,
    note: str,
    label: str = "all",
) -> float:
    from pathlib import Path

    files = len(list(Path(data.path).rglob("*.csv")))
    scores.log_metric("files", files)
    print(note, label, model.metadata["epochs"], model.path == again.path)
    return int(Path(model.path).read_text()) / depth


@dsl.pipeline
def replayed(owner: str = "ann"):
    trained = train()
    model, data = trained.outputs["model"], trained.outputs["data"]
    with dsl.ParallelFor([2, 0]) as depth:
        evaluate(model=model, again=model, data=data, depth=depth, note=f"of {owner}")
