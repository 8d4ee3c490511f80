"""The same as pipeline.py, from the same images, with KServe for what serves in the end.

fairing-kfp compile samples/digits/by_kserve.py -o digits.yaml --registry registry.example.com/me
"""

from kfp import dsl
from pipeline import Digits, evaluate, load, predict, train

from fairing_kfp import serve


@dsl.pipeline(name="digits-by-kserve", description="Learns to read handwritten digits, and serves that by KServe.")
def digits(share: float = 0.25, depth: int = 10, trees: int = 100) -> float:
    scans = load(share=share)
    trained = train(scans=scans.outputs["train"], depth=depth, trees=trees)
    judged = evaluate(scans=scans.outputs["test"], model=trained.outputs["model"])
    model = trained.outputs["model"]
    served = serve(Digits, name="digits", model=model, target="kserve", sample=[[0] * 64]).after(judged)
    predict(scans=scans.outputs["test"], endpoint=served.outputs["endpoint"])
    return judged.outputs["Output"]
