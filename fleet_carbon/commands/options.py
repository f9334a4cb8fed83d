"""What every command is told: its options, and the session they make."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from fleet_carbon.errors import InputRefused, NotFound

if TYPE_CHECKING:
    from fleet_carbon.settings import Settings

OK, REFUSED, WRONG_USAGE, INTERRUPTED = 0, 1, 2, 130

Kind = Literal["vehicles", "drivers", "assignments", "orders", "positions", "energy", "baselines"]
HomeOption = Annotated[
    Path | None,
    typer.Option("--home", help="Folder of the records. [default: ./fleet-carbon-home]"),
]
FleetOption = Annotated[str | None, typer.Option("--fleet", help="Fleet. [default: default]")]
JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON object on standard output.")
]
LanguageOption = Annotated[
    Literal["en", "zh"], typer.Option("--language", "--lang", help="English or Chinese.")
]
MonthArgument = Annotated[str, typer.Argument(metavar="MONTH", help="Month as YYYY-MM.")]
OutputOption = Annotated[
    Path | None, typer.Option("-o", "--output", help="File to write; its suffix names the format.")
]
FormatOption = Annotated[
    str | None, typer.Option("--format", help="csv, parquet, xlsx or json.", show_default=False)
]

DistanceOption = Annotated[
    Literal["gcd", "sfd"] | None,
    typer.Option(
        help="Activity by the great circle, or by the shortest feasible distance where orders tell"
        " it; else by that of the edition."
    ),
]


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


def heard(context: typer.Context, home: Path | None, fleet: str | None, as_json: bool) -> Session:
    """The session of the command, with what its own options say."""
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
