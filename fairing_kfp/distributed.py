"""The rank and the peers of a node, for code that runs on several nodes of a job.

In images without this package, the runtime layer provides the same module.
"""

from __future__ import annotations

from fairing_kfp.runtime.distributed import jax_arguments, lightgbm_parameters, nodes, peers, rank, shard

__all__ = ["jax_arguments", "lightgbm_parameters", "nodes", "peers", "rank", "shard"]
