"""Which entries bring the ledger from what was posted to what is credited now."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from fleet_carbon.errors import LedgerBroken
from fleet_carbon.ledger.entries import ISSUED, Entry, held_account

MONTH_CLOSED = "month_closed"
MONTH_RESTATED = "month_restated"


def post_month(
    previous: Mapping[tuple[str, str], int],
    credited: Mapping[tuple[str, str], int],
    *,
    month: str,
    run_id: str,
    recorded_at: datetime,
    evidence: Mapping[str, str],
    reason_code: str | None = None,
) -> list[Entry]:
    """Decide the entries that make the ledger say `credited` for a month.

    Only differences are posted. A figure that rises moves grams from ``issued`` to the
    driver's account, one that falls moves them back; nothing on record is changed.

    Parameters
    ----------
    previous : mapping of (driver_id, vehicle_id) to int
        What the ledger says now for the month. [g], >= 0
    credited : mapping of (driver_id, vehicle_id) to int
        What it is to say; a pair that is missing counts as 0. [g], >= 0
    month : str
        YYYY-MM.
    run_id : str
        The closing run; with month and pair it makes the `entry_id`, so that posting a run
        twice records it once.
    recorded_at : datetime
        Aware moment of posting.
    evidence : mapping of str to str
        Digests of what the figures rest on.
    reason_code : str, optional
        Why. If absent, ``month_closed`` for a first figure, ``month_restated`` for a correction.

    Returns
    -------
    entries : list of Entry
        Not sealed, in the order of driver and truck; empty if nothing changed.

    Raises
    ------
    LedgerBroken
        If a figure is no whole number, or is negative.

    Examples
    --------
    >>> from datetime import UTC
    >>> entries = post_month({("D1", "V1"): 900}, {("D1", "V1"): 700}, month="2026-10",
    ...     run_id="r2", recorded_at=datetime(2026, 11, 2, tzinfo=UTC), evidence={})
    >>> [(e.credit_account, e.debit_account, e.amount_g, e.previous_figure_g) for e in entries]
    [('held:driver/D1/V1', 'issued', 200, 900)]
    """
    entries: list[Entry] = []
    for pair in sorted(previous.keys() | credited.keys()):
        earlier_g = _checked(previous.get(pair, 0), pair)
        figure_g = _checked(credited.get(pair, 0), pair)
        if figure_g == earlier_g:
            continue
        held = held_account(*pair)
        gives, receives = (ISSUED, held) if figure_g > earlier_g else (held, ISSUED)
        entries.append(
            Entry(
                entry_id=f"{month}/{run_id}/{held}",
                month=month,
                debit_account=receives,
                credit_account=gives,
                amount_g=abs(figure_g - earlier_g),
                reason_code=reason_code or (MONTH_RESTATED if pair in previous else MONTH_CLOSED),
                recorded_at=recorded_at,
                note=f"{earlier_g} g before, {figure_g} g now" if pair in previous else "",
                previous_figure_g=earlier_g if pair in previous else None,
                evidence=dict(evidence),
            )
        )
    return entries


def _checked(figure_g: int, pair: tuple[str, str]) -> int:
    if type(figure_g) is not int or figure_g < 0:
        raise LedgerBroken(
            "figure_malformed",
            f"The figure of driver {pair[0]!r} with truck {pair[1]!r} is {figure_g!r}, expected "
            "a whole number of grams, 0 or more.",
            "Nothing was posted. This is a fault of the quantification step.",
        )
    return figure_g
