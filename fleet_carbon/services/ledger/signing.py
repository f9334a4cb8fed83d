"""The key that signs a ledger: made when it is first needed, kept beside the records, rotated.

A private key is in the settings or in a file of the home that only its owner can read; never in
the database, a log or an answer. What is on record are the public keys, each with the moment from
which it signs, and signed by the one before it.
"""

from __future__ import annotations

import secrets
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fleet_carbon.errors import FleetCarbonError, InputRefused
from fleet_carbon.ledger import checker
from fleet_carbon.ledger.checker import PublicKey
from fleet_carbon.ledger.signing import (
    SigningKey,
    checkpoint_note,
    key_note,
    ledger_name,
)
from fleet_carbon.settings import Settings
from fleet_carbon.statements import proofs as wording
from fleet_carbon.storage.files import write_secret
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage

_OTHERS = 0o077
_MS = timedelta(milliseconds=1)


@dataclass(frozen=True)
class KeyList:
    """The public keys of a ledger, the newest last, and the signed notes that say so."""

    fleet_id: str
    keys: list[PublicKey]
    notes: list[str]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "fleet_id": self.fleet_id,
            "keys": [
                {
                    "key_id": key.key_id,
                    "public_key": key.raw.hex(),
                    "valid_from": key.valid_from,
                    "valid_until": key.valid_until,
                    "endorsed": key.is_endorsed,
                    "revoked": key.is_revoked,
                }
                for key in self.keys
            ],
            "notes": self.notes,
        }

    def lines(self) -> list[str]:
        """The list for people."""
        return wording.key_lines(self.as_dict())


class KeyRing:
    """The private keys at hand: the one of the settings, and those in the home.

    Parameters
    ----------
    settings : Settings
        `signing_key`, `home`, `fleet`.
    """

    def __init__(self, settings: Settings) -> None:
        self._given = settings.signing_key
        self._folder = settings.home.expanduser().absolute() / "keys"
        self.name = ledger_name(settings.fleet)

    def current(self, work: UnitOfWork, now: datetime) -> SigningKey:
        """The key in force; on first need one is made and put on record.

        Raises
        ------
        FleetCarbonError
            If the private key is not at hand, or others may read its file.
        """
        notes = work.checkpoints.keys()
        if not notes:
            key = self._given_key() or self._made()
            work.checkpoints.add_key(
                key_note(key, self.name, number=1, valid_from=now, endorsed_by=None)
            )
            return key
        return self._at_hand(self.on_record(work)[-1].key_id)

    def on_record(self, work: UnitOfWork) -> list[PublicKey]:
        """The public keys, checked.

        Raises
        ------
        FleetCarbonError
            If they do not hold.
        """
        try:
            return checker.read_keys(work.checkpoints.keys(), self.name)
        except checker.NotProven as wrong:
            raise FleetCarbonError(
                "signing_keys_broken",
                f"The keys on record do not hold: {wrong}.",
                "Restore the database from a backup; nothing is signed until then.",
            ) from wrong

    def rotate(self, work: UnitOfWork, now: datetime, *, is_lost: bool, is_stolen: bool) -> None:
        """Put the next key on record, signed by the one before it unless that is lost or stolen.

        A key that was stolen is revoked, and the ledger signed anew by the next one.
        """
        known = self.on_record(work)
        if not known:
            self.current(work, now)
            return
        before = None if is_lost or is_stolen else self._at_hand(known[-1].key_id)
        given = self._given_key()
        is_new = given is not None and given.key_id not in {key.key_id for key in known}
        key = given if given is not None and is_new else self._made()
        newest = datetime.fromisoformat(self._newest_moment(work, known))
        note = key_note(
            key,
            self.name,
            number=len(known) + 1,
            valid_from=max(now, newest + _MS),
            endorsed_by=before,
            revokes=known[-1].key_id if is_stolen else "",
        )
        work.checkpoints.add_key(note)
        if is_stolen:
            checkpoint(work, self, now, is_forced=True)

    def is_at_hand(self, work: UnitOfWork) -> bool:
        """Whether the private key in force is here; it is not after another's ledger came in."""
        try:
            self._at_hand(self.on_record(work)[-1].key_id)
        except FleetCarbonError as missing:
            if missing.code != "signing_key_missing":
                raise
            return False
        return True

    def _newest_moment(self, work: UnitOfWork, known: list[PublicKey]) -> str:
        """When something was signed last: a key that began before would be taken for its own."""
        newest = work.checkpoints.newest()
        if newest is None:
            return known[-1].valid_from
        made_at = checker.read_checkpoint(newest.note, self.name, known).made_at
        return max(made_at, known[-1].valid_from)

    def _at_hand(self, key_id: str) -> SigningKey:
        given = self._given_key()
        if given is not None and given.key_id == key_id:
            return given
        path = self._folder / f"{key_id}.pem"
        try:
            if path.stat().st_mode & _OTHERS:
                raise InputRefused(
                    "signing_key_exposed",
                    f"The signing key {path} can be read by others.",
                    "Take their rights away with chmod 600, and rotate the key if it was read.",
                )
            return SigningKey.from_pem(path.read_text(encoding="ascii"))
        except (OSError, ValueError) as failure:
            raise FleetCarbonError(
                "signing_key_missing",
                f"The private key {key_id} that signs this ledger is not at {path}.",
                "Restore the file or set FLEET_CARBON_SIGNING_KEY. If the key is lost, put a new "
                "one on record with `fleet-carbon ledger keys rotate --lost`.",
            ) from failure

    def _given_key(self) -> SigningKey | None:
        if self._given is None:
            return None
        try:
            return SigningKey.from_pem(self._given.get_secret_value())
        except ValueError as wrong:
            raise InputRefused(
                "signing_key_malformed",
                "FLEET_CARBON_SIGNING_KEY is no Ed25519 key in PEM, without a password.",
                "Make one with `openssl genpkey -algorithm ed25519`.",
            ) from wrong

    def _made(self) -> SigningKey:
        key = SigningKey.from_seed(secrets.token_bytes(32))
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{key.key_id}.pem"
        write_secret(path, key.pem().encode("ascii"))
        return key


