"""The command line: parse, call one service, answer.

Standard output carries the answer, with `--json` exactly one JSON object; progress and
messages go to standard error. Exit code 0 is success, 1 a refused input or a failed check,
2 wrong usage. Services are imported inside the commands, so that help answers at once.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

import typer

from fleet_carbon.errors import FleetCarbonError, InputRefused, NotFound

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

    from fleet_carbon.services.progress import Progress
    from fleet_carbon.settings import Settings

OK, REFUSED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130
_LINE_EVERY_S = 5.0

Kind = Literal["vehicles", "drivers", "assignments", "orders", "positions", "energy", "baselines"]
HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Folder of the records. [default: ./fleet-carbon-home]"),
]
FleetOption = Annotated[str | None, typer.Option("--fleet", help="Fleet. [default: default]")]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output.")
]
MonthArgument = Annotated[str, typer.Argument(metavar="MONTH", help="Month as YYYY-MM.")]
OutputOption = Annotated[
    Path | None, typer.Option("-o", "--output", help="File to write; its suffix names the format.")
]
FormatOption = Annotated[
    str | None, typer.Option("--format", help="csv, parquet, xlsx or json.", show_default=False)
]

app = typer.Typer(
    name="fleet-carbon",
    help="Freight carbon accounts: from orders and GPS traces to provable grams of CO2.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
)
price_app = typer.Typer(
    help="Carbon and diesel prices by series and date.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(price_app, name="price")
traces_app = typer.Typer(
    help="The trace store: what it holds, and how it is kept well.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(traces_app, name="traces")


class Report(Protocol):
    """What every service answers."""

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        ...

    def lines(self) -> list[str]:
        """Text for people."""
        ...


@dataclass
class Session:
    """What the options before the command said; those after it overrule."""

    home: Path | None = None
    fleet: str | None = None
    as_json: bool = False

    def hear(self, home: Path | None, fleet: str | None, as_json: bool) -> None:
        """Take up what one more place of the command line says."""
        self.home = home or self.home
        self.fleet = fleet or self.fleet
        self.as_json = as_json or self.as_json

    def settings(self, **given: Any) -> Settings:
        """The settings from environment and options, read once."""
        return _read_settings(home=self.home, fleet=self.fleet, **given)

    def settings_on_record(self, **given: Any) -> Settings:
        """The settings of a home that is there: a command that reads makes none."""
        settings = self.settings(**given)
        if settings.database_url or settings.home.expanduser().is_dir():
            return settings
        raise NotFound(
            "home_not_found",
            f"There are no records in {settings.home}: the folder does not exist.",
            "Run `fleet-carbon ingest` or `fleet-carbon demo` first, or name another --home.",
        )

    def answer(self, report: Report) -> None:
        """Print the report: as JSON, or as text for people."""
        if self.as_json:
            _print_json(report.as_dict())
        else:
            typer.echo("\n".join(report.lines()))


def _tell_version(wanted: bool) -> None:
    if not wanted:
        return
    from fleet_carbon.services import doctoring

    typer.echo(f"fleet-carbon {doctoring.program_version()}")
    raise typer.Exit(OK)


@app.callback()
def root(
    context: typer.Context,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_tell_version, is_eager=True, help="Print the version and stop."
        ),
    ] = False,
) -> None:
    """Freight carbon accounts: from orders and GPS traces to provable grams of CO2."""
    _session(context, home, fleet, as_json)


@price_app.callback()
def price_root() -> None:
    """Carbon and diesel prices by series and date."""


@traces_app.callback()
def traces_root() -> None:
    """The trace store: what it holds, and how it is kept well."""


@app.command()
def ingest(
    context: typer.Context,
    kind: Annotated[Kind, typer.Argument(help="What the files hold.")],
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="CSV, Parquet, XLSX or JSON lines.")
    ],
    *,
    crs: Annotated[
        Literal["wgs84", "gcj02", "bd09"] | None,
        typer.Option(help="Coordinate system of the files. [default: wgs84]"),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(help="Zone of times without offset. [default: the fleet's zone]"),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(help="Source profile (YAML): names, units, zone and coordinates of a source."),
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take files in; refused rows are named, the good ones kept."""
    session = _session(context, home, fleet, as_json)
    from fleet_carbon.services import ingesting

    with _progress() as progress:
        report = ingesting.ingest_files(
            session.settings(),
            kind,
            files,
            source=ingesting.Source(source, crs, timezone),
            progress=progress,
        )
    session.answer(report)
    if report.rows_rejected:
        raise typer.Exit(REFUSED)


