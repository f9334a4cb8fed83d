"""Train models on the fleet's own closed months; hold them against later ones."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.learning.cards import card_text
from fleet_carbon.learning.evaluation import Evaluation, evaluate
from fleet_carbon.learning.load_training import LoadSamples, proven_legs
from fleet_carbon.learning.making import make_fuel, make_loading
from fleet_carbon.learning.rows import month_samples
from fleet_carbon.learning.samples import FuelRules, FuelSamples, joined, sound_rows
from fleet_carbon.periods import parse_month
from fleet_carbon.quantification.editions import Edition, edition_in_force, fill_rules
from fleet_carbon.services.months import models
from fleet_carbon.services.months.models import ModelFile
from fleet_carbon.services.support import program
from fleet_carbon.services.support.progress import Progress, Silent
from fleet_carbon.settings import Settings
from fleet_carbon.statements import modelling
from fleet_carbon.storage.files import written_whole
from fleet_carbon.storage.results import ClosingRun
from fleet_carbon.storage.unit_of_work import Storage, UnitOfWork, open_storage

Rows = TypeVar("Rows", FuelSamples, LoadSamples)


@dataclass(frozen=True)
class Carded:
    """A model's card, and where the model lies.

    Attributes
    ----------
    card : dict
        As kept beside the model.
    path : Path
        The model file.
    is_new : bool
        Whether it was trained now.
    """

    card: dict[str, Any]
    path: Path
    is_new: bool

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"name": self.path.stem, "file": str(self.path), "card": self.card}

    def lines(self) -> list[str]:
        """The card for people."""
        said = [f"Kept as {self.path}.", ""] if self.is_new else []
        return [*said, *card_text(self.card).splitlines()]


@dataclass(frozen=True)
class Evaluated:
    """How a fuel model did on months after its training."""

    name: str
    evaluation: Evaluation

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"name": self.name, **self.evaluation.as_dict()}

    def lines(self) -> list[str]:
        """The errors for people."""
        return modelling.evaluation_lines(self.as_dict())


@dataclass(frozen=True)
class Listed:
    """The models that closes may use, of each kind the one to be preferred first."""

    models: list[dict[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"models": self.models}

    def lines(self) -> list[str]:
        """The models for people."""
        return modelling.model_lines(self.models)


@dataclass(frozen=True)
class _Closed:
    """Closed months to learn from, and the edition whose physics and rules are used."""

    storage: Storage
    months: list[str]
    edition: Edition
    progress: Progress

    @property
    def rules(self) -> FuelRules:
        return fill_rules(self.edition, "learning", FuelRules)

    def rows(self, of_month: Callable[[UnitOfWork, ClosingRun, Edition], Rows]) -> list[Rows]:
        """What the latest run of each month teaches."""
        parts = []
        self.progress.begin("Reading closed months", len(self.months), "months")
        for month in self.months:
            with self.storage.begin(read_only=True) as work:
                run = work.closings.latest(month)
                if run is not None:
                    parts.append(of_month(work, run, self.edition))
            self.progress.advance(1)
        self.progress.end()
        return parts


def train_model(
    settings: Settings,
    *,
    kind: str = models.FUEL,
    until: str | None = None,
    progress: Progress | None = None,
) -> Carded:
    """Train a model on the closed months and keep it in the home, with its card.

    It serves closes of later months. The same closed months give the same bytes.

    Parameters
    ----------
    settings : Settings
        Home and fleet.
    kind : str
        ``fuel``, from counters and receipts, or ``loading``, from orders proven.
    until : str, optional
        Last month to learn from, YYYY-MM; all closed months if not given.
    progress : Progress, optional
        Who is told how far it is.

    Raises
    ------
    InputRefused
        If there are too few months, or rows to learn from.
    """
    with closing(open_storage(settings)) as storage:
        closed = _closed(settings, storage, until, progress)
        told = _told(settings, closed)
        if kind == models.FUEL:
            made = make_fuel(closed.rows(_fuel_rows), closed.edition, told)
        else:
            made = make_loading(closed.rows(_load_rows), closed.edition, told)
    path = models.model_path(settings, kind, made.trained_until)
    files = made.files
    for suffix, content in files.items():
        with written_whole(path.with_suffix(suffix)) as target:
            target.write(content)
    return Carded(json.loads(files[".json"]), path, is_new=True)


def evaluate_model(
    settings: Settings, name: str | None = None, *, progress: Progress | None = None
) -> Evaluated:
    """Hold a fuel model against the closed months after its training.

    Parameters
    ----------
    settings : Settings
        Home and fleet.
    name : str, optional
        Model; the one that closes prefer for the last closed month if not given.
    progress : Progress, optional
        Who is told how far it is.

    Raises
    ------
    NotFound
        If there is no such model.
    InputRefused
        If no month after its training was closed, or none has measured litres.
    """
    with closing(open_storage(settings)) as storage:
        closed = _closed(settings, storage, None, progress)
        file = _chosen(settings, models.FUEL, name, before=closed.months[-1])
        model = models.opened(file)
        rows = sound_rows(joined(closed.rows(_fuel_rows)), closed.rules)
    test = rows.taken(rows.month > model.trained_until)
    if not len(test):
        raise InputRefused(
            "nothing_to_evaluate_on",
            f"No closed month after {model.trained_until} has measured litres.",
            "Close later months with fuel counters or receipts, or look at the model's card.",
        )
    before = [rows.taken(rows.month <= model.trained_until)]
    return Evaluated(file.name, evaluate(model, before, test))


def show_card(settings: Settings, name: str | None = None, *, kind: str = models.FUEL) -> Carded:
    """The card of a model; of the one that closes prefer if no name is given.

    Raises
    ------
    NotFound
        If there is no such model, or its card is gone.
    """
    file = _chosen(settings, kind, name, before=None)
    path = file.path.with_suffix(".json")
    if not path.is_file():
        raise NotFound("model_card_missing", f"{file.name} has no card.", "Train it anew.")
    return Carded(json.loads(path.read_bytes()), file.path, is_new=False)


def list_models(settings: Settings) -> Listed:
    """Every model that closes may use."""
    files = [file for kind in models.KINDS for file in models.model_files(settings, kind)]
    return Listed(
        [
            {
                "kind": file.kind,
                "name": file.name,
                "trained_until": file.trained_until,
                "origin": "home" if file.is_own else "shipped",
                "digest": hashlib.sha256(file.path.read_bytes()).hexdigest(),
                "file": str(file.path),
            }
            for file in files
        ]
    )


def _fuel_rows(work: UnitOfWork, run: ClosingRun, edition: Edition) -> FuelSamples:
    return month_samples(
        work.closings.table(run, "legs"),
        work.closings.table(run, "receipts"),
        work.register.read("vehicles"),
        month=run.month,
        edition=edition,
    )


def _load_rows(work: UnitOfWork, run: ClosingRun, edition: Edition) -> LoadSamples:
    legs, vehicles = work.closings.table(run, "legs"), work.register.read("vehicles")
    return proven_legs(legs, vehicles, month=run.month, edition=edition)


def _closed(
    settings: Settings, storage: Storage, until: str | None, progress: Progress | None
) -> _Closed:
    last = None if until is None else str(parse_month(until, storage.zone))
    with storage.begin(read_only=True) as work:
        months = [month for month in work.closings.months() if last is None or month <= last]
    if not months:
        raise InputRefused(
            "no_closed_months",
            "No month was closed" + (f" until {last}." if last else "."),
            "Close months with `fleet-carbon close MONTH` first.",
        )
    first_day = parse_month(months[-1], storage.zone).first_day
    edition = edition_in_force(settings.models_dir, first_day)
    return _Closed(storage, months, edition, progress or Silent())


def _told(settings: Settings, closed: _Closed) -> dict[str, str]:
    return {
        "source": f"closed months {closed.months[0]} to {closed.months[-1]}"
        f" of the fleet {settings.fleet}",
        "edition": closed.edition.label,
        "program": program.program_version(),
    }


def _chosen(settings: Settings, kind: str, name: str | None, *, before: str | None) -> ModelFile:
    """The model of that name, or the preferred one whose data end before a month."""
    files = models.model_files(settings, kind)
    if name is not None:
        fitting = [file for file in files if file.name == name]
    else:
        fitting = [file for file in files if before is None or file.trained_until < before]
    if not fitting:
        known = ", ".join(file.name for file in files) or "none"
        raise NotFound(
            "model_not_found",
            f"There is no {kind} model {name!r}." if name else f"No {kind} model serves.",
            f"Known: {known}. `fleet-carbon models train` makes one.",
        )
    return fitting[0]
