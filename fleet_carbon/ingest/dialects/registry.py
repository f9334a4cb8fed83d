"""The one table of dialects: help texts, documents and interfaces take their lists from it."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from fleet_carbon.errors import InputRefused
from fleet_carbon.ingest.dialects import (
    fuel_card,
    geotab,
    gpx,
    jt808,
    jt809,
    motive,
    network_freight,
    nmea,
    ocpi,
    otm5,
    rfms,
    samsara,
    traccar,
)
from fleet_carbon.ingest.dialects.dialect import Dialect, head_of

_READ = (
    traccar.DIALECT,
    jt808.DIALECT,
    jt809.DIALECT,
    rfms.DIALECT,
    nmea.DIALECT,
    gpx.DIALECT,
    samsara.DIALECT,
    samsara.STREAM,
    geotab.DIALECT,
    motive.DIALECT,
    motive.IMPERIAL,
    network_freight.DIALECT,
    otm5.DIALECT,
    fuel_card.DIALECT,
    ocpi.DIALECT,
)
DIALECTS: dict[str, Dialect] = {one.name: one for one in _READ}


def dialect_of(name: str, kind: str) -> Dialect:
    """The dialect of that name, which must know rows of the kind.

    Raises
    ------
    InputRefused
        ``dialect_unknown``; ``dialect_without_kind``.
    """
    found = DIALECTS.get(name)
    if found is None:
        near = get_close_matches(name, DIALECTS, 1)
        raise InputRefused(
            "dialect_unknown",
            f"{name!r} is no dialect.",
            (f"Did you mean {near[0]}? " if near else "") + f"Known: {', '.join(DIALECTS)}.",
            known=list(DIALECTS),
        )
    if kind not in found.kinds:
        raise InputRefused(
            "dialect_without_kind",
            f"{name} knows no {kind}.",
            f"It is read for {' and '.join(found.kinds)}.",
            kinds=list(found.kinds),
        )
    return found


def certain_dialect(path: Path, kind: str) -> Dialect | None:
    """The one dialect of which the file certainly is, by its beginning; None if there is doubt."""
    head = head_of(path)
    fitting = [one for one in DIALECTS.values() if kind in one.kinds and one.is_certain(head)]
    return fitting[0] if len(fitting) == 1 else None
