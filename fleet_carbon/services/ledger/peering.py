"""Compare claims with other platforms: their keys, keys of pairs, lists of commitments.

A list says neither plates nor hours. Whoever checks one learns of its own trucks alone.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.ledger import checker, commitments, letters
from fleet_carbon.ledger.claims import Claim, ClaimRules, Interval, has_plate
from fleet_carbon.ledger.commitments import VehicleBucket
from fleet_carbon.ledger.entries import figure_parts
from fleet_carbon.ledger.signing import signed_statement
from fleet_carbon.periods import Month, parse_month
from fleet_carbon.quantification.editions import edition_in_force
from fleet_carbon.services.ledger.claiming import claim_rules
from fleet_carbon.services.ledger.signing import KeyRing
from fleet_carbon.settings import Settings
from fleet_carbon.statements import claims as wording
from fleet_carbon.statements.tables import write_whole
from fleet_carbon.storage.claims import ACCEPTED, Peer
from fleet_carbon.storage.files import write_secret
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage

_OTHERS = 0o077
_H_S = 3600
_PUBLIC_KEY = re.compile(r"[0-9a-f]{64}")
_FILLING_FILE = "claims-filling.key"


@dataclass(frozen=True)
class Told:
    """An answer: facts, and their text for people.

    Attributes
    ----------
    facts : dict
        JSON-ready.
    text : list of str
        Lines.
    is_well : bool
        False if a check failed.
    """

    facts: dict[str, Any]
    text: list[str]
    is_well: bool = True

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return self.facts

    def lines(self) -> list[str]:
        """The answer for people."""
        return self.text


def make_pair_key(path: Path) -> Told:
    """Make the secret key of a pair of platforms, in a file that only its owner can read.

    Raises
    ------
    InputRefused
        If the file is there already, or cannot be written.
    """
    key = secrets.token_bytes(commitments.KEY_BYTES)
    try:
        write_secret(path, _as_text(key))
    except OSError as failure:
        raise InputRefused(
            "key_file_not_written",
            f"{path} cannot be made: {failure.strerror}.",
            "Name a file that is not there yet: a key is never written over.",
        ) from failure
    facts = {"file": str(path), "pair": commitments.pair_id(key)}
    return Told(facts, wording.pair_key_lines(facts))


def add_peer(settings: Settings, peer: str, public_key: str) -> Told:
    """Keep the public key that signs for another platform; a later one replaces it.

    Parameters
    ----------
    settings : Settings
        Where the records are.
    peer : str
        Our name for it.
    public_key : str
        64 hexadecimal digits, as `ledger keys list --json` of the other side shows it.
    """
    wanted = public_key.strip().lower()
    if not peer.strip() or not _PUBLIC_KEY.fullmatch(wanted):
        raise InputRefused(
            "public_key_malformed",
            f"{public_key!r} is no public key: 64 hexadecimal digits are expected.",
            "Ask the other side for public_key of `fleet-carbon ledger keys list --json`.",
        )
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        known = work.claims.peers().get(peer)
        if known is None or known.public_key != wanted:
            work.claims.add_peer(Peer(peer, wanted, datetime.now(UTC)))
    return list_peers(settings)


def list_peers(settings: Settings) -> Told:
    """The peers, each with the key that counts."""
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        peers = work.claims.peers()
    facts = {
        "fleet_id": settings.fleet,
        "peers": [
            {
                "peer": one.peer,
                "public_key": one.public_key,
                "key_id": checker.key_id_of(bytes.fromhex(one.public_key)),
                "recorded_at": one.recorded_at.isoformat(timespec="milliseconds"),
            }
            for one in peers.values()
        ],
    }
    return Told(facts, wording.peer_lines(facts))


def public_key_of(work: UnitOfWork, peer: str) -> bytes:
    """The public key of a peer on record.

    Raises
    ------
    NotFound
        If there is none of that name.
    """
    found = work.claims.peers().get(peer)
    if found is None:
        raise NotFound(
            "peer_not_found",
            f"No platform is on record by the name {peer!r}.",
            "Put its key on record with `fleet-carbon claims peer NAME --public-key KEY`.",
        )
    return bytes.fromhex(found.public_key)


def publish(settings: Settings, month: str, *, peer: str, key_file: Path, output: Path) -> Told:
    """Write the commitments to a month's claims, for one peer.

    Parameters
    ----------
    settings : Settings
        Where the records and the signing key are.
    month : str
        YYYY-MM.
    peer : str
        For whom; must be on record.
    key_file : Path
        Key of the pair.
    output : Path
        The file; made anew it holds the same commitments if the claims are the same.
    """
    key, ring, now = _pair_key(key_file), KeyRing(settings), datetime.now(UTC)
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        wanted = parse_month(month, storage.zone)
        public_key_of(work, peer)
        rules = _rules(settings, wanted)
        mine = list(work.claims.of_month(str(wanted)))
        found = commitments.committed(
            key, str(wanted), (one.interval for one in mine), bucket_h=rules.bucket_h
        )
        pair = commitments.pair_id(key)
        secret = _filling_secret(settings)
        filled = commitments.padded(found, secret=secret, month=str(wanted), pair=pair)
        body = commitments.list_body(
            filled, name=ring.name, month=str(wanted), bucket_h=rules.bucket_h, pair=pair
        )
        document = signed_statement(ring.current(work, now), ring.name, body)
    write_json(document, output)
    facts = {
        "month": str(wanted),
        "peer": peer,
        "file": str(output),
        "pair": pair,
        "buckets": len(found),
        "commitments": len(filled),
        "trucks": len({one.interval.identity for one in mine if has_plate(one.interval.identity)}),
        "trucks_without_plate": len(
            {one.interval.identity for one in mine if not has_plate(one.interval.identity)}
        ),
    }
    return Told(facts, wording.publish_lines(facts))


def check(settings: Settings, file: Path, *, peer: str, key_file: Path) -> Told:
    """Name our trucks and hours that a peer's list claims, too.

    Parameters
    ----------
    settings : Settings
        Where the records are.
    file : Path
        The peer's list.
    peer : str
        Whose list it is; it must be signed by the key on record.
    key_file : Path
        Key of the pair.

    Raises
    ------
    InputRefused
        If the list cannot be read, is not signed by the peer, was made with another key or other
        buckets.
    """
    key, document = _pair_key(key_file), read_json(file)
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        refuse_unsigned(work, document, file, peer=peer, form=commitments.FORMAT)
        wanted = parse_month(str(document["month"]), storage.zone)
        rules = _rules(settings, wanted)
        _refuse_other_form(document, pair=commitments.pair_id(key), rules=rules)
        mine = list(work.claims.of_month(str(wanted)))
        accepted = [
            interval
            for letter in work.claims.letters(ACCEPTED)
            if letter.peer == peer
            for interval in letters.released_intervals(json.loads(letter.text))
        ]
    own = commitments.committed(
        key, str(wanted), (one.interval for one in mine), bucket_h=rules.bucket_h
    )
    released = commitments.committed(key, str(wanted), accepted, bucket_h=rules.bucket_h)
    common = own.keys() & set(document["commitments"])
    overlaps = _named((own[one] for one in common - released.keys()), mine, rules)
    facts = {
        "ok": not overlaps,
        "month": str(wanted),
        "peer": peer,
        "file": str(file),
        "own_buckets": len(own),
        "released_buckets": len(common & released.keys()),
        "overlapping_buckets": len(common - released.keys()),
        "overlaps": overlaps,
    }
    return Told(facts, wording.check_lines(facts), is_well=not overlaps)


def refuse_unsigned(
    work: UnitOfWork, document: dict[str, Any], file: Path, *, peer: str, form: str
) -> None:
    """Refuse a document that the key of a peer did not sign as it is.

    Raises
    ------
    InputRefused
        If so.
    """
    try:
        letters.check_signed(document, form=form, public_key=public_key_of(work, peer))
    except checker.NotProven as wrong:
        raise InputRefused(
            "not_signed_by_peer",
            f"{file} is not what {peer} signed: {wrong}.",
            "Nothing was kept. Ask for it again; if they have a new key, put it on record with "
            "`fleet-carbon claims peer NAME --public-key KEY`.",
        ) from wrong


def read_json(file: Path) -> dict[str, Any]:
    """The JSON object of a file.

    Raises
    ------
    InputRefused
        If it holds none.
    """
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as failure:
        raise InputRefused(
            "document_unreadable", f"{file} cannot be read: {failure}.", "Ask for it again."
        ) from failure
    if not isinstance(found, dict):
        raise InputRefused("document_unreadable", f"{file} is no JSON object.", "Ask for it again.")
    return found


def write_json(document: dict[str, Any], output: Path) -> None:
    """Write a document that others check."""
    text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    write_whole(text.encode(), output)


def _refuse_other_form(document: dict[str, Any], *, pair: str, rules: ClaimRules) -> None:
    """Lists of another key or other buckets have nothing in common with ours by construction."""
    if document["pair"] != pair:
        raise InputRefused(
            "pair_key_differs",
            f"The list was made with the key {document['pair']}, this one is {pair}.",
            "Both sides need the same key file.",
        )
    if document["bucket_h"] != rules.bucket_h:
        raise InputRefused(
            "buckets_differ",
            f"The list has buckets of {document['bucket_h']} h, ours are of {rules.bucket_h} h.",
            "Agree on one edition of the rules of claims, and publish again.",
        )


def _rules(settings: Settings, month: Month) -> ClaimRules:
    """Those of the edition that closes the month."""
    return claim_rules(edition_in_force(settings.models_dir, month.last_day))


def _named(
    found: Iterable[VehicleBucket], mine: list[Claim], rules: ClaimRules
) -> list[dict[str, str]]:
    """Our claims that lie in buckets which both sides claim, with what of them does."""
    step_s = rules.bucket_h * _H_S
    begins: dict[str, list[int]] = {}
    for identity, begin_s in sorted(found):
        begins.setdefault(identity, []).append(begin_s)
    rows = []
    for one in sorted(mine):
        touched = [
            begin_s
            for begin_s in begins.get(one.interval.identity, [])
            if begin_s < one.interval.until_s and begin_s + step_s > one.interval.from_s
        ]
        if touched:
            _, driver_id, vehicle_id = figure_parts(one.figure)
            rows.append(
                {
                    "driver_id": driver_id,
                    "vehicle_id": vehicle_id,
                    "truck": one.interval.identity,
                    **shown(Interval("", touched[0], touched[-1] + step_s)),
                }
            )
    return rows


def shown(interval: Interval) -> dict[str, str]:
    """The ends of an interval as text, UTC."""
    return {
        "from": datetime.fromtimestamp(interval.from_s, UTC).isoformat(),
        "until": datetime.fromtimestamp(interval.until_s, UTC).isoformat(),
    }


def _pair_key(path: Path) -> bytes:
    try:
        if path.stat().st_mode & _OTHERS:
            raise InputRefused(
                "key_file_exposed",
                f"The key of the pair in {path} can be read by others.",
                "Take their rights away with chmod 600; agree on a new key if it was read.",
            )
        return commitments.read_key(path.read_text(encoding="ascii"))
    except (OSError, ValueError) as failure:
        raise InputRefused(
            "key_file_unusable",
            f"The key of the pair cannot be read from {path}: {failure}.",
            "Make one with `fleet-carbon claims key -o FILE`, and give it to the other side.",
        ) from failure


def _filling_secret(settings: Settings) -> bytes:
    """What hides how long our lists are; made when it is first needed, and never given away."""
    path = settings.home.expanduser().absolute() / "keys" / _FILLING_FILE
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_secret(path, _as_text(secrets.token_bytes(commitments.KEY_BYTES)))
    return _pair_key(path)


def _as_text(secret: bytes) -> bytes:
    return f"{secret.hex()}\n".encode("ascii")
