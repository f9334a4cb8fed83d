"""Which lots there are, and how each stands."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any

from fleet_carbon.errors import NotFound
from fleet_carbon.services.ledger.selling import lot_state
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import Lot, UnitOfWork, open_storage


@dataclass(frozen=True)
class LotList:
    """Lots as they were reserved, each with its state, JSON-ready."""

    lots: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"lots": self.lots}


def list_lots(settings: Settings) -> LotList:
    """Every lot, in the order of reserving."""
    with closing(open_storage(settings)) as storage, storage.look() as work:
        return LotList([_told(work, lot) for lot in work.lots.list()])


def read_lot(settings: Settings, lot_id: str) -> LotList:
    """One lot, alone in its list.

    Raises
    ------
    NotFound
        ``lot_not_found``.
    """
    with closing(open_storage(settings)) as storage, storage.look() as work:
        lot = work.lots.get(lot_id)
        if lot is None:
            raise NotFound("lot_not_found", f"There is no lot {lot_id!r}.", "List the lots.")
        return LotList([_told(work, lot)])


def _told(work: UnitOfWork, lot: Lot) -> dict[str, Any]:
    return lot.facts | {
        "lot_id": lot.lot_id,
        "state": lot_state(work, lot.lot_id),
        "reserved_at": lot.recorded_at.isoformat(),
    }
