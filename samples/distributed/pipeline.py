"""Two nodes learn together: the same function as a PyTorchJob and as a TrainJob, whose processes meet by gloo on CPUs.

fairing-kfp compile samples/distributed/pipeline.py:by_pytorchjob -o pytorchjob.yaml --registry registry.example.com/me
fairing-kfp compile samples/distributed/pipeline.py:by_trainjob -o trainjob.yaml --registry registry.example.com/me
"""

from kfp import dsl

from fairing_kfp import OUTPUT, fairing_component, mutators, pytorchjob, trainjob

TORCH = "pytorch/pytorch:2.8.0-cuda12.6-cudnn9-runtime"


@fairing_component(base_image=TORCH, provided=["torch==2.8.*"], python_version="3.11")
def train(epochs: int, model: dsl.Output[dsl.Model] = OUTPUT) -> float:
    """Fits a line to points of which every process has its own share."""
    import torch
    import torch.distributed as dist

    dist.init_process_group("gloo")
    rank, processes = dist.get_rank(), dist.get_world_size()
    points = torch.linspace(0, 1, 1000)[rank::processes]
    wanted = 3 * points + 1
    line = torch.zeros(2)
    for epoch in range(epochs):
        error = line[0] * points + line[1] - wanted
        slope = torch.stack([(error * points).mean(), error.mean()])
        dist.all_reduce(slope)
        line -= 0.5 * slope / processes
        if rank == 0 and epoch % 100 == 0:
            print(f"epoch {epoch}: y = {line[0]:.3f} x + {line[1]:.3f}")
    torch.save(line, model.path)
    model.metadata["processes"] = processes
    dist.destroy_process_group()
    return float(line[0])


@dsl.pipeline(name="line-by-pytorchjob")
def by_pytorchjob(epochs: int = 500) -> float:
    elsewhere = pytorchjob(train, nodes=2, mutators=[mutators.resources(cpu="500m", memory="1Gi")])
    return elsewhere(epochs=epochs).outputs["Output"]


@dsl.pipeline(name="line-by-trainjob")
def by_trainjob(epochs: int = 500) -> float:
    elsewhere = trainjob(train, nodes=2, framework="torch", mutators=[mutators.resources(cpu="500m", memory="1Gi")])
    return elsewhere(epochs=epochs).outputs["Output"]
