"""A driver disputes a trip; the manager answers; both stay on record and on the statement."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.periods import parse_month
from fleet_carbon.services.accounts.naming import ERASED
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements.disputes import dispute_lines
from fleet_carbon.storage.disputes import Dispute, DisputeAnswer
from fleet_carbon.storage.unit_of_work import ClosingRun, UnitOfWork, open_storage

OUTCOMES = ("accepted", "declined", "noted")
TEXT_CHARACTERS_MAX = 2000


@dataclass(frozen=True)
class DisputeList:
    """Disputes, each with its newest answer."""

    disputes: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"disputes": self.disputes}

    def lines(self) -> list[str]:
        """The disputes for people."""
        return dispute_lines(self.disputes)


def raise_dispute(
    settings: Settings,
    driver_id: str,
    month: str,
    *,
    text: str,
    order_id: str = "",
    leg_started_at: datetime | None = None,
) -> DisputeList:
    """Put on record that a driver disputes an order, a leg or a month as a whole.

    Parameters
    ----------
    settings : Settings
        Where the records are.
    driver_id : str
        Who disputes.
    month : str
        YYYY-MM, closed.
    text : str
        What is wrong, in the driver's words.
    order_id : str
        The order it is about.
    leg_started_at : datetime, optional
        Start of the leg it is about, aware.

    Raises
    ------
    InputRefused
        If nothing is said, or too much, or ``driver_erased``.
    NotFound
        If the month was never closed, or has no such order or leg.
    """
    said = _said(text)
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        wanted = str(parse_month(month, storage.zone))
        run = latest_run(work, wanted)
        _refuse_unknown_driver(work, driver_id)
        _refuse_unknown_trip(work, run, order_id=order_id, leg_started_at=leg_started_at)
        now, number = datetime.now(UTC), work.disputes.next_number()
        work.disputes.add(
            Dispute(number, driver_id, wanted, order_id, leg_started_at, text=said, raised_at=now)
        )
        return DisputeList(_told(work, driver_id=driver_id, month=wanted)[-1:])


def list_disputes(
    settings: Settings, *, month: str | None = None, driver_id: str | None = None
) -> DisputeList:
    """The disputes of a fleet, of a month or driver if one is given, open ones too.

    Raises
    ------
    InputRefused
        If the month is malformed.
    NotFound
        If no such driver is on record.
    """
    with closing(open_storage(settings)) as storage, storage.look() as work:
        if driver_id is not None:
            _refuse_unknown_driver(work, driver_id)
        wanted = None if month is None else str(parse_month(month, storage.zone))
        return DisputeList(_told(work, driver_id=driver_id, month=wanted))


def answer_dispute(
    settings: Settings, number: int, *, outcome: str, text: str, answered_by: str
) -> DisputeList:
    """Answer a dispute; an answer before this one stays on record.

    Parameters
    ----------
    settings : Settings
        Where the records are.
    number : int
        Of the dispute.
    outcome : str
        accepted, declined or noted. An accepted one changes no figure by itself: correct the
        records and close the month again.
    text, answered_by : str
        The answer, and who gives it.

    Raises
    ------
    InputRefused
        If the outcome is none of these, or nothing is said, or ``driver_erased``.
    NotFound
        If there is no such dispute.
    """
    if outcome not in OUTCOMES:
        raise InputRefused(
            "outcome_unknown", f"No outcome {outcome!r}.", f"Known: {', '.join(OUTCOMES)}."
        )
    said = _said(text)
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        [*disputed] = [one for one in work.disputes.raised() if one.number == number]
        if not disputed:
            raise NotFound(
                "dispute_not_found",
                f"There is no dispute {number}.",
                "List them with `fleet-carbon dispute list`.",
            )
        answer = DisputeAnswer(number, outcome, said, answered_by, datetime.now(UTC))
        work.disputes.answer(disputed[0], answer)
        found = _told(work, driver_id=None, month=None)
        return DisputeList([one for one in found if one["number"] == number])


def disputes_of(work: UnitOfWork, driver_id: str, month: str) -> list[dict[str, Any]]:
    """What a driver disputed of a month, as a statement tells it: moments as moments."""
    answers = {one.dispute: one for one in work.disputes.answers(driver_id=driver_id)}
    return [
        _row(one, answers.get(one.number))
        for one in work.disputes.raised(driver_id=driver_id, month=month)
    ]


def _told(work: UnitOfWork, *, driver_id: str | None, month: str | None) -> list[dict[str, Any]]:
    answers = {one.dispute: one for one in work.disputes.answers(driver_id=driver_id)}
    return [
        {name: _plain(value) for name, value in _row(one, answers.get(one.number)).items()}
        for one in work.disputes.raised(driver_id=driver_id, month=month)
    ]


def _row(dispute: Dispute, answer: DisputeAnswer | None) -> dict[str, Any]:
    return {
        **vars(dispute),
        "text": dispute.text or ERASED,
        "outcome": answer.outcome if answer else "",
        "answer": (answer.text or ERASED) if answer else "",
        "answered_by": answer.answered_by if answer else "",
        "answered_at": answer.answered_at if answer else None,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds")
    return value


def _said(text: str) -> str:
    said = text.strip()
    if not said or len(said) > TEXT_CHARACTERS_MAX:
        raise InputRefused(
            "dispute_text_refused",
            f"A text of 1 to {TEXT_CHARACTERS_MAX:,} characters is expected, not {len(said):,}.",
            "Say in a few sentences what is wrong, or what is answered.",
        )
    return said


def _refuse_unknown_driver(work: UnitOfWork, driver_id: str) -> None:
    if driver_id not in set(work.register.read("drivers")["driver_id"]):
        raise NotFound(
            "driver_not_found",
            f"No driver {driver_id!r} is on record.",
            "Check the identifier against the register of drivers.",
        )


def _refuse_unknown_trip(
    work: UnitOfWork, run: ClosingRun, *, order_id: str, leg_started_at: datetime | None
) -> None:
    is_known = True
    if order_id:
        is_known = order_id in set(work.closings.table(run, "order_results")["order_id"])
    if is_known and leg_started_at is not None:
        is_known = bool((work.closings.table(run, "legs")["started_at"] == leg_started_at).any())
    if not is_known:
        raise NotFound(
            "trip_not_found",
            f"{run.month} has no such order or leg.",
            f"See `fleet-carbon orders {run.month}` and `fleet-carbon legs {run.month}`.",
        )
