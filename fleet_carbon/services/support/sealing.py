"""Secrets of others at rest: encrypted by a key that lies beside the records, never in them.

Who reads the database or a backup of it alone can do nothing with what is sealed. What is sealed
is bound to what it belongs to: it opens under no other name.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fleet_carbon.errors import FleetCarbonError, InputRefused
from fleet_carbon.settings import Settings
from fleet_carbon.storage.files import write_secret

_KEY_BYTES, _NONCE_BYTES = 32, 12
_FILE_NAME = "webhooks.key"


class Seal:
    """Seals texts and opens them again.

    Parameters
    ----------
    settings : Settings
        `webhook_key`; without it a key is made in the home when it is first needed.

    Raises
    ------
    InputRefused
        ``webhook_key_malformed``.
    """

    def __init__(self, settings: Settings) -> None:
        given = settings.webhook_key
        self._folder = settings.home.expanduser().absolute() / "keys"
        self._cipher = AESGCM(_read(given.get_secret_value()) if given else self._on_file())

    def close(self, text: str, name: str) -> str:
        """A text, sealed; `name` says what it belongs to."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, text.encode(), name.encode())
        return base64.b64encode(nonce + sealed).decode()

    def open(self, sealed: str, name: str) -> str:
        """The text that was sealed under a name.

        Raises
        ------
        FleetCarbonError
            ``webhook_secret_unreadable`` if it was sealed by another key.
        """
        held = base64.b64decode(sealed)
        nonce, rest = held[:_NONCE_BYTES], held[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, rest, name.encode()).decode()
        except InvalidTag as other:
            raise FleetCarbonError(
                "webhook_secret_unreadable",
                "The secret of a webhook was encrypted by another key than the one at hand.",
                "Restore keys/webhooks.key of the home or set FLEET_CARBON_WEBHOOK_KEY; else "
                "rotate the secret of the endpoint.",
            ) from other

    def _on_file(self) -> bytes:
        path = self._folder / _FILE_NAME
        if not path.exists():
            _make(path)
        return _read(path.read_text(encoding="ascii"))


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Written aside and put in place whole: two processes may need it at the same moment.
    aside = path.with_name(f"{path.name}.{secrets.token_hex(6)}")
    write_secret(aside, base64.b64encode(secrets.token_bytes(_KEY_BYTES)))
    try:
        path.hardlink_to(aside)
    except FileExistsError:
        pass
    finally:
        aside.unlink()


def _read(text: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (ValueError, binascii.Error):
        key = b""
    if len(key) != _KEY_BYTES:
        raise InputRefused(
            "webhook_key_malformed",
            "FLEET_CARBON_WEBHOOK_KEY is not 32 bytes in base64.",
            "Make one with `openssl rand -base64 32`.",
        )
    return key
