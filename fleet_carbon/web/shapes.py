"""The shapes of what is asked and answered, as OpenAPI tells them."""

from __future__ import annotations

import re
from copy import deepcopy
from functools import cache
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    create_model,
    field_validator,
)

from fleet_carbon import frames
from fleet_carbon.services.intake.ingesting import DIALECTS

_TYPES: dict[str, type] = {
    frames.TEXT: str,
    frames.INTEGER: int,
    frames.NUMBER: float,
    frames.FLAG: bool,
    frames.MOMENT: str,
    frames.DAY: str,
}
_INTEGER = re.compile(r"-?\d{1,20}", re.ASCII)
MONTH_PATTERN = r"^\d{4}-(0[1-9]|1[0-2])$"
Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
# Of a query, where everything is text: empty is the same as nothing.
Optional = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
OptionalMonth = Annotated[str, Field(pattern=r"^(\d{4}-(0[1-9]|1[0-2]))?$")]


class Asked(BaseModel):
    """Of the parts of a request nothing is taken that is not known."""

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _digits_alone(cls, given: Any, info: ValidationInfo) -> Any:
        """A whole number is digits: not `1_0`, `5.0` or ` 5`, which a reader would take for one."""
        told = cls.model_fields[info.field_name or ""].annotation
        if told in (int, int | None) and isinstance(given, str) and not _INTEGER.fullmatch(given):
            raise ValueError("a whole number is digits alone")
        return given

    @classmethod
    def model_json_schema(cls, *positional: Any, **named: Any) -> dict[str, Any]:
        """The schema, made once: every request asks for it, with no words more."""
        made = _schema_of(cls, positional, tuple(sorted(named.items())))
        # Who describes the routes takes it apart; a request only looks at it.
        return deepcopy(made) if positional or named else made


@cache
def _schema_of(
    model: type[Asked], positional: tuple[Any, ...], named: tuple[tuple[str, Any], ...]
) -> dict[str, Any]:
    return super(Asked, model).model_json_schema(*positional, **dict(named))


class AskedBody(BaseModel):
    """Of a body also no other type than the one that is meant."""

    model_config = ConfigDict(extra="forbid", strict=True)


def row_model(frame: frames.Frame, role: str = "Row") -> type[BaseModel]:
    """The rows of a table, with definition and unit of every column; named by frame and role."""
    fields: dict[str, Any] = {}
    for column in frame.columns:
        kind: Any = _TYPES[column.dtype]
        told = column.text + (f" [{column.unit}]" if column.unit else "")
        # Outside its first stage a column may be left out, and comes as null.
        fields[column.name] = (kind | None, Field(description=told))
    return create_model(f"{frame.name.title().replace('_', '')}{role}", **fields)


class MonthPath(Asked):
    """A month of the fleet's zone."""

    month: str = Field(pattern=MONTH_PATTERN, description="YYYY-MM", examples=["2026-10"])


class DriverPath(MonthPath):
    """A driver in a month."""

    driver_id: Name


class PageQuery(Asked):
    """Which part of a table."""

    limit: int = Field(100, ge=1, le=1000, description="Rows at most.")
    cursor: str = Field("", max_length=400, description="next_cursor of the page before.")


_OF_WHOM: dict[str, Any] = {
    "driver_id": (Name | None, Field(None, description="Only rows of this driver.")),
    "vehicle_id": (Name | None, Field(None, description="Only rows of this truck.")),
}
TABLE_FILTERS: dict[str, dict[str, Any]] = {
    "legs": {"state": Literal["loaded", "empty", "unknown", ""]},
    "orders": {"matched": Literal["true", "false", ""], "reason_code": Optional},
    "receipts": {"verdict": Optional},
}
"""What the rows of a table can be asked for by, besides driver and truck."""


def table_query(name: str, frame: frames.Frame) -> type[PageQuery]:
    """Which part of a table of this name."""
    columns = [column.name for column in frame.columns]
    fields: dict[str, Any] = {name: told for name, told in _OF_WHOM.items() if name in columns}
    fields |= {
        column: (kind, Field("", description=f"Only rows of this {column}."))
        for column, kind in TABLE_FILTERS.get(name, {}).items()
    }
    return create_model(f"{name.title()}TableQuery", __base__=PageQuery, **fields)