def checkpoint(work: UnitOfWork, ring: KeyRing, now: datetime, *, is_forced: bool = False) -> bool:
    """Sign what the ledger is now, unless it was signed as it is; says whether it was.

    Parameters
    ----------
    work : UnitOfWork
        That the entries are put on record in: both are kept, or none.
    ring : KeyRing
        Whose key signs.
    now : datetime
        Moment of signing, aware.
    is_forced : bool
        True to sign what was signed already, by a key that counts no more.

    Raises
    ------
    FleetCarbonError
        If the private key is not at hand.
    """
    head, newest = work.ledger.head(), work.checkpoints.newest()
    is_signed = head.sequence == (newest.entries_count if newest else 0)
    if not head.sequence or (is_signed and not is_forced):
        return False
    key = ring.current(work, now)
    since = datetime.fromisoformat(ring.on_record(work)[-1].valid_from)
    work.checkpoints.grow_tiles(head.sequence)
    root = work.checkpoints.tree(head.sequence).root
    # A clock that was set back must not make a checkpoint older than its key.
    note = checkpoint_note(key, ring.name, head=head, root=root, made_at=max(now, since))
    work.checkpoints.add(note, entries_count=head.sequence)
    return True


@dataclass(frozen=True)
class Signed:
    """What became of a wish to sign the ledger."""

    fleet_id: str
    is_new: bool
    checkpoint: str

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"fleet_id": self.fleet_id, "new": self.is_new, "checkpoint": self.checkpoint}

    def lines(self) -> list[str]:
        """The checkpoint for people, as it may be published."""
        return self.checkpoint.splitlines() or [f"The ledger of {self.fleet_id} is empty."]


def sign_ledger(settings: Settings) -> Signed:
    """Sign what the ledger is now, as a close does."""
    ring, now = KeyRing(settings), datetime.now(UTC)
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        is_new = checkpoint(work, ring, now)
        newest = work.checkpoints.newest()
        return Signed(storage.fleet_id, is_new, newest.note if newest else "")


def list_keys(settings: Settings) -> KeyList:
    """The public keys of the fleet's ledger."""
    ring = KeyRing(settings)
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        return KeyList(storage.fleet_id, ring.on_record(work), work.checkpoints.keys())


def rotate_keys(settings: Settings, *, is_lost: bool = False, is_stolen: bool = False) -> KeyList:
    """Put the next key on record.

    Parameters
    ----------
    settings : Settings
        Where the records are; a new `signing_key` of it is taken, else one is made in the home.
    is_lost : bool
        True if the key before is lost: nothing vouches for the new one then.
    is_stolen : bool
        True if somebody else has the key before: it is revoked, with all that it signed.
    """
    ring, now = KeyRing(settings), datetime.now(UTC)
    with closing(open_storage(settings)) as storage:
        with storage.begin() as work:
            ring.rotate(work, now, is_lost=is_lost, is_stolen=is_stolen)
        with storage.begin(read_only=True) as work:
            return KeyList(storage.fleet_id, ring.on_record(work), work.checkpoints.keys())
