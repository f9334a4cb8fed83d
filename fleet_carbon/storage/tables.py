"""The tables, the same for SQLite and PostgreSQL. Moments are integers: ms since 1970, UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    event,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from fleet_carbon import frames
from fleet_carbon.periods import from_epoch_ms, to_epoch_ms

SCHEMA_VERSION = 8
METADATA = MetaData()


class Moment(TypeDecorator[datetime]):
    """An aware moment, kept as whole milliseconds so that both databases agree on it."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """Milliseconds of an aware moment."""
        return None if value is None else to_epoch_ms(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Aware UTC moment."""
        return None if value is None else from_epoch_ms(value)


_SQL_TYPES: dict[str, TypeEngine[Any]] = {
    frames.TEXT: Text(),
    frames.INTEGER: BigInteger(),
    frames.NUMBER: Double(),
    frames.FLAG: Boolean(),
    frames.MOMENT: BigInteger(),
    frames.DAY: Text(),
}


def fleet_column() -> Column[Any]:
    """First part of the key of every table."""
    return Column("fleet_id", Text, primary_key=True)


def sequence_column() -> Column[Any]:
    """The number of a row among those of its fleet."""
    # Given by the writer under the fleet's lock: both databases then agree on the order.
    return Column("sequence", BigInteger, primary_key=True, autoincrement=False)


def _received_from_file() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["fleet_id", "file_id"], ["files.fleet_id", "files.file_id"])


def _part_of_reception() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["fleet_id", "reception"], ["receptions.fleet_id", "receptions.sequence"]
    )


def _reception_column(*, primary_key: bool = False) -> Column[Any]:
    return Column(
        "reception", BigInteger, primary_key=primary_key, autoincrement=False, nullable=False
    )


def _versions_of(frame: frames.Frame) -> Table:
    """Table of every version of the frame's rows, in the order in which they were recorded."""
    name = f"{frame.name}_versions"
    return Table(
        name,
        METADATA,
        fleet_column(),
        sequence_column(),
        Column("file_id", Text, nullable=False),
        _reception_column(),
        Column("recorded_at", Moment, nullable=False),
        Column("key_text", Text, nullable=False),
        Column("content_sha256", Text, nullable=False),
        *(
            Column(column.name, _SQL_TYPES[column.dtype], nullable=not column.required)
            for column in frame.columns
        ),
        _received_from_file(),
        _part_of_reception(),
        # The reception stands in the index so that the newest in force is found in it alone.
        Index(f"{name}_by_key", "fleet_id", "key_text", "sequence", "reception"),
        Index(f"{name}_by_file", "fleet_id", "file_id"),
        Index(f"{name}_by_reception", "fleet_id", "reception"),
    )


schema_version = Table(
    "schema_version",
    METADATA,
    Column("version", Integer, primary_key=True, autoincrement=False),
)

fleets = Table(
    "fleets",
    METADATA,
    fleet_column(),
    Column("timezone", Text, nullable=False),
)