class LanguageQuery(Asked):
    """In which language, and of which truck."""

    language: str = Field("en", pattern="^(en|zh)$")
    vehicle_id: Annotated[Name | None, Field(description="Only this truck.")] = None


class IntakeQuery(Asked):
    """How rows are read."""

    crs: Annotated[
        str | None,
        Field(pattern="^(wgs84|gcj02|bd09)$", description="System of coordinates. [wgs84]"),
    ] = None
    time_zone: Annotated[
        str | None,
        Field(max_length=64, description="IANA zone of times without offset. [the fleet's]"),
    ] = None


class RowsQuery(IntakeQuery):
    """How the rows of a body are read."""

    dialect: Annotated[
        str | None,
        Field(
            max_length=64,
            description="System or standard by whose forms the body is written. [our columns]",
            json_schema_extra={"enum": [*DIALECTS]},
        ),
    ] = None
    vehicle_id: Annotated[
        Name | None, Field(description="Truck of all rows that name none. [refused]")
    ] = None


class RejectionTold(BaseModel):
    """A row that was refused, and why."""

    file: str
    line: int = Field(description="Row of the body from 1; line of a CSV with its header.")
    column: str
    code: str
    text: str


class SuspicionTold(BaseModel):
    """Something that looks wrong in the rows as a whole."""

    code: str
    text: str
    evidence: str
    remedy: str


class IntakeTold(BaseModel):
    """What became of the rows: rows_read = rows_accepted + rows_duplicate + rows_rejected."""

    kind: str
    digest_sha256: str = Field(description="Of the body; the record names it.")
    reception: int = Field(description="By which files, rejections and withdrawal know it.")
    rows_read: int
    rows_accepted: int
    rows_duplicate: int = Field(description="On record already, and left as they are.")
    rows_rejected: int
    rejections: list[RejectionTold] = Field(
        description="The first of them; all stand in files/{reception}/rejections."
    )
    suspicions: list[SuspicionTold]
    columns_ignored: list[str]
    columns_taken: dict[str, str] = Field(
        default_factory=dict, description="Our columns by the headings they were known by."
    )
    remarks: dict[str, int] = Field(
        description="Counts, such as orders_late: kept, while a higher version stays in force."
    )


class GuessTold(BaseModel):
    """How something about the rows was found."""

    what: str
    value: str
    evidence: str = Field(description="What it rests on.")


class TakenColumnTold(BaseModel):
    """A column of ours, and what was taken for it."""

    name: str
    heading: str = Field(description="As the body has it.")
    evidence: str = Field(description="Why it is taken for that.")
    unit: str = Field(description="In the body, what it becomes, and who says so.")
    first: str = Field(description="The first cell as it stands there.")


class PreviewTold(BaseModel):
    """What rows would be read as; nothing was kept."""

    kind: str
    kept: bool = Field(description="Always false.")
    rows_read: int = Field(description="Rows looked at, from the first on.")
    rows_rejected: int = Field(description="Those of them that would be refused.")
    guesses: list[GuessTold]
    columns: list[TakenColumnTold]
    columns_ignored: list[str]
    offers: dict[str, str] = Field(description="Our columns that ignored ones may be.")
    rows: list[dict[str, Any]] = Field(
        description="The first as understood; moments in UTC and, ending in _local, of the fleet."
    )
    rejections: list[RejectionTold]
    suspicions: list[SuspicionTold]
    remarks: dict[str, int]


class JobPath(Asked):
    """A job."""

    job_id: str = Field(max_length=100, pattern=r"^[\w-]+$")


class JobsQuery(Asked):
    """Which jobs."""

    kind: Annotated[Name | None, Field(description="Only jobs of this kind.")] = None
    under_way: bool = Field(False, description="Only jobs that wait or run.")
    limit: int = Field(100, ge=1, le=1000, description="Jobs at most.")
    cursor: str = Field("", max_length=8000, description="next_cursor of the page before.")


class ProgressTold(BaseModel):
    """How far a job is; empty if it is not under way."""

    task: str = ""
    done_count: int = 0
    total_count: int | None = None
    unit: str = ""


