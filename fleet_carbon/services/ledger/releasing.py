"""Move a claim to another platform: cancel its grams, sign a letter; accept such a letter.

What is moved is a figure: the credit of a driver, truck and month with all its intervals. A saving
is that of a month against its counterfactual, so that no part of it belongs to some hours.
"""

from __future__ import annotations

import json
from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.ledger import checker, letters, posting
from fleet_carbon.ledger.balances import Standing
from fleet_carbon.ledger.entries import Entry, figure_name
from fleet_carbon.ledger.settlement import act_name
from fleet_carbon.ledger.signing import signed_statement
from fleet_carbon.periods import parse_month
from fleet_carbon.quantification.editions import edition_in_force
from fleet_carbon.services.ledger import peering
from fleet_carbon.services.ledger.acting import ON_RECORD, POSTED, Doing, Posted, begun
from fleet_carbon.services.ledger.claiming import claim_rules, identities_of
from fleet_carbon.services.ledger.issuing import stock_of
from fleet_carbon.services.ledger.peering import Told
from fleet_carbon.services.ledger.sharing import sharing_in_force
from fleet_carbon.services.ledger.signing import KeyRing
from fleet_carbon.services.support.progress import Progress
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements import claims as wording
from fleet_carbon.storage.claims import ACCEPTED, SENT, Letter
from fleet_carbon.storage.unit_of_work import open_storage


@dataclass(frozen=True)
class Release:
    """A release as a user wants it.

    Attributes
    ----------
    client_id : str
        Id that the sender gives; the act is done once.
    driver_id, vehicle_id, month : str
        The figure.
    peer : str
        Platform on record that is to have it.
    """

    client_id: str
    driver_id: str
    vehicle_id: str
    month: str
    peer: str

    @property
    def figure(self) -> str:
        """Name of the figure in the ledger."""
        return figure_name(self.month, self.driver_id, self.vehicle_id)


def release(
    settings: Settings, wanted: Release, *, is_dry_run: bool, progress: Progress, output: Path
) -> Posted:
    """Cancel the grams of a figure, let go of its claims, and write the letter that says so.

    What was sold, retired or given away already is cancelled in the buffer; what no buffer holds
    is an open obligation of the operator. Sent again, nothing is posted and the letter is written
    as it was.

    Parameters
    ----------
    settings : Settings
        Where the records and the signing key are.
    wanted : Release
        The act.
    is_dry_run : bool
        True to see the entries, and post nothing and write no letter.
    progress : Progress
        Told of what takes long.
    output : Path
        File of the letter.

    Raises
    ------
    NotFound
        If the peer is not on record, or the figure is not issued.
    LedgerBroken
        If another act has the id.
    """
    ring = KeyRing(settings)
    with begun(
        settings,
        act_name("release", wanted.client_id),
        reason_code=posting.CLAIM_RELEASED,
        request=asdict(wanted),
        is_dry_run=is_dry_run,
        progress=progress,
        note=wanted.peer,
    ) as doing:
        if doing.is_on_record:
            posted = doing.post(lambda: iter(()), asdict(wanted))
        else:
            posted = _released(doing, wanted, settings, ring)
        letter = _letter_of(doing)
    if not is_dry_run or posted.outcome == ON_RECORD:
        peering.write_json(letter, output)
    return posted


def _released(doing: Doing, wanted: Release, settings: Settings, ring: KeyRing) -> Posted:
    work, month = doing.work, parse_month(wanted.month, doing.storage.zone)
    receiver = checker.key_id_of(peering.public_key_of(work, wanted.peer))
    pair = (wanted.driver_id, wanted.vehicle_id)
    standings = work.ledger.standings(wanted.month, figure=wanted.figure)
    released_g = standings.get(pair, Standing()).figure_g
    if not released_g:
        raise NotFound(
            "figure_not_issued",
            f"Nothing is credited to {wanted.driver_id!r} with {wanted.vehicle_id!r} in "
            f"{wanted.month}, so there is nothing to release.",
            "See `fleet-carbon claims list MONTH`.",
        )
    rule = sharing_in_force(settings.models_dir, month.last_day)
    of_act = posting.MonthPosting(
        month=wanted.month,
        edition=latest_run(work, wanted.month).edition_label,
        run_id="",
        recorded_at=doing.act.recorded_at,
        evidence=doing.act.evidence | {"sharing": rule.digest},
        rule=rule,
        released_by=doing.act.transaction_id,
    )
    stock = stock_of(work, wanted.month, posting.needed({}, standings, rule))
    entries = list(posting.post_month({}, standings, of_act, stock=stock))
    facts = asdict(wanted) | {"released_g": released_g} | _borne(entries)
    facts["notice"] = " ".join(wording.released_lines(facts))
    posted = doing.post(lambda: iter(entries), facts)
    if posted.outcome == POSTED:
        claimed = [
            one.interval
            for one in work.claims.of_month(wanted.month)
            if one.figure == wanted.figure
        ]
        body = letters.letter_body(
            claimed,
            name=ring.name,
            receiver_key_id=receiver,
            month=wanted.month,
            transaction_id=doing.act.transaction_id,
            released_g=released_g,
            released_at=doing.act.recorded_at,
        )
        _keep(
            doing, wanted, signed_statement(ring.current(work, datetime.now(UTC)), ring.name, body)
        )
    return posted