files = Table(
    "files",
    METADATA,
    fleet_column(),
    Column("file_id", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("received_at", Moment, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
)

# One ingest of one file: the same file may be received again, as another kind or otherwise read.
receptions = Table(
    "receptions",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("file_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("options", Text, nullable=False),
    Column("received_at", Moment, nullable=False),
    _received_from_file(),
    Index("receptions_by_file", "fleet_id", "file_id"),
)

# Known only when the file was read to its end, and what is on record is never updated.
reception_counts = Table(
    "reception_counts",
    METADATA,
    fleet_column(),
    _reception_column(primary_key=True),
    Column("rows_accepted", BigInteger, nullable=False),
    Column("rows_duplicate", BigInteger, nullable=False),
    Column("rows_rejected", BigInteger, nullable=False),
    _part_of_reception(),
)

withdrawals = Table(
    "withdrawals",
    METADATA,
    fleet_column(),
    sequence_column(),
    _reception_column(),
    Column("reason", Text, nullable=False),
    Column("withdrawn_at", Moment, nullable=False),
    _part_of_reception(),
    UniqueConstraint("fleet_id", "reception"),
)

VERSIONS: dict[str, Table] = {
    frame.name: _versions_of(frame)
    for frame in (
        frames.VEHICLES,
        frames.DRIVERS,
        frames.ASSIGNMENTS,
        frames.ORDERS,
        frames.ENERGY,
        frames.BASELINES,
    )
}

# Orders of years are on record, and a close wants those of a few weeks.
Index("orders_by_time", VERSIONS["orders"].c.fleet_id, VERSIONS["orders"].c.delivery_time)

_orders = VERSIONS["orders"].c
# Which version of an order is in force is found in the index alone.
Index(
    "orders_by_order",
    _orders.fleet_id,
    _orders.order_id,
    _orders.version,
    _orders.sequence,
    _orders.reception,
)
# What a manager sees of one customer is told by that customer's orders of a year, in it alone.
Index(
    "orders_by_shipper",
    *(_orders.fleet_id, _orders.shipper_id, _orders.delivery_time, _orders.pickup_time),
    *(_orders.order_id, _orders.sequence, _orders.reception),
)
# Pages of the orders of a truck, in the order of recording.
Index("orders_by_vehicle", _orders.fleet_id, _orders.vehicle_id, _orders.sequence)
# Whether a reception reaches into a month is found in it alone.
Index(
    "orders_by_reception_and_time",
    *(_orders.fleet_id, _orders.reception, _orders.pickup_time, _orders.delivery_time),
)


def _codes_of(kind: str) -> Table:
    """Dictionary that gives each identifier the small integer that stands for it in segments."""
    return Table(
        f"{kind}_codes",
        METADATA,
        fleet_column(),
        Column("code", Integer, primary_key=True, autoincrement=False),
        Column(f"{kind}_id", Text, nullable=False),
        UniqueConstraint("fleet_id", f"{kind}_id"),
    )


vehicle_codes = _codes_of("vehicle")
CODES = {"vehicle": vehicle_codes, "driver": _codes_of("driver")}

# Every change of the trace store is one version; what was in force at it can be read again.
trace_versions = Table(
    "trace_versions",
    METADATA,
    fleet_column(),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
)

# Versions from `from_version` to before `until_version` whose segments were removed for good.
trace_removals = Table(
    "trace_removals",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("from_version", BigInteger, nullable=False),
    Column("until_version", BigInteger, nullable=False),
    Column("removed_at", Moment, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
)

# Bytes that come again after a withdrawal are the same file, on record with another number.
segments = Table(
    "segments",
    METADATA,
    fleet_column(),
    Column("segment", BigInteger, primary_key=True, autoincrement=False),
    Column("segment_id", Text, nullable=False),
    Column("month", Text, nullable=False),
    Column("bucket", Integer, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("time_ms_min", BigInteger, nullable=False),
    Column("time_ms_max", BigInteger, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("footer_bytes", BigInteger, nullable=False),
    Column("footer_crc32", BigInteger, nullable=False),
    Column("from_version", BigInteger, nullable=False),
    Column("until_version", BigInteger),
    ForeignKeyConstraint(
        ["fleet_id", "from_version"], ["trace_versions.fleet_id", "trace_versions.version"]
    ),
    ForeignKeyConstraint(
        ["fleet_id", "until_version"], ["trace_versions.fleet_id", "trace_versions.version"]
    ),
    Index("segments_by_bucket", "fleet_id", "month", "bucket"),
    Index("segments_by_time", "fleet_id", "time_ms_min", "time_ms_max"),
)


def _part_of_segment() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(
        ["fleet_id", "segment"], ["segments.fleet_id", "segments.segment"], ondelete="CASCADE"
    )


segment_receptions = Table(
    "segment_receptions",
    METADATA,
    fleet_column(),
    Column("segment", BigInteger, primary_key=True, autoincrement=False),
    _reception_column(primary_key=True),
    Column("rows", BigInteger, nullable=False),
    Column("time_ms_min", BigInteger, nullable=False),
    Column("time_ms_max", BigInteger, nullable=False),
    _part_of_segment(),
    _part_of_reception(),
    Index("segment_receptions_by_reception", "fleet_id", "reception"),
)

segment_vehicles = Table(
    "segment_vehicles",
    METADATA,
    fleet_column(),
    Column("segment", BigInteger, primary_key=True, autoincrement=False),
    Column("vehicle_code", Integer, primary_key=True, autoincrement=False),
    Column("offset_rows", BigInteger, nullable=False),
    Column("rows", BigInteger, nullable=False),
    Column("time_ms_min", BigInteger, nullable=False),
    Column("time_ms_max", BigInteger, nullable=False),
    Column("mark_a", BigInteger, nullable=False),
    Column("mark_b", BigInteger, nullable=False),
    _part_of_segment(),
    Index("segment_vehicles_by_vehicle", "fleet_id", "vehicle_code"),
)

prices = Table(
    "prices",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("series", Text, nullable=False),
    Column("price", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("valid_from", Text, nullable=False),
    Column("recorded_at", Moment, nullable=False),
    # What the price is for: empty is any market, vintage or grade.
    Column("market", Text, nullable=False),
    Column("vintage", Text, nullable=False),
    Column("grade", Text, nullable=False),
    Column("floor", Text),
    Column("is_saleable", Boolean, nullable=False),
)

closing_runs = Table(
    "closing_runs",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("run_id", Text, nullable=False),
    Column("month", Text, nullable=False),
    Column("edition_label", Text, nullable=False),
    Column("edition_digest", Text, nullable=False),
    Column("inputs", Text, nullable=False),
    Column("closed_at", Moment, nullable=False),
    Column("summary", Text, nullable=False),
    Column("changes", Text, nullable=False),
    # What a run names is never removed.
    Column("trace_version", BigInteger),
    UniqueConstraint("fleet_id", "run_id"),
    Index("closing_runs_by_month", "fleet_id", "month", "sequence"),
)

closing_tables = Table(
    "closing_tables",
    METADATA,
    fleet_column(),
    sequence_column(),
    Column("name", Text, primary_key=True),
    Column("digest_sha256", Text, nullable=False),
    Column("rows", BigInteger, nullable=False),
    ForeignKeyConstraint(
        ["fleet_id", "sequence"], ["closing_runs.fleet_id", "closing_runs.sequence"]
    ),
)

APPEND_ONLY = (
    closing_runs,
    closing_tables,
    prices,
    receptions,
    reception_counts,
    withdrawals,
    trace_versions,
    trace_removals,
)


def after_create(table: Table, dialect: str, statement: str) -> None:
    """Let a statement follow the making of a table, in one of the databases."""
    ddl = DDL(statement)  # type: ignore[no-untyped-call]  # untyped in SQLAlchemy 2.1
    event.listen(table, "after_create", ddl.execute_if(dialect=dialect))


def only_grows(table: Table) -> None:
    """Let the database itself refuse to change or delete what is on record."""
    name = table.name
    for verb in ("UPDATE", "DELETE"):
        # INSERT OR REPLACE slips past unless recursive_triggers is on, see database.py.
        after_create(
            table,
            "sqlite",
            f"CREATE TRIGGER {name}_no_{verb.lower()} BEFORE {verb} ON {name} "
            f"BEGIN SELECT RAISE(ABORT, '{name} only grows: {verb} refused'); END",
        )
    for statement in (
        f"CREATE FUNCTION {name}_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION '{name} only grows: %% refused', TG_OP; END $$",
        f"CREATE TRIGGER {name}_no_change BEFORE UPDATE OR DELETE ON {name} "
        f"FOR EACH ROW EXECUTE FUNCTION {name}_only_grows()",
        f"CREATE TRIGGER {name}_no_truncate BEFORE TRUNCATE ON {name} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {name}_only_grows()",
    ):
        after_create(table, "postgresql", statement)


for _table in APPEND_ONLY:
    only_grows(_table)