class JobTold(BaseModel):
    """A job as it stands."""

    job_id: str
    kind: str
    arguments: dict[str, Any] = {}
    state: str = Field(description="waiting, running, done, failed or cancelled.")
    asked_at: str
    changed_at: str
    progress: ProgressTold
    result: dict[str, Any] | None
    problem: dict[str, Any] | None


class JobsTold(BaseModel):
    """Jobs, newest first."""

    jobs: list[JobTold]
    next_cursor: str


class MonthTold(BaseModel):
    """A month that was closed."""

    month: str
    run_id: str
    edition: str
    closed_at: str


class MonthsTold(BaseModel):
    """The months that were closed."""

    months: list[MonthTold]


class KeyAsked(AskedBody):
    """A key that is to be made."""

    name: str = Field(min_length=1, max_length=100, description="The system or person it is for.")
    role: Literal["admin", "manager", "dispatcher", "auditor", "driver", "customer"]
    driver_id: str = Field("", max_length=200, description="Of the role driver: whose account.")
    valid_days: Annotated[int | None, Field(ge=1, le=3650)] = None
    scopes: list[Annotated[str, Field(max_length=40)]] = Field(
        [], max_length=40, description="Deeds of the role that it is narrowed to; none: all."
    )
    shippers: list[Name] = Field(
        [], max_length=100, description="Of the role customer: whose shipments it opens."
    )


class KeyPath(Asked):
    """A key."""

    key_id: str = Field(max_length=100, pattern=r"^[0-9a-f]+$")


class KeyTold(BaseModel):
    """A key, without its secret."""

    key_id: str
    name: str
    role: str
    driver_id: str
    scopes: list[str]
    shippers: list[str]
    created_at: str
    expires_at: str | None
    ended_at: str | None
    is_valid: bool


class KeysTold(BaseModel):
    """Keys; the secret of a new one is told once and never again."""

    keys: list[KeyTold]
    secret: str = ""


class StateTold(BaseModel):
    """A month as it stands."""

    month: str
    state: Literal["open", "closed", "stale"] = Field(
        description="open: never closed; stale: something came since that belongs to it."
    )
    is_over: bool = Field(description="Whether it can be closed.")
    has_data: bool = Field(description="Whether positions came; without any a close has no rows.")
    changed_since: list[str] = Field(description="What came: kinds, prices, earlier_months.")
    run: dict[str, Any] | None = Field(description="The close that speaks for it.")
    runs_count: int


class RunTold(BaseModel):
    """One close of a month, and what it changed."""

    run_id: str
    edition: str
    closed_at: str
    changes_count: int
    summary: dict[str, Any]
    changes: list[dict[str, Any]] = Field(
        [], description="By account: figures before and after, and the sources that changed."
    )


class RunsTold(BaseModel):
    """Closes of a month, the newest first."""

    runs: list[RunTold]


class StatementTold(BaseModel):
    """A statement that can be had."""

    driver_id: str
    vehicle_ids: list[str] = Field(description="The trucks driven.")
    co2_credited_g: int
    location: str = Field(description="Where the signed statement is.")


class StatementsTold(BaseModel):
    """Statements of a month."""

    statements: list[StatementTold]


class RunPath(MonthPath):
    """A close of a month."""

    run_id: Name


class PriceAsked(AskedBody):
    """A price that is to be put on record."""

    series: str = Field(min_length=1, max_length=100)
    price: str = Field(max_length=40, description="Decimal number as text.", examples=["95.50"])
    currency: str = Field(pattern="^[A-Z]{3}$")
    unit: str = Field(pattern="^(t|l)$", description="t of CO2 or l of diesel.")
    valid_from: str = Field(pattern=r"^\d{4}-\d\d-\d\d$")
    market: str = Field("", max_length=100)
    vintage: str = Field("", max_length=7)
    grade: str = Field("", pattern="^(measured|modelled|default|)$")
    floor: Annotated[str | None, Field(max_length=40)] = None
    is_saleable: bool = True


class PricesTold(BaseModel):
    """Prices on record."""

    prices: list[dict[str, Any]]


class AuditQuery(Asked):
    """Which part of the audit log."""

    before: Annotated[int | None, Field(ge=1, le=2**62)] = None
    limit: int = Field(100, ge=1, le=1000)


class Told(BaseModel):
    """An answer whose parts the documentation of the command of the same name tells."""

    model_config = ConfigDict(extra="allow")
