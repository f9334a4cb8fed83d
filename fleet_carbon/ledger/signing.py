"""Sign keys, checkpoints and statements with Ed25519, as signed notes; `checker` says the form."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fleet_carbon.ledger import checker
from fleet_carbon.ledger.entries import ChainHead, moment_text


class SigningKey:
    """A private key; it shows itself nowhere but in `pem`.

    Attributes
    ----------
    raw : bytes
        The public key, 32 bytes.
    """

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.raw = private.public_key().public_bytes_raw()

    @classmethod
    def from_seed(cls, seed: bytes) -> SigningKey:
        """The key of 32 random bytes."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_pem(cls, pem: str) -> SigningKey:
        """The key of a PEM text (PKCS 8, not encrypted).

        Raises
        ------
        ValueError
            If it is none, or one of another kind.
        """
        try:
            private = serialization.load_pem_private_key(pem.encode(), password=None)
        except TypeError as encrypted:
            raise ValueError("the key is encrypted") from encrypted
        if not isinstance(private, Ed25519PrivateKey):
            raise ValueError("it is no Ed25519 key")
        return cls(private)

    @property
    def key_id(self) -> str:
        """Name of the public key for people."""
        return checker.key_id_of(self.raw)

    def pem(self) -> str:
        """The private key as PEM text: for a file that nobody else can read, and nowhere else."""
        return self._private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode()

    def signature_line(self, name: str, text: str) -> str:
        """The line of a signed note for a text that ends with a newline."""
        packed = checker.key_hash_of(name, self.raw) + self._private.sign(text.encode())
        return f"\u2014 {name} {base64.b64encode(packed).decode()}\n"


def ledger_name(fleet_id: str) -> str:
    """Name under which the keys of a fleet's ledger sign.

    Examples
    --------
    >>> ledger_name("default")
    'fleet-carbon/default'
    """
    return f"fleet-carbon/{fleet_id}"


def key_note(
    key: SigningKey,
    name: str,
    *,
    number: int,
    valid_from: datetime,
    endorsed_by: SigningKey | None,
    revokes: str = "",
) -> str:
    """A key as it stands on record: signed by itself, and by the one before it.

    Parameters
    ----------
    key : SigningKey
        The new one.
    name : str
        Of the ledger, see `ledger_name`.
    number : int
        Its place among the keys of the ledger, from 1.
    valid_from : datetime
        From when on it signs.
    endorsed_by : SigningKey or None
        The one before; None for the first, or if the one before is lost.
    revokes : str
        Identifier of the one before if it was stolen: nothing that it signed counts any more.
    """
    endorsed = endorsed_by.key_id if endorsed_by else "none"
    text = (
        f"{name} signing key\n{number}\n{base64.b64encode(key.raw).decode()}\n"
        f"from {moment_text(valid_from)}\nendorsed by {endorsed}\n"
        + (f"revokes {revokes}\n" if revokes else "")
    )
    return _signed(text, name, key, *([endorsed_by] if endorsed_by else []))


def checkpoint_note(
    key: SigningKey, name: str, *, head: ChainHead, root: bytes, made_at: datetime
) -> str:
    """What a ledger is at a moment: how many entries, their Merkle root, the newest hash."""
    text = (
        f"{name}\n{head.sequence}\n{base64.b64encode(root).decode()}\n"
        f"head {head.entry_hash}\nmade {moment_text(made_at)}\n"
    )
    return _signed(text, name, key)


def signed_statement(key: SigningKey, name: str, body: dict[str, Any]) -> dict[str, Any]:
    """The body with the note in which the key signs its format and the SHA-256 of its bytes."""
    digest = hashlib.sha256(checker.canonical(body)).hexdigest()
    return {**body, "signature": _signed(f"{body['format']}\n{digest}\n", name, key)}


def _signed(text: str, name: str, *keys: SigningKey) -> str:
    return f"{text}\n{''.join(key.signature_line(name, text) for key in keys)}"
