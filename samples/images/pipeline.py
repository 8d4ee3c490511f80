"""Trains a small convolutional network with PyTorch to tell circles, squares and triangles apart.

UV_TORCH_BACKEND=cpu fairing-kfp run samples/images/pipeline.py -p epochs=3

Without UV_TORCH_BACKEND, PyPI's wheel of torch comes with CUDA, which is several gigabytes.
"""

from typing import TYPE_CHECKING

from kfp import dsl

from fairing_kfp import OUTPUT, fairing_component

if TYPE_CHECKING:
    import torch

TORCH = ["torch==2.8.*", "numpy==2.*"]
SHAPES = ("circle", "square", "triangle")
SIZE = 16


@fairing_component(packages=TORCH)
def draw(count: int, seed: int, images: dsl.Output[dsl.Dataset] = OUTPUT) -> None:
    """Draws shapes of random size and place, with noise."""
    import torch

    torch.manual_seed(seed)
    kinds = torch.randint(len(SHAPES), (count,))
    radius = 3 + 3 * torch.rand(count, 1, 1)
    centre = SIZE / 2 + 3 * (torch.rand(count, 2, 1, 1) - 0.5)
    rows, columns = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    down, right = rows - centre[:, 0], columns - centre[:, 1]
    drawn = torch.stack(
        [
            down.square() + right.square() < radius.square(),
            torch.maximum(down.abs(), right.abs()) < radius,
            (down < radius) & (2 * right.abs() < down + radius),
        ]
    )[kinds, torch.arange(count)]
    torch.save((drawn.unsqueeze(1) + 0.3 * torch.randn(count, 1, SIZE, SIZE), kinds), images.path)


@fairing_component(packages=TORCH)
def train(images: dsl.Input[dsl.Dataset], epochs: int, rate: float, model: dsl.Output[dsl.Model] = OUTPUT) -> float:
    """Trains the network, and keeps its weights."""
    import torch
    from torch.nn.functional import cross_entropy

    torch.manual_seed(0)
    pixels, kinds = torch.load(images.path)
    net = network()
    optimizer = torch.optim.Adam(net.parameters(), lr=rate)
    loss = torch.zeros(())
    for epoch in range(epochs):
        for batch in torch.randperm(len(kinds)).split(32):
            loss = cross_entropy(net(pixels[batch]), kinds[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch + 1}: loss {loss:.3f}")
    torch.save(net.state_dict(), model.path)
    return loss.item()


@fairing_component(packages=TORCH)
def evaluate(
    images: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    confusion: dsl.Output[dsl.ClassificationMetrics] = OUTPUT,
) -> float:
    """Judges the network by images that it has not seen."""
    import torch

    net = network()
    net.load_state_dict(torch.load(model.path))
    pixels, kinds = torch.load(images.path)
    with torch.no_grad():
        guesses = net(pixels).argmax(1)
    matrix = torch.zeros(len(SHAPES), len(SHAPES), dtype=torch.int64)
    matrix.index_put_((kinds, guesses), torch.ones_like(kinds), accumulate=True)
    confusion.log_confusion_matrix(list(SHAPES), matrix.tolist())
    return float((guesses == kinds).float().mean())


def network() -> "torch.nn.Module":
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(16 * (SIZE // 4) ** 2, len(SHAPES)),
    )


@dsl.pipeline(name="shapes", description="Tells circles, squares and triangles apart.")
def shapes(epochs: int = 5, rate: float = 0.01) -> float:
    known, unknown = draw(count=600, seed=1), draw(count=200, seed=2)
    trained = train(images=known.outputs["images"], epochs=epochs, rate=rate)
    return evaluate(images=unknown.outputs["images"], model=trained.outputs["model"]).outputs["Output"]
