"""What is asked of a host: filters that are understood, and the months in which it may be.

A month is opened only if something of it may fit: what all documents of a month share (when it was
closed, its period), and the names of its orders, are known before its inventory is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from fleet_carbon.errors import InputRefused
from fleet_carbon.periods import Month, parse_month
from fleet_carbon.services.exchange.exchanging import KINDS
from fleet_carbon.settings import Settings
from fleet_carbon.statements import ileap, pact
from fleet_carbon.statements.document_filters import Condition, names_of, of_odata, of_pairs
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage

FOOTPRINTS = {"footprints2": pact.footprint_2, "footprints3": pact.footprint_3}
"""Kinds of product footprints, by the version of PACT."""
CARRIED = ("shipments", "tocs")
"""What product footprints carry, in order."""
_SCHEMA_NAMES = dict(zip(KINDS, ileap.TYPES, strict=True))
ID_NAMES = dict(zip(KINDS, ("shipmentId", "tocId", "hocId", "activityId", "reportId"), strict=True))
_OF_MONTH = ("tad", "aed")  # of which the identifier ends in the month
_OF_PACT_3 = {
    "productId": (("productIds",),),
    "companyId": (("companyIds",),),
    "classification": (("productClassifications",),),
    "status": (("status",),),
    "geography": tuple(
        ("pcf", f"geography{name}")
        for name in ("Country", "RegionOrSubregion", "CountrySubdivision")
    ),
}
_START, _END = (("validityPeriodStart",),), (("validityPeriodEnd",),)
_DAYS_OF_PACT_3 = {
    "validOn": ((_START, "lte"), (_END, "gte")),
    "validAfter": ((_START, "gt"),),
    "validBefore": ((_END, "lt"),),
}
FILTERS_OF_PACT_3 = (*_OF_PACT_3, *_DAYS_OF_PACT_3)


@dataclass(frozen=True)
class Wish:
    """What is asked for.

    Attributes
    ----------
    kind : str
        Of `exchanging.KINDS` or `FOOTPRINTS`.
    shippers : frozenset of str or None
        Customers of whose shipments alone it is told; None means all.
    limit_count : int
        Documents at most.
    conditions : tuple of Condition
        All of them must be so.
    cursor : str
        Where the page before ended; empty at first.
    distance : str
        By which distance activity is told, ``gcd`` or ``sfd``; empty for that of the edition.
    """

    kind: str
    shippers: frozenset[str] | None
    limit_count: int
    conditions: tuple[Condition, ...] = ()
    cursor: str = ""
    distance: str = ""

    def is_fit(self, document: dict[str, Any]) -> bool:
        """Whether a document is asked for."""
        return all(one.fits(document) for one in self.conditions)


def conditions_of(kind: str, pairs: Sequence[tuple[str, str]]) -> tuple[Condition, ...]:
    """What ``name=value`` pairs, or a `$filter`, ask for of a kind.

    Parameters
    ----------
    kind : str
        Of `exchanging.KINDS` or `FOOTPRINTS`.
    pairs : sequence of (str, str)
        Of the address.

    Raises
    ------
    InputRefused
        ``filter_not_known``, ``filter_malformed``.
    """
    if kind == "footprints2":
        texts = [text for name, text in pairs if name == "$filter" and text.strip()]
        return tuple(one for text in texts for one in of_odata(text, _known(kind)))
    if kind == "footprints3":
        return tuple(_conditions_of_pact_3(pairs))
    return of_pairs(pairs, _known(kind))


def parts_of(kind: str) -> tuple[str, ...]:
    """The kinds of documents that a kind is made of."""
    return CARRIED if kind in FOOTPRINTS else (kind,)


def names_asked(wish: Wish, part: str) -> frozenset[str] | None:
    """Identifiers that are asked for of a part, in small letters; None if by none."""
    path = (("productIds",),) if wish.kind in FOOTPRINTS else ((ID_NAMES[wish.kind],),)
    asked = [
        frozenset(name for value in one.values if (name := _name_in(value, wish.kind, part)))
        for one in wish.conditions
        if one.paths == path and one.comparison == "eq"
    ]
    return frozenset.intersection(*asked) if asked else None


def _name_in(value: str, kind: str, part: str) -> str:
    """The identifier that is meant by a value; empty if it is none of that part."""
    if kind not in FOOTPRINTS:
        return value.casefold()
    named = pact.named_by(value)
    return named[1].casefold() if named and named[0] == part else ""


def months_for(settings: Settings, wish: Wish, known_at: datetime) -> list[str]:
    """The closed months in which something may fit, from the earliest on.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    wish : Wish
        What is asked for.
    known_at : datetime
        By the closes before that moment.
    """
    if wish.kind == "hocs":  # trucks make none
        return []
    with (
        closing(open_storage(settings)) as storage,
        storage.begin(read_only=True, known_at=known_at, reads_traces=False) as work,
    ):
        return [
            month
            for month, closed_at in sorted(work.closings.closed_at().items())
            if _may_fit(wish, closed_at, parse_month(month, storage.zone))
            and any(_may_hold(work, wish, part, month) for part in parts_of(wish.kind))
        ]


def _may_fit(wish: Wish, closed_at: datetime, month: Month) -> bool:
    shared = _shared(wish.kind, closed_at, month)
    return all(one.fits(shared) for one in wish.conditions if one.speaks_of(shared))


def _shared(kind: str, closed_at: datetime, month: Month) -> dict[str, Any]:
    """What every document of a month says alike."""
    begin, end, at = (ileap.as_json(one) for one in (month.starts_at, month.ends_at, closed_at))
    if kind == "tad":
        return {}
    if kind == "aed":
        return {"createdAt": at, "reportPeriodStart": begin, "reportPeriodEnd": end}
    period = {"referencePeriodStart": begin, "referencePeriodEnd": end}
    if kind not in FOOTPRINTS:
        return {"createdAt": at, **period}
    validity = pact.validity(month.ends_at) if kind == "footprints3" else {}
    return {"created": at, "pcf": period, **validity}


def _may_hold(work: UnitOfWork, wish: Wish, part: str, month: str) -> bool:
    """Whether a document that is asked for by its name may be among those of a part."""
    names = names_asked(wish, part)
    if names is None or (part == "tocs" and names):
        return True
    if part in _OF_MONTH:
        return any(one.endswith(f"/{month}") for one in names)
    run = work.closings.latest(month) if names else None
    if run is None:
        return False
    rows = work.closings.table(run, "leg_orders", ("order_id",))
    return bool(rows["order_id"].drop_duplicates().str.casefold().isin(list(names)).any())


@cache
def _known(kind: str) -> frozenset[str]:
    if kind in FOOTPRINTS:
        carried = (names_of(ileap.schemas(), _SCHEMA_NAMES[part]) for part in CARRIED)
        return names_of(pact.schemas(), f"Footprint{kind[-1]}").union(*carried)
    return names_of(ileap.schemas(), _SCHEMA_NAMES[kind])


def _conditions_of_pact_3(pairs: Sequence[tuple[str, str]]) -> Iterator[Condition]:
    """Of a name that comes more than once, one must fit; of several names all of them."""
    for name in dict.fromkeys(name for name, _ in pairs):
        values = tuple(value for told, value in pairs if told == name)
        if name in _OF_PACT_3:
            # Nothing is asked for by an empty one.
            if any(values):
                yield Condition(_OF_PACT_3[name], values)
        elif name in _DAYS_OF_PACT_3:
            for paths, comparison in _DAYS_OF_PACT_3[name]:
                yield Condition(paths, tuple(map(_moment, values)), comparison)
        else:
            raise InputRefused(
                "filter_not_known",
                f"PACT 3 has no filter {name!r}.",
                f"Use {', '.join(FILTERS_OF_PACT_3)}.",
            )


def _moment(text: str) -> str:
    # The plus of a zone comes as a space from who did not write it out.
    given = text.strip().replace(" ", "+")
    try:
        datetime.fromisoformat(given)
    except ValueError as wrong:
        raise InputRefused(
            "filter_malformed", f"{text!r} is no moment.", "Write it as ISO 8601."
        ) from wrong
    return given
