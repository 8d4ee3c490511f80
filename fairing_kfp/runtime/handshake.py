"""Mutual authentication of a step and a node.

The step has a private number, and an annotation of the node's pod contains the matching public number. The node creates
a pair of its own. Both compute the same key from the own private and the other's public number (Diffie-Hellman), and
prove that they have it with a message authentication code over the nonces of both. So the private number of the step is
never sent, and a reader of the annotation can neither impersonate the step nor replay its messages.

Source: https://www.rfc-editor.org/rfc/rfc3526#section-3 (the group of 2048 bits)
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets

_PRIME = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED"
    "EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF0598DA48361C55D39A69163FA8FD24CF5F"
    "83655D23DCA3AD961C62F356208552BB9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B"
    "E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF6955817183995497CEA956AE515D2261898FA0510"
    "15728E5A8AACAA68FFFFFFFFFFFFFFFF",
    16,
)
_GENERATOR = 2
_SECRET_BITS = 256

HELLO = "/hello"
"""The path of the request that authenticates a connection."""

NODE, STEP = "node", "step"
"""The side that a proof is of."""


def new_nonce() -> str:
    """A random text that is used once."""
    return secrets.token_hex(16)


def new_secret() -> int:
    """A random private number."""
    return secrets.randbits(_SECRET_BITS) | 1 << _SECRET_BITS


def secret_of(token: str) -> int:
    """The private number that a token determines."""
    return int.from_bytes(hashlib.sha256(token.encode()).digest(), "big") | 1 << _SECRET_BITS


def public_of(secret: int) -> str:
    """The public number of a private number, in hexadecimal digits."""
    return format(pow(_GENERATOR, secret, _PRIME), "x")


def shared_key(secret: int, public: str) -> bytes:
    """The key that both sides compute.

    Args:
        secret: the own private number.
        public: the public number of the other side.

    Returns:
        32 bytes.

    Raises:
        ValueError: `public` is not a valid public number.
    """
    number = int(public, 16)
    if not 1 < number < _PRIME - 1:
        raise ValueError("invalid public number")
    return hashlib.sha256(format(pow(number, secret, _PRIME), "x").encode()).digest()


def proof(key: bytes, *words: object) -> str:
    """A message authentication code over words (HMAC-SHA256), in hexadecimal digits."""
    return hmac.new(key, json.dumps(words).encode(), hashlib.sha256).hexdigest()


def is_proof(given: str, key: bytes, *words: object) -> bool:
    """Whether a code is the proof of these words; the comparison takes constant time."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), proof(key, *words).encode())
