"""Connections to nodes, on which both sides first show who they are; see `fairing_kfp.runtime.handshake`."""

from __future__ import annotations

import json
from http.client import HTTPConnection as PlainConnection
from typing import Any

import urllib3

from fairing_kfp.runtime import handshake

_LONGEST_ANSWER = 4096  # bytes


class UnknownTokenError(Exception):
    """The node does not know this step, or does not know it yet."""


class NodeConnection(urllib3.connection.HTTPConnection):
    """A connection that greets the node, and signs each request with the key that both agreed on.

    Args:
        token: token of the step.
        arguments: see `urllib3.connection.HTTPConnection`.
    """

    def __init__(self, *arguments: Any, token: str, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._token = token
        self._key = b""
        self._nonces: tuple[str, str] = ("", "")
        self._count = 0

    def connect(self) -> None:
        """Connects, and greets the node.

        Raises:
            UnknownTokenError: the node does not know this step.
        """
        super().connect()
        nonce = handshake.new_nonce()
        PlainConnection.request(self, "POST", handshake.HELLO, body=nonce.encode())
        response = PlainConnection.getresponse(self)
        data = response.read(_LONGEST_ANSWER)
        if response.status != 200:
            raise UnknownTokenError(data.decode(errors="replace"))
        try:
            answer = json.loads(data)
            self._key = handshake.shared_key(handshake.secret_of(self._token), answer["public"])
            self._nonces = (nonce, str(answer["nonce"]))
            proven = handshake.is_proof(str(answer["proof"]), self._key, handshake.NODE, *self._nonces)
        except (KeyError, TypeError, ValueError) as error:
            raise UnknownTokenError(f"its greeting is malformed: {error!r}") from error
        if not proven:
            raise UnknownTokenError("it does not prove that it knows this step")
        self._count = 0

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **options: Any) -> None:
        """Sends a signed request."""
        if self.sock is None:
            self.connect()
        self._count += 1
        signed = handshake.proof(self._key, handshake.STEP, *self._nonces, self._count, method, url)
        super().request(method, url, body=body, headers={**(headers or {}), "Authorization": signed}, **options)


class NodePool(urllib3.HTTPConnectionPool):
    """Connections to one node; `token` is that of the step."""

    ConnectionCls = NodeConnection
