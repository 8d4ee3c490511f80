"""Which node of a job this is, and who the others are: for code that runs on several.

In a step whose image has not this package, the runtime stands in for it.
"""

from __future__ import annotations

from fairing_kfp.runtime.distributed import jax_arguments, lightgbm_parameters, nodes, peers, rank, shard

__all__ = ["jax_arguments", "lightgbm_parameters", "nodes", "peers", "rank", "shard"]
