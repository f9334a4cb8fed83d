"""Find drivers, trucks, orders and lanes by a part of what they are called."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass

from fleet_carbon.services.accounts.naming import shown_names, shown_plates
from fleet_carbon.services.accounts.overviews import closed_months
from fleet_carbon.services.accounts.place_naming import RegionNames, name_regions
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import UnitOfWork, open_storage

FOUND_MAX = 20


@dataclass(frozen=True)
class Found:
    """What is called like a text; of each kind so many at most as were asked for.

    Attributes
    ----------
    drivers, vehicles : list of tuple
        Identifier, and name or plate; empty where none is known.
    orders : list of str
        Identifiers.
    lanes : list of tuple
        From where to where in the newest closed month, as people call the places.
    month : str
        That month; empty if none was closed.
    is_cut : bool
        Whether there are more of a kind.
    """

    drivers: list[tuple[str, str]]
    vehicles: list[tuple[str, str]]
    orders: list[str]
    lanes: list[tuple[str, str]]
    month: str
    is_cut: bool

    @property
    def is_empty(self) -> bool:
        """Whether nothing was found."""
        return not (self.drivers or self.vehicles or self.orders or self.lanes)


def search(settings: Settings, text: str, *, language: str, limit_count: int = FOUND_MAX) -> Found:
    """What is called like a text: by identifier, name, plate or place, in whichever case.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    text : str
        A part of it; nothing is like an empty one.
    language : str
        ``en`` or ``zh``, in which places are told; they are found in both.
    limit_count : int
        Of each kind.
    """
    part = text.strip()
    if not part:
        return Found([], [], [], [], "", False)
    months = closed_months(settings)
    with closing(open_storage(settings)) as storage, storage.look() as work:
        found = (
            _called(_drivers(work), part),
            _called(shown_plates(work), part),
            work.browsing.orders_like(part, limit_count + 1),
            _lanes(work, settings, months[0], part, language) if months else [],
        )
    drivers, vehicles, orders, lanes = found
    return Found(
        drivers[:limit_count],
        vehicles[:limit_count],
        orders[:limit_count],
        lanes[:limit_count],
        months[0] if months else "",
        any(len(one) > limit_count for one in found),
    )


def _called(names: dict[str, str], part: str) -> list[tuple[str, str]]:
    wanted = part.casefold()
    return sorted(one for one in names.items() if any(wanted in text.casefold() for text in one))


def _drivers(work: UnitOfWork) -> dict[str, str]:
    known = work.register.read("drivers")["driver_id"].tolist()
    return dict.fromkeys(known, "") | shown_names(work)


def _lanes(
    work: UnitOfWork, settings: Settings, month: str, part: str, language: str
) -> list[tuple[str, str]]:
    run = work.closings.latest(month)
    if run is None or "lanes" not in run.table_digests:
        return []
    lanes = work.closings.table(run, "lanes", ("origin", "destination"))
    ends = zip(lanes["origin"].tolist(), lanes["destination"].tolist(), strict=True)
    names, wanted = name_regions(settings, month), part.casefold()
    told = [
        tuple(names.text(region, language) for region in lane)
        for lane in sorted(set(ends))
        if all(lane) and any(wanted in text.casefold() for text in _texts(names, lane))
    ]
    return [(origin, destination) for origin, destination in dict.fromkeys(told)]


def _texts(names: RegionNames, lane: tuple[str, str]) -> Iterable[str]:
    """How the ends of a lane are called in both languages, and their cells."""
    for region in lane:
        yield from (region, names.text(region, "en"), names.text(region, "zh"))
