"""Check the ledger from its bytes, and give a driver a statement that others can check."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from fleet_carbon.errors import FleetCarbonError, InputRefused, NotFound
from fleet_carbon.frames import ACCOUNTS
from fleet_carbon.ledger import archive_checker, checker
from fleet_carbon.ledger.entries import Entry, figure_name
from fleet_carbon.ledger.proofs import MerkleTree
from fleet_carbon.ledger.signing import ledger_name, signed_statement
from fleet_carbon.papers import attached
from fleet_carbon.periods import parse_month
from fleet_carbon.services.ledger.settling import DriverLedger, read_driver_ledger
from fleet_carbon.services.ledger.signing import KeyRing
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements import proofs as wording
from fleet_carbon.statements import tables
from fleet_carbon.storage.checkpoints import CheckpointRow
from fleet_carbon.storage.unit_of_work import ClosingRun, Storage, UnitOfWork, open_storage

_PROBLEMS_KEPT = 1000
# What stands in a checker only because it is a module of a package.
_OF_THE_HOUSE = re.compile(
    r"^from __future__ import annotations\n\n|^from fleet_carbon\.[^)]*\)\n\n", re.MULTILINE
)


@dataclass(frozen=True)
class LedgerCheck:
    """What a check of the whole ledger found.

    Attributes
    ----------
    fleet_id : str
        Fleet.
    entries_count, checkpoints_count, keys_count : int
        How much was looked at.
    problems : list of str
        The first thousand.
    problems_count : int
        All of them.
    sums : list of str
        Where every gram is, by block.
    """

    fleet_id: str
    entries_count: int
    checkpoints_count: int
    keys_count: int
    problems: list[str]
    problems_count: int
    sums: list[str]

    @property
    def is_well(self) -> bool:
        """Whether everything holds."""
        return not self.problems_count

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"ok": self.is_well, **asdict(self)}

    def lines(self) -> list[str]:
        """The outcome for people."""
        return wording.check_lines(self.as_dict())


@dataclass(frozen=True)
class StatementCheck:
    """What a check of a statement found."""

    file: str
    problems: list[str]
    proven: list[str]

    @property
    def is_well(self) -> bool:
        """Whether everything is proven."""
        return not self.problems

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"ok": self.is_well, **asdict(self)}

    def lines(self) -> list[str]:
        """The outcome for people."""
        return wording.statement_lines(self.as_dict())


@dataclass(frozen=True)
class Proof:
    """A signed statement."""

    statement: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        """The statement itself."""
        return self.statement

    def lines(self) -> list[str]:
        """The statement: it is for programs to check."""
        return [self.text().rstrip("\n")]

    def text(self) -> str:
        """The statement as it stands in a file."""
        return json.dumps(self.statement, ensure_ascii=False, indent=1, sort_keys=True) + "\n"

    def write(self, path: Path) -> None:
        """Write it into a file.

        Raises
        ------
        InputRefused
            If the file cannot be written.
        """
        try:
            path.write_text(self.text(), encoding="utf-8")
        except OSError as failure:
            raise InputRefused(
                "file_not_written",
                f"{path} cannot be written: {failure.strerror}.",
                "Name another file with -o.",
            ) from failure


def find_ledger_problems(work: UnitOfWork, fleet_id: str) -> Iterator[str]:
    """Name everything in which keys, checkpoints, entries, tiles and holdings do not hold."""
    with work.any_bytes():
        yield from map(_printable, _problems(work, fleet_id))


def _problems(work: UnitOfWork, fleet_id: str) -> Iterator[str]:
    name = ledger_name(fleet_id)
    signed: list[checker.Checkpoint] = []
    try:
        keys = checker.read_keys(work.checkpoints.keys(), name)
    except checker.NotProven as wrong:
        yield f"Table ledger_keys: {wrong}."
        keys = []
    for row in work.checkpoints.all():
        where = f"Checkpoint {row.number}"
        try:
            found = checker.read_checkpoint(row.note, name, keys)
        except checker.NotProven as wrong:
            yield f"{where}: {wrong}."
            continue
        if found.entries_count != row.entries_count:
            yield f"{where} covers {found.entries_count} entries, its row says another number."
        if signed and found.entries_count < signed[-1].entries_count:
            yield f"{where} covers fewer entries than the one before it."
        signed.append(found)
    yield from work.ledger.verify(checkpoints=signed, tiles=work.checkpoints.tiles())
    yield from work.claims.verify()


def _printable(text: str) -> str:
    """The text with bytes that are none written as codes."""
    return text.encode("utf-8", "backslashreplace").decode()


def check_ledger(settings: Settings) -> LedgerCheck:
    """Check everything on record of the ledger, from its bytes.

    Parameters
    ----------
    settings : Settings
        Where the records are.
    """
    with closing(open_storage(settings)) as storage, storage.look() as work:
        problems: list[str] = []
        count = 0
        for problem in find_ledger_problems(work, storage.fleet_id):
            count += 1
            if count <= _PROBLEMS_KEPT:
                problems.append(problem)
        with work.any_bytes():
            return LedgerCheck(
                fleet_id=storage.fleet_id,
                entries_count=work.ledger.count(),
                checkpoints_count=sum(1 for _ in work.checkpoints.all()),
                keys_count=len(work.checkpoints.keys()),
                problems=problems,
                problems_count=count,
                sums=[
                    _printable(f"{block.month} under {block.edition}: {sums.line()}")
                    for block, sums in sorted(work.ledger.holdings.sums().items())
                ],
            )


def prove_account(settings: Settings, driver_id: str, month: str) -> Proof:
    """What a driver was credited in a month, with everything by which others can check it.

    Parameters
    ----------
    settings : Settings
        Where the records and the key are.
    driver_id : str
        Driver.
    month : str
        YYYY-MM, closed.

    Returns
    -------
    proof : Proof
        Accounts, what became of the grams, entries with their paths to the root of the newest
        checkpoint, the checkpoint, the digests of the run, the chain of keys; signed by the key
        in force.

    Raises
    ------
    NotFound
        If the month is not closed, or the driver has no account in it.
    FleetCarbonError
        If entries are on record that no checkpoint covers, the key is not at hand, or account and
        ledger say different things.
    """
    ring = KeyRing(settings)
    with closing(open_storage(settings)) as storage, storage.look() as work:
        wanted = str(parse_month(month, storage.zone))
        run = latest_run(work, wanted)
        rows = tables.records(accounts_of(work, run, driver_id))
        ledger = read_driver_ledger(storage, work, driver_id, month=wanted)
        return proof_of(storage, work, ring, run=run, rows=rows, ledger=ledger)


def proof_of(
    storage: Storage,
    work: UnitOfWork,
    ring: KeyRing,
    *,
    run: ClosingRun,
    rows: list[dict[str, Any]],
    ledger: DriverLedger,
) -> Proof:
    """The signed statement of a driver's accounts in a run, of which at least one is given.

    Raises
    ------
    FleetCarbonError
        As `prove_account`.
    """
    newest = newest_checkpoint(work, storage.fleet_id)
    tree = work.checkpoints.tree(newest.entries_count)
    body = {
        "format": checker.FORMAT,
        "fleet_id": storage.fleet_id,
        "driver_id": ledger.driver_id,
        "month": run.month,
        "accounts": rows,
        "run": run_facts(run),
        "entries": _entries(work, rows, ledger, tree=tree),
        "settlement": [one.as_dict() for one in ledger.settlement],
        "ledger_sums": ledger.sums.line(),
        "checkpoint": newest.note,
        "keys": work.checkpoints.keys(),
    }
    statement = signed_statement(ring.current(work, datetime.now(UTC)), ring.name, body)
    _refuse_unproven(statement, run.month)
    return Proof(statement)


def _refuse_unproven(statement: dict[str, Any], month: str) -> None:
    """Hand out nothing that its receiver would find wrong."""
    problems = checker.check_statement(statement).problems
    if problems:
        raise FleetCarbonError(
            "statement_not_proven",
            f"The statement would not be proven: {problems[0]}",
            f"If a credit of {month} was released since it was closed, close it again; if not,"
            " examine the ledger with `fleet-carbon ledger verify`.",
        )


def accounts_of(work: UnitOfWork, run: ClosingRun, driver_id: str) -> pd.DataFrame:
    """The accounts of a driver in a run, one for each truck.

    Raises
    ------
    NotFound
        If there is none.
    """
    rows = rows_of_driver(work.closings.table(run, "accounts"), driver_id)
    if rows.empty:
        raise NotFound(
            "account_not_found",
            f"Driver {driver_id!r} has no account in {run.month}.",
            "See who has with `fleet-carbon accounts`.",
        )
    return rows


def rows_of_driver(accounts: pd.DataFrame, driver_id: str) -> pd.DataFrame:
    """Those of `frames.ACCOUNTS` that are of a driver."""
    return ACCOUNTS.shape(accounts[accounts["driver_id"] == driver_id])


def run_facts(run: ClosingRun) -> dict[str, Any]:
    """What an auditor needs to recompute the figures, as digests."""
    return {
        "run_id": run.run_id,
        "closed_at": run.closed_at.isoformat(),
        "edition": run.edition_label,
        "edition_digest": run.edition_digest,
        "code": run.summary.get("code"),
        "tables": run.table_digests,
        "inputs": {name: held for name, held in run.inputs.items() if "/" not in name},
    }


def newest_checkpoint(work: UnitOfWork, fleet_id: str) -> CheckpointRow:
    """The newest checkpoint.

    Raises
    ------
    NotFound
        If the ledger was never signed.
    """
    newest = work.checkpoints.newest()
    if newest is None:
        raise NotFound(
            "ledger_never_signed",
            f"The ledger of {fleet_id} was never signed.",
            "Sign it with `fleet-carbon ledger checkpoint`.",
        )
    return newest


def _entries(
    work: UnitOfWork, rows: list[dict[str, Any]], ledger: DriverLedger, *, tree: MerkleTree
) -> list[dict[str, Any]]:
    """The entries of the figures, and those by which the driver's grams and money moved."""
    figures = [figure_name(row["month"], row["driver_id"], row["vehicle_id"]) for row in rows]
    found = [entry for figure in figures for entry in work.ledger.entries(figure=figure)]
    each = {entry.sequence: entry for entry in [*found, *ledger.entries]}
    return proven_entries([each[place] for place in sorted(each)], tree)


