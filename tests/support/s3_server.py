"""An S3-compatible store on this machine, which pods reach."""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Iterator

from tests.support.services import TESTBED

# Read when moto is imported: names of hosts are no names of buckets.
os.environ["S3_IGNORE_SUBDOMAIN_BUCKETNAME"] = "true"


@contextlib.contextmanager
def s3_server() -> Iterator[str]:
    """Runs a server for the block; its URL is the same here and in pods."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="0.0.0.0", port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        yield f"http://{TESTBED.partition(':')[0]}:{port}"
    finally:
        server.stop()