def _borne(entries: list[Entry]) -> dict[str, int]:
    """What was not held any more, and who bears it. [g]"""
    amounts: Counter[str] = Counter()
    for one in entries:
        amounts[one.reason_code] += one.amount
    return {
        "reversed_from_buffer_g": amounts[posting.REVERSAL_FROM_BUFFER],
        "obligation_opened_g": amounts[posting.OBLIGATION_OPEN],
    }


def _keep(doing: Doing, wanted: Release, letter: dict[str, Any]) -> None:
    letter_id = letters.letter_id_of(letter)
    doing.work.claims.release(wanted.figure, letter_id)
    kept = Letter(
        letter_id=letter_id,
        transaction_id=doing.act.transaction_id,
        peer=wanted.peer,
        text=json.dumps(letter, ensure_ascii=False, sort_keys=True),
        recorded_at=doing.act.recorded_at,
    )
    doing.work.claims.add_letter(kept, direction=SENT)


def _letter_of(doing: Doing) -> dict[str, Any]:
    """The letter of the act on record; empty before there is one."""
    for one in doing.work.claims.letters(SENT):
        if one.transaction_id == doing.act.transaction_id:
            found: dict[str, Any] = json.loads(one.text)
            return found
    return {}


def accept(settings: Settings, file: Path, *, peer: str) -> Told:
    """Take a peer's letter on record: what it releases is no overlap any more.

    Parameters
    ----------
    settings : Settings
        Where the records are.
    file : Path
        The letter.
    peer : str
        Who wrote it; the key on record must have signed it.

    Raises
    ------
    InputRefused
        If it is not signed by the peer, not for this ledger, or cannot be read.
    """
    letter, ring = peering.read_json(file), KeyRing(settings)
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        peering.refuse_unsigned(work, letter, file, peer=peer, form=letters.FORMAT)
        if letter["to_key"] not in {key.key_id for key in ring.on_record(work)}:
            raise InputRefused(
                "letter_for_another",
                f"{file} releases claims to the key {letter['to_key']}, which is none of ours.",
                "Ask for a letter to the key that `fleet-carbon ledger keys list` shows.",
            )
        released = letters.released_intervals(letter)
        letter_id = letters.letter_id_of(letter)
        is_new = letter_id not in {one.letter_id for one in work.claims.letters(ACCEPTED)}
        if is_new:
            text = json.dumps(letter, ensure_ascii=False, sort_keys=True)
            now = datetime.now(UTC)
            kept = Letter(letter_id, str(letter["transaction_id"]), peer, text, now)
            work.claims.add_letter(kept, direction=ACCEPTED)
        month = parse_month(str(letter["month"]), storage.zone)
        rules = claim_rules(edition_in_force(settings.models_dir, month.last_day))
        vehicles = work.register.read("vehicles")
        names = identities_of(vehicles, storage.fleet_id, rules)
        trucks = {one.identity for one in released}
        facts = {
            "letter_id": letter_id,
            "outcome": "accepted" if is_new else ON_RECORD,
            "peer": peer,
            "month": str(month),
            "released_g": letter["released_g"],
            "claims": letter["claims"],
            "vehicles": sorted(vehicle for vehicle, name in names.items() if name in trucks),
            "months_to_close_again": [str(month)] if str(month) in work.closings.months() else [],
        }
    return Told(facts, wording.accepted_lines(facts))


def list_claims(settings: Settings, month: str) -> Told:
    """The claims of a month, those that ended among them.

    Parameters
    ----------
    settings : Settings
        Where the records are.
    month : str
        YYYY-MM.
    """
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        wanted = str(parse_month(month, storage.zone))
        rows = wording.claim_rows(work.claims.of_month(wanted, states=wording.STATES))
    facts = {"fleet_id": settings.fleet, "month": wanted, "claims": rows}
    return Told(facts, wording.claim_lines(facts))