def proven_entries(entries: Iterable[Entry], tree: MerkleTree) -> list[dict[str, Any]]:
    """Entries, each with its path to the root of a tree.

    Raises
    ------
    FleetCarbonError
        If one is on record that the tree does not cover.
    """
    found = list(entries)
    if any(entry.sequence > tree.count for entry in found):
        raise FleetCarbonError(
            "entries_not_signed",
            "Entries are on record that no checkpoint covers.",
            "Sign them with `fleet-carbon ledger checkpoint`, then ask again.",
        )
    return [
        {
            "entry": entry.as_dict(),
            "path": [step.hex() for step in tree.inclusion(entry.sequence - 1)],
        }
        for entry in found
    ]


def check_statement(
    path: Path, *, trusted_key_id: str | None = None, key_list: Path | None = None
) -> StatementCheck:
    """Check a signed document offline: nothing of this installation is looked at.

    Parameters
    ----------
    path : Path
        The file; of a PDF the document that is attached to it.
    trusted_key_id : str, optional
        Key that is known to be the operator's; without it the statement is only held against
        itself.
    key_list : Path, optional
        The operator's list of keys, as ``ledger keys list --json`` writes it: the key that signed
        must be on it, and not revoked.

    Raises
    ------
    InputRefused
        If the file cannot be read.
    """
    published = None if key_list is None else _read(key_list)
    if path.is_file() and archive_checker.is_archive(path):
        found = archive_checker.check_archive(path, trusted_key_id, published)
    else:
        found = checker.check_statement(_read(path), trusted_key_id, published)
    return StatementCheck(str(path), found.problems, found.proven)


def signed_document(content: bytes) -> bytes:
    """The signed document of a file: what is attached to it if it is a PDF, else the file.

    Raises
    ------
    InputRefused
        ``statement_not_attached``.
    """
    if not attached.is_pdf(content):
        return content
    found = attached.attached_statement(content)
    if found is None:
        raise InputRefused(
            "statement_not_attached",
            "The PDF holds no signed statement.",
            "Give the PDF as it was handed out: what was printed or saved anew has lost it.",
        )
    return found


def _read(path: Path) -> Any:
    try:
        return json.loads(signed_document(path.read_bytes()))
    except (OSError, ValueError, RecursionError) as failure:
        raise InputRefused(
            "statement_unreadable",
            f"{path} cannot be read as a statement: {failure}.",
            "Give a file that `fleet-carbon prove`, `ledger retire` or `ledger consistency` wrote.",
        ) from failure


def checker_script() -> str:
    """Both checkers as one file that needs only Python and `cryptography`."""
    documents, archives = (
        Path(str(module.__file__)).read_text(encoding="utf-8")
        for module in (checker, archive_checker)
    )
    first = documents.partition("\n\nif __name__")[0]
    return f"{first}\n\n{_OF_THE_HOUSE.sub('', archives)}"
