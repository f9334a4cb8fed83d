"""The door of storage: open it, begin a unit of work, and the only commit in the code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, insert, select

from fleet_carbon.errors import InputRefused
from fleet_carbon.settings import Settings
from fleet_carbon.storage import people, tables, tenancy
from fleet_carbon.storage.access import (
    AccessKeys,
    Answer,
    Answers,
    AuditEvent,
    AuditTrail,
    KeyRow,
    find_key,
)
from fleet_carbon.storage.arriving import Arrivals
from fleet_carbon.storage.blobs import BlobFolder, open_blobs
from fleet_carbon.storage.browsing import Browsing
from fleet_carbon.storage.checkpoints import Checkpoints
from fleet_carbon.storage.claims import Claims
from fleet_carbon.storage.closing_down import ClosingDowns, refuse_if_closed_down
from fleet_carbon.storage.connections import Connected, connected, keep_connected
from fleet_carbon.storage.cuts import CutShelf
from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.disputes import Disputes
from fleet_carbon.storage.downloads import Downloads
from fleet_carbon.storage.estimates import Estimates
from fleet_carbon.storage.files import ReceivedFile, ReceivedFiles, make_folder
from fleet_carbon.storage.footprint_messages import FootprintMessages
from fleet_carbon.storage.handover import Handover
from fleet_carbon.storage.intake_state import IntakeState, intake_state
from fleet_carbon.storage.journals import Arrival, Taken
from fleet_carbon.storage.ledger import LedgerRecords
from fleet_carbon.storage.lots import Lot, Lots
from fleet_carbon.storage.mailing import Mailing
from fleet_carbon.storage.outages import as_of_database, outages_named
from fleet_carbon.storage.people import Failures, Grants, Users
from fleet_carbon.storage.persons import Persons, person_keys
from fleet_carbon.storage.publications import StatementPublications
from fleet_carbon.storage.records import Orders, PriceRow, Prices, PriceScope, Register
from fleet_carbon.storage.results import ClosingRun, Closings
from fleet_carbon.storage.segments import TraceLimits
from fleet_carbon.storage.traces import TRACES_LOCK, Traces
from fleet_carbon.storage.webhooks import Webhooks
from fleet_carbon.storage.withdrawals import Reception, Receptions
from fleet_carbon.storage.worker_beats import WorkerBeats

__all__ = [
    "Answer",
    "Arrival",
    "Arrivals",
    "AuditEvent",
    "ClosingRun",
    "IntakeState",
    "Lot",
    "PriceRow",
    "PriceScope",
    "ReceivedFile",
    "Reception",
    "Storage",
    "Taken",
    "UnitOfWork",
    "fleets_on_record",
    "keep_connected",
    "key_on_record",
    "open_storage",
    "workers_on_record",
]

_FLEET_ID = re.compile(r"[^\W_][\w.-]{0,63}")


def open_storage(settings: Settings, *, limits: TraceLimits | None = None) -> Storage:
    """Open the storage that the settings name, and make what is not there yet.

    A fleet that is new gets the time zone of the settings; from then on the record rules.

    Parameters
    ----------
    settings : Settings
        `home`, `database_url`, `traces_url`, `fleet`, `timezone`.
    limits : TraceLimits, optional
        How much of the traces is held in memory.

    Raises
    ------
    InputRefused
        If the fleet's identifier, the database or the trace store cannot be used.
    """
    if not _FLEET_ID.fullmatch(settings.fleet):
        raise InputRefused(
            "fleet_malformed",
            f"{settings.fleet!r} is no identifier of a fleet.",
            "Use letters, digits, dot, dash and underscore, at most 64, a letter or digit first.",
        )
    home = settings.home.expanduser().absolute()
    blobs = open_blobs(settings.traces_url, home, fleet_id=settings.fleet)
    try:
        make_folder(home)
        make_folder(blobs.scratch)
    except OSError as failure:
        raise InputRefused(
            "home_unusable",
            f"The folder {failure.filename} cannot be made: {failure.strerror}.",
            "Give another folder with --home, one that you may write to.",
        ) from failure
    known = connected(settings)
    zone = _fleet_zone(known, settings.fleet, settings.timezone)
    return Storage(
        known,
        home,
        blobs,
        fleet_id=settings.fleet,
        zone=zone,
        limits=limits or TraceLimits(),
    )


def fleets_on_record(settings: Settings) -> list[str]:
    """Every fleet of the installation, by identifier.

    Parameters
    ----------
    settings : Settings
        `home` and `database_url`.
    """
    known = connected(settings)
    table = tables.fleets
    try:
        with (
            _all_or_nothing(Transaction(known.engine, "", read_only=True)) as transaction,
            transaction.across("fleets") as connection,
        ):
            found = connection.scalars(select(table.c.fleet_id).order_by(table.c.fleet_id))
            return list(found)
    finally:
        known.give_back()


def key_on_record(settings: Settings, secret_sha256: str) -> KeyRow | None:
    """The key of a secret, by its digest, whichever fleet it is of; None if there is none.

    Parameters
    ----------
    settings : Settings
        `home` and `database_url`.
    secret_sha256 : str
        Of the secret.
    """
    known = connected(settings)
    try:
        with _all_or_nothing(Transaction(known.engine, "", read_only=True)) as transaction:
            return find_key(transaction, secret_sha256)
    finally:
        known.give_back()


@contextmanager
def workers_on_record(settings: Settings, *, read_only: bool) -> Iterator[WorkerBeats]:
    """The workers of the installation, to be looked at or noted.

    Parameters
    ----------
    settings : Settings
        `home` and `database_url`.
    read_only : bool
        True if nothing is noted.
    """
    known = connected(settings)
    try:
        with _all_or_nothing(Transaction(known.engine, "", read_only=read_only)) as transaction:
            yield WorkerBeats(transaction)
    finally:
        known.give_back()


def _fleet_zone(known: Connected, fleet_id: str, timezone: str) -> ZoneInfo:
    """The zone on record, which is that of the settings for a fleet that is new."""
    if fleet_id not in known.zones:
        known.zones[fleet_id] = _zone_on_record(known.engine, fleet_id, timezone)
    return known.zones[fleet_id]


def _zone_on_record(engine: Engine, fleet_id: str, timezone: str) -> ZoneInfo:
    table = tables.fleets
    on_record = select(table.c.timezone).where(table.c.fleet_id == fleet_id)
    with _all_or_nothing(Transaction(engine, fleet_id, read_only=True)) as transaction:
        found = transaction.reading.scalar(on_record)
    if found is None:
        with _all_or_nothing(Transaction(engine, fleet_id, read_only=False)) as transaction:
            found = transaction.writing.scalar(on_record)
            if found is None:
                found = timezone
                row = {"fleet_id": fleet_id, "timezone": timezone}
                transaction.writing.execute(insert(table).values(row))
    return ZoneInfo(found)


@contextmanager
def _all_or_nothing(transaction: Transaction) -> Iterator[Transaction]:
    """Commit if the block ends well, forget everything if it does not."""
    try:
        with outages_named():
            yield transaction
            connection = transaction.finished()
            if connection is not None:
                connection.commit()
    finally:
        transaction.close()


class Storage:
    """Everything on record of one fleet.

    Attributes
    ----------
    fleet_id : str
        The fleet.
    zone : ZoneInfo
        Its civil time zone, as on record.
    home : Path
        Folder of received files, rejections, results, and of the embedded defaults.
    """

    def __init__(
        self,
        known: Connected,
        home: Path,
        blobs: BlobFolder,
        *,
        fleet_id: str,
        zone: ZoneInfo,
        limits: TraceLimits,
    ) -> None:
        self.fleet_id = fleet_id
        self.zone = zone
        self.home = home
        self._known = known
        self._engine = known.engine
        self._blobs = blobs
        self._limits = limits

    def check_open(self) -> None:
        """Refuse early what would be refused when it is put on record.

        Raises
        ------
        FleetCarbonError
            If the fleet was closed down.
        """
        with _all_or_nothing(Transaction(self._engine, self.fleet_id, read_only=True)) as looked:
            refuse_if_closed_down(looked)

    def begin(
        self,
        *,
        read_only: bool = False,
        known_at: datetime | None = None,
        is_despite_closing: bool = False,
        is_beside_others: bool = False,
        reads_traces: bool = True,
    ) -> UnitOfWork:
        """Begin a unit of work: ``with storage.begin() as work``.

        Parameters
        ----------
        read_only : bool
            True for work that writes nothing: it sees one consistent state, and neither waits
            for a writer nor holds one up. A long computation reads in such a unit and writes
            its results in another.
        known_at : datetime, optional
            Read register, orders, prices and closing runs as they were known then, and write
            nothing.
        is_despite_closing : bool
            True for what must go on after the fleet was closed down: erasing a person, and who
            may look at the records and did.
        is_beside_others : bool
            True for work that neither waits for another writer of the fleet nor holds one up, as
            far as the database can: it changes only rows that it claims one by one.
        reads_traces : bool
            False for work that has nothing to do with traces and is done at every request: fixes
            that wait in journals stay there. Everything else finds them in segments.

        Raises
        ------
        FleetCarbonError
            If the fleet was closed down and the unit is to write.
        """
        read_only = read_only or known_at is not None
        transaction = Transaction(
            self._engine,
            self.fleet_id,
            read_only=read_only,
            known_at=known_at,
            is_alone=not is_beside_others,
        )
        if not (read_only or is_despite_closing):
            self.check_open()
            # Once more under the lock: it may be closed down while this one waits for it.
            transaction.when_begun(lambda: refuse_if_closed_down(transaction))
        reads_traces = reads_traces and not is_beside_others
        if reads_traces:  # before any lock is taken; a writer folds what comes meanwhile, too
            self.fold()
        files = ReceivedFiles(transaction, self.home)
        traces = self._traces(transaction, files)
        if reads_traces and not read_only:
            transaction.when_begun(traces.hold_and_fold)
        return UnitOfWork(transaction, self.home, files, traces=traces, reads_traces=reads_traces)

    def look(self) -> UnitOfWork:
        """Begin a unit of work that writes nothing and has nothing to do with traces: what people
        look at, asked for again and again, folds no journal.
        """
        return self.begin(read_only=True, reads_traces=False)

    def _traces(self, transaction: Transaction, files: ReceivedFiles) -> Traces:
        return Traces(
            transaction,
            files,
            self._blobs,
            home=self.home,
            limits=self._limits,
        )

    def fold(self, *, rows_min: int = 1) -> int:
        """Make segments of the fixes that wait in journals; nobody has to wait for it.

        Every reader of traces does so first, see `begin`; a worker does it beforehand.

        Parameters
        ----------
        rows_min : int
            Leave them if fewer wait.

        Returns
        -------
        rows_count : int
            Fixes that were folded.
        """
        rows_count = 0
        while rows := self._folded_once(rows_min):
            rows_count += rows
        return rows_count

    def waiting_fixes_count(self) -> int:
        """How many fixes wait in journals to become segments."""
        with _all_or_nothing(Transaction(self._engine, self.fleet_id, read_only=True)) as looked:
            return self._traces(looked, ReceivedFiles(looked, self.home)).journals.waiting_rows()

    def _folded_once(self, rows_min: int) -> int:
        with _all_or_nothing(Transaction(self._engine, self.fleet_id, read_only=True)) as looked:
            traces = self._traces(looked, ReceivedFiles(looked, self.home))
            if traces.journals.waiting_rows() < rows_min:
                return 0
            fold = traces.folding.next()
        segments = fold.written(self._blobs, self._limits)
        transaction = Transaction(self._engine, self.fleet_id, read_only=False, lock=TRACES_LOCK)
        with _all_or_nothing(transaction):
            traces = self._traces(transaction, ReceivedFiles(transaction, self.home))
            traces.folding.record(fold, segments)
        return int(fold.fixes.num_rows)

    def cut_shelf(self, month: str) -> CutShelf:
        """What was made of the traces of a month before; a cache, which is no record."""
        return CutShelf(self.home / "cuts" / self.fleet_id / month)

    def downloads(self) -> Downloads:
        """What was made to be fetched; no record."""
        return Downloads(self.home, self.fleet_id)

    def forget_deleted(self) -> None:
        """Let the database keep no copy of keys and names that are gone, as far as it can."""
        is_sqlite = self._engine.dialect.name == "sqlite"
        tables_with_copies = f"{person_keys.name}, {people.users.name}"
        asked = (
            "PRAGMA wal_checkpoint(TRUNCATE)" if is_sqlite else f"VACUUM FULL {tables_with_copies}"
        )
        with outages_named(), self._engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            with as_of_database(connection, asked) as raw:
                raw.execute(asked)

    def fleets_unguarded(self) -> str:
        """Why the database itself does not keep fleets apart; empty if it does."""
        with outages_named(), self._engine.connect() as connection:
            return tenancy.unguarded(connection)

    def close(self) -> None:
        """Close the connections to the database, unless this process keeps them."""
        self._known.give_back()


class UnitOfWork:
    """All or nothing: commits when its block ends well, forgets everything when it does not.

    The lock of a writer is taken when the database is first needed, and held to the end.

    Attributes
    ----------
    files : ReceivedFiles
    receptions : Receptions
    persons : Persons
    register : Register
    orders : Orders
    browsing : Browsing
    traces : Traces
    closings : Closings
    prices : Prices
    ledger : LedgerRecords
    lots : Lots
    claims : Claims
    access_keys : AccessKeys
    users : Users
    grants : Grants
    failures : Failures
    answers : Answers
    audit_trail : AuditTrail
    webhooks : Webhooks
    statement_publications : StatementPublications
    estimates : Estimates
    footprint_messages : FootprintMessages
    disputes : Disputes
    mailing : Mailing
    closing_downs : ClosingDowns
    handover : Handover
    """

    def __init__(
        self,
        transaction: Transaction,
        home: Path,
        files: ReceivedFiles,
        *,
        traces: Traces,
        reads_traces: bool = True,
    ) -> None:
        self._block = _all_or_nothing(transaction)
        self._transaction = transaction
        self.files = files
        self.receptions = Receptions(transaction, traces if reads_traces else None)
        self.persons = Persons(transaction, home)
        self.register = Register(transaction, self.files, self.persons)
        self.orders = Orders(transaction, self.files)
        self.browsing = Browsing(transaction, self.persons)
        self._segments = traces
        self._traces = traces if reads_traces else None
        self.closings = Closings(transaction, home)
        self.prices = Prices(transaction)
        self.ledger = LedgerRecords(transaction)
        self.checkpoints = Checkpoints(transaction, self.ledger)
        self.lots = Lots(transaction)
        self.claims = Claims(transaction)
        self.access_keys = AccessKeys(transaction)
        self.users = Users(transaction)
        self.grants = Grants(transaction)
        self.failures = Failures(transaction)
        self.answers = Answers(transaction)
        self.audit_trail = AuditTrail(transaction)
        self.webhooks = Webhooks(transaction)
        self.statement_publications = StatementPublications(transaction)
        self.estimates = Estimates(transaction)
        self.footprint_messages = FootprintMessages(transaction)
        self.disputes = Disputes(transaction, self.persons)
        self.mailing = Mailing(transaction)
        self.closing_downs = ClosingDowns(transaction)
        self.handover = Handover(transaction, self.ledger, self.checkpoints)

    @property
    def traces(self) -> Traces:
        """The fixes of the fleet, those from journals among them."""
        if self._traces is None:
            raise RuntimeError("this unit of work was begun without the traces")
        return self._traces

    def intake_state(self, desk: Arrivals) -> IntakeState:
        """How the record stands before anything arrives; from here on nobody else adds to it."""
        return intake_state(self._transaction, desk.version)

    def arrive(
        self,
        desk: Arrivals,
        arrivals: Sequence[Arrival],
        state: IntakeState,
        *,
        recorded_at: datetime,
    ) -> list[Taken]:
        """Put fixes of requests on record by a journal, and say what became of each request.

        Told to the desk afterwards must be whether the unit ended well.
        """
        return desk.put(self._segments, arrivals, state, recorded_at=recorded_at)

    def refuse_if_closed_down(self) -> None:
        """Refuse to add to the records of a fleet that was closed down."""
        refuse_if_closed_down(self._transaction)

    def any_bytes(self) -> AbstractContextManager[None]:
        """Read what is no text, too, for a check that names it instead of failing."""
        return self._transaction.reading_any_bytes()

    def __enter__(self) -> UnitOfWork:
        self._block.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._block.__exit__(kind, error, trace)