@app.command()
def files(
    context: typer.Context,
    *,
    kind: Annotated[Kind | None, typer.Option(help="Only files ingested as this.")] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the files that were ingested, with their ids, row counts and withdrawals."""
    session = _session(context, home, fleet, as_json)
    from fleet_carbon.services import withdrawing

    session.answer(withdrawing.list_files(session.settings_on_record(), kind))


@app.command()
def withdraw(
    context: typer.Context,
    file_id: Annotated[
        str, typer.Argument(metavar="FILE_ID", help="Id from `files`: at least its first 6 digits.")
    ],
    *,
    reason: Annotated[str, typer.Option(help="Why it is taken back; kept on record.")],
    kind: Annotated[
        Kind | None, typer.Option(help="Only what it brought when ingested as this.")
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take back everything a file brought; nothing is deleted, and it may be ingested again."""
    session = _session(context, home, fleet, as_json)
    from fleet_carbon.services import withdrawing

    wanted = withdrawing.WithdrawalRequest(file_id, reason, kind)
    session.answer(withdrawing.withdraw_file(session.settings_on_record(), wanted))


@app.command()
def close(
    context: typer.Context,
    month: MonthArgument,
    *,
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="threads, processes, or a Dask scheduler: tcp://host:8786. [default: threads]"
        ),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="Trucks worked on at a time. [default: one per processor]")
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compute a month's legs, diesel, CO2 and savings, and post the ledger."""
    session = _session(context, home, fleet, as_json)
    from fleet_carbon.services import closing

    with _progress() as progress:
        settings = session.settings_on_record(scheduler=scheduler, workers=workers)
        report = closing.close_month(settings, month, progress=progress)
    session.answer(report)


