"""Write the papers of a lot and the certificate of a retirement to files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from fleet_carbon.errors import InputRefused
from fleet_carbon.frames import ACCOUNTS
from fleet_carbon.ledger.accounts import HELD, class_of
from fleet_carbon.ledger.balances import Piece, total
from fleet_carbon.ledger.entries import Entry
from fleet_carbon.ledger.serials import Block, SerialRange
from fleet_carbon.ledger.settlement import merged
from fleet_carbon.services.ledger.acting import Doing
from fleet_carbon.services.ledger.regions import Regions
from fleet_carbon.statements import lot_papers
from fleet_carbon.statements.tables import write_whole
from fleet_carbon.storage.unit_of_work import UnitOfWork


def write_lot(
    doing: Doing, facts: dict[str, Any], reserved: Iterable[Entry], *, folder: Path, state: str
) -> None:
    """Write the papers of a lot into a folder, which is made.

    Parameters
    ----------
    doing : Doing
        The act of reserving.
    facts : dict
        The lot.
    reserved : iterable of Entry
        Its entries.
    folder : Path
        Receives ``report.md``, ``serials.csv``, ``evidence.json`` and ``registry.json``.
    state : str
        State of the lot.
    """
    entries = list(reserved)
    papers = lot_papers.Papers(
        fleet_id=doing.storage.fleet_id,
        facts=facts,
        serials=_serials(entries),
        regions=Regions(doing.work).of_lot(_pieces(entries)),
        standing=_standing(doing.work, entries),
        months=[found for month in facts["evidence"] if (found := _month(doing.work, month))],
        state=state,
        sums_line=total(doing.work.ledger.holdings.sums()).line(),
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        raise InputRefused(
            "folder_unusable",
            f"The folder {folder} cannot be made: {failure.strerror}.",
            "Nothing was posted. Give another with --output.",
        ) from failure
    _write(folder / "report.md", lot_papers.monitoring_report(papers))
    _write(folder / "serials.csv", lot_papers.serial_list(papers))
    _write(folder / "evidence.json", _json(lot_papers.evidence_bundle(papers)))
    _write(folder / "registry.json", _json(lot_papers.registry_rows(papers)))


def write_certificate(certificate: dict[str, Any], path: Path) -> None:
    """Write the certificate of a retirement for people, Markdown.

    Parameters
    ----------
    certificate : dict
        As `services.ledger.certifying` signs it.
    path : Path
        The file.
    """
    _write(path, lot_papers.certificate(certificate))


def _serials(entries: Iterable[Entry]) -> list[tuple[Block, SerialRange]]:
    pieces = (piece._replace(account="") for piece in _pieces(entries))
    return [(block, serials) for _, block, serials in merged(pieces)]


def _pieces(entries: Iterable[Entry]) -> Iterator[Piece]:
    """The serials of a lot with the holders that gave them."""
    for one in entries:
        if one.serials is not None:
            yield Piece(one.credit_account, one.block, one.serials)


def _standing(work: UnitOfWork, entries: Iterable[Entry]) -> list[Piece]:
    """Where the serials of a lot are now, without the names of those who hold them."""
    found = (
        piece._replace(account=_shown(piece.account))
        for block, serials in _serials(entries)
        for piece in work.ledger.holdings.within(block, serials)
    )
    return merged(found)


def _shown(account: str) -> str:
    return "held:holders" if class_of(account) == HELD else account


def _month(work: UnitOfWork, month: str) -> dict[str, Any]:
    """What the accounts of a vintage say in sum; empty if it was not closed here."""
    run = work.closings.latest(month)
    if run is None:
        return {}
    rows = work.closings.table(run, ACCOUNTS.name)
    return {
        "month": month,
        "run_id": run.run_id,
        "edition": run.edition_label,
        "edition_digest": run.edition_digest,
        "accounts_count": len(rows),
        "distance_km": float(rows["distance_km"].sum()),
        "co2_credited_g": int(rows["co2_credited_g"].sum()),
        "qualities": rows["quality"].value_counts().sort_index().to_dict(),
        "baselines": rows["baseline_source"].value_counts().sort_index().to_dict(),
    }


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _write(path: Path, text: str) -> None:
    write_whole(text.encode(), path)