@app.command()
def accounts(
    context: typer.Context,
    month: MonthArgument,
    *,
    output: OutputOption = None,
    format_name: FormatOption = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the driver accounts of a month: one row per driver and vehicle."""
    session = _session(context, home, fleet, as_json)
    _write_table(session, "accounts", month, output, format_name)


@app.command()
def legs(
    context: typer.Context,
    month: MonthArgument,
    *,
    output: OutputOption = None,
    format_name: FormatOption = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the legs of a month: loaded, empty or unknown, with reason and confidence."""
    session = _session(context, home, fleet, as_json)
    _write_table(session, "legs", month, output, format_name)


@app.command()
def orders(
    context: typer.Context,
    month: MonthArgument,
    *,
    output: OutputOption = None,
    format_name: FormatOption = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the orders of a month: matched or not and why, planned and realised."""
    session = _session(context, home, fleet, as_json)
    _write_table(session, "orders", month, output, format_name)


@price_app.command("set")
def price_set(
    context: typer.Context,
    series: Annotated[str, typer.Argument(help="Name of the series, for example CEA or diesel.")],
    *,
    price: Annotated[str, typer.Option(help="Price of one unit, a decimal number.")],
    currency: Annotated[str, typer.Option(help="ISO 4217, for example CNY.")],
    unit: Annotated[Literal["t", "l"], typer.Option(help="t for carbon, l for diesel.")],
    valid_from: Annotated[str, typer.Option("--from", help="First day in force, YYYY-MM-DD.")],
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put a price on record; earlier prices stay on record."""
    session = _session(context, home, fleet, as_json)
    from fleet_carbon.services import pricing

    wanted = pricing.PriceRequest(series, price, currency, unit, valid_from)
    session.answer(pricing.set_price(session.settings(), wanted))


@price_app.command("list")
def price_list(
    context: typer.Context,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the prices on record."""
    session = _session(context, home, fleet, as_json)
    from fleet_carbon.services import pricing

    session.answer(pricing.list_prices(session.settings()))


@traces_app.command("list")
def traces_list(
    context: typer.Context,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the stored positions by month and bucket of trucks, with size and versions."""
    session = _session(context, home, fleet, as_json)
    from fleet_carbon.services import tracekeeping

    session.answer(tracekeeping.list_traces(session.settings_on_record()))


@traces_app.command("compact")
def traces_compact(
    context: typer.Context,
    *,
    month: Annotated[str | None, typer.Option(help="Only this UTC month, YYYY-MM.")] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put the segments of each month and bucket together: smaller, and faster to read."""
    session = _session(context, home, fleet, as_json)
    from fleet_carbon.services import tracekeeping

    with _progress() as progress:
        report = tracekeeping.compact_traces(
            session.settings_on_record(), month=month, progress=progress
        )
    session.answer(report)


@traces_app.command("verify")
def traces_verify(
    context: typer.Context,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read every stored segment and compare its digest; exit 1 if one is missing or changed."""
    session = _session(context, home, fleet, as_json)
    from fleet_carbon.services import tracekeeping

    with _progress() as progress:
        report = tracekeeping.verify_traces(session.settings_on_record(), progress=progress)
    session.answer(report)
    if not report.is_well:
        raise typer.Exit(REFUSED)


@traces_app.command("export")
def traces_export(
    context: typer.Context,
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="Empty, or with an earlier export.")
    ],
    *,
    month: Annotated[str | None, typer.Option(help="Only this UTC month, YYYY-MM.")] = None,
    version: Annotated[
        int | None, typer.Option(min=1, help="The positions as they were at this version.")
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the positions in force as a Delta Lake table for Spark, DuckDB, Polars and others."""
    session = _session(context, home, fleet, as_json)
    from fleet_carbon.services import exporting

    with _progress() as progress:
        report = exporting.export_traces(
            session.settings_on_record(), folder, month=month, version=version, progress=progress
        )
    session.answer(report)


@traces_app.command("clean")
def traces_clean(
    context: typer.Context,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be removed.")
    ] = False,
    age_h: Annotated[
        float, typer.Option("--older-than", help="Only what is older than this, in hours.")
    ] = 24.0,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove segments that nothing needs any more, and files that broken-off commands left."""
    session = _session(context, home, fleet, as_json)
    from fleet_carbon.services import tracekeeping

    session.answer(
        tracekeeping.clean_traces(session.settings_on_record(), is_dry_run=dry_run, age_h=age_h)
    )


@app.command()
def demo(
    context: typer.Context,
    *,
    case: Annotated[
        Literal["manbang"] | None,
        typer.Option(help="A worked example instead of the sample fleet."),
    ] = None,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the sample fleet from files to a driver's account, or a worked example."""
    session = _session(context, home, fleet, as_json)
    if case:
        from fleet_carbon.services import exemplifying

        session.answer(exemplifying.run_case(session.settings(), case))
        return
    from fleet_carbon.services import demonstrating

    with _progress() as progress:
        report = demonstrating.run_sample_fleet(session.settings(), progress=progress)
    session.answer(report)


@app.command()
def doctor(
    context: typer.Context,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the installation and the records; exit 1 if something is broken."""
    session = _session(context, home, fleet, as_json)
    from fleet_carbon.services import doctoring

    report = doctoring.examine(session.settings())
    session.answer(report)
    if not report.is_well:
        raise typer.Exit(REFUSED)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: the one place where errors become messages."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    session = Session(as_json="--json" in words)
    try:
        command = typer.main.get_command(app)
        code = command.main(words, prog_name="fleet-carbon", standalone_mode=False, obj=session)
    except FleetCarbonError as refused:
        _report_error(refused, session)
        return REFUSED
    except typer.TyperException as misuse:
        _report_misuse(misuse, session)
        return WRONG_USAGE
    except Exception as fault:
        _report_fault(fault, session)
        return REFUSED
    if code == INTERRUPTED:
        typer.echo("Stopped. Nothing half-done is on record; run it again to go on.", err=True)
    return code if isinstance(code, int) else OK


def _session(
    context: typer.Context, home: Path | None, fleet: str | None, as_json: bool
) -> Session:
    session = context.find_object(Session) or Session()
    session.hear(home, fleet, as_json)
    return session


def _read_settings(**given: Any) -> Settings:
    from pydantic import ValidationError

    from fleet_carbon.settings import Settings

    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as wrong:
        first = wrong.errors()[0]
        name = "FLEET_CARBON_" + "_".join(str(part) for part in first["loc"]).upper()
        raise InputRefused(
            "setting_refused", f"{name}: {first['msg']}", "Correct the variable or unset it."
        ) from wrong


def _write_table(
    session: Session, name: str, month: str, output: Path | None, format_name: str | None
) -> None:
    from fleet_carbon.services import reading

    try:
        format_name = reading.output_format(output, format_name)
    except InputRefused as unknown:
        raise typer.BadParameter(f"{unknown.message} {unknown.hint}") from unknown
    table = reading.read_table(session.settings_on_record(), name, month)
    if output is not None and format_name is not None:
        table.write(output, format_name)
    if session.as_json:
        _print_json(table.as_dict() | ({"file": str(output)} if output else {}))
    elif output is not None:
        typer.echo(f"{len(table.rows):,} rows of {name} {month} written to {output}")
    elif format_name is None and sys.stdout.isatty():
        typer.echo("\n".join(table.lines()))
    else:
        sys.stdout.write(table.as_text(format_name or "csv"))


def _print_json(report: dict[str, Any]) -> None:
    shown = _without_negative_zero(report)
    sys.stdout.write(json.dumps(shown, ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def _without_negative_zero(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_negative_zero(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_without_negative_zero(one) for one in value]
    return value + 0.0 if isinstance(value, float) else value


def _report_error(refused: FleetCarbonError, session: Session) -> None:
    typer.echo(f"fleet-carbon: {refused.message}", err=True)
    if refused.hint:
        typer.echo(f"  {refused.hint}", err=True)
    if session.as_json:
        _print_json(json.loads(json.dumps(refused.as_dict(), default=str)))


def _report_misuse(misuse: typer.TyperException, session: Session) -> None:
    show = getattr(misuse, "show", None)
    if show is not None:
        show()
    if session.as_json:
        _print_json(FleetCarbonError("wrong_usage", str(misuse), "See --help.").as_dict())


def _report_fault(fault: Exception, session: Session) -> None:
    import traceback

    from fleet_carbon.services import doctoring

    details = "".join(traceback.format_exception(fault))
    log = doctoring.keep_fault(session.home, details)
    message = f"Something went wrong inside the program: {type(fault).__name__}: {fault}"
    hint = f"The details are in {log}. Nothing half-done was kept."
    _report_error(FleetCarbonError("internal_fault", message, hint, log=str(log)), session)


@contextmanager
def _progress() -> Iterator[Progress]:
    """Progress on standard error: bars where somebody looks on, else one line per task."""
    if not sys.stderr.isatty():
        yield _ProgressLines()
        return
    from rich.console import Console
    from rich.progress import Progress as RichProgress

    with RichProgress(*_bar_columns(), console=Console(stderr=True)) as bars:
        yield _ProgressBars(bars)


def _bar_columns() -> list[Any]:
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    return [
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        TextColumn("{task.completed:,.0f} {task.fields[unit]}"),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    ]


class _ProgressBars:
    """One bar per task, with rate and time left."""

    def __init__(self, bars: RichProgress) -> None:
        self._bars = bars
        self._task: TaskID | None = None

    def begin(self, task: str, total: int | None, unit: str) -> None:
        self._task = self._bars.add_task(task, total=total, unit=unit, rate="")

    def advance(self, count: int) -> None:
        if self._task is None:
            return
        self._bars.advance(self._task, count)
        speed = self._bars.tasks[self._task].speed
        if speed:
            self._bars.update(self._task, rate=f"{speed:,.1f}/s")

    def end(self) -> None:
        if self._task is None:
            return
        done = self._bars.tasks[self._task].completed
        self._bars.update(self._task, total=done, completed=done)
        self._task = None


class _ProgressLines:
    """One line at the end of each task, and one now and then while it lasts."""

    def __init__(self) -> None:
        self._task, self._unit = "", ""
        self._total: int | None = None
        self._done = 0
        self._started_s = self._told_s = 0.0

    def begin(self, task: str, total: int | None, unit: str) -> None:
        self._task, self._unit, self._total, self._done = task, unit, total, 0
        self._started_s = self._told_s = time.monotonic()

    def advance(self, count: int) -> None:
        self._done += count
        if time.monotonic() - self._told_s > _LINE_EVERY_S:
            self._told_s = time.monotonic()
            self._tell()

    def end(self) -> None:
        self._total = None
        self._tell()

    def _tell(self) -> None:
        took_s = max(time.monotonic() - self._started_s, 1e-9)
        rate = self._done / took_s
        line = f"{self._task}: {self._done:,} {self._unit} in {took_s:.1f} s ({rate:,.1f}/s)"
        if self._total and rate:
            line += f", {(self._total - self._done) / rate:.0f} s left"
        typer.echo(line, err=True)


if __name__ == "__main__":
    sys.exit(main())
