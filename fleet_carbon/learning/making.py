"""From rows to a model that can be kept: split by date, trained, held against the last months."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fleet_carbon.learning.cards import Card, card_bytes, card_text, fuel_card
from fleet_carbon.learning.evaluation import evaluate
from fleet_carbon.learning.keeping import file_bytes
from fleet_carbon.learning.load_training import (
    LoadSamples,
    evaluate_loads,
    load_card,
    split_loads,
    train_loads,
)
from fleet_carbon.learning.loading import LoadingRules
from fleet_carbon.learning.samples import FuelRules, FuelSamples, joined, split_by_month, usable
from fleet_carbon.learning.training import train
from fleet_carbon.quantification.editions import Edition, fill_rules


@dataclass(frozen=True)
class Made:
    """A model as it is kept.

    Attributes
    ----------
    trained_until : str
        Last month any of its data is from, YYYY-MM.
    data : bytes
        The model file.
    card : dict
        What it says of itself.
    """

    trained_until: str
    data: bytes
    card: Card

    @property
    def files(self) -> dict[str, bytes]:
        """By suffix; the model last, so that what can be used has its card."""
        text = card_text(self.card).encode()
        return {".json": card_bytes(self.card), ".md": text, ".skops": self.data}


def make_fuel(parts: Sequence[FuelSamples], edition: Edition, told: Mapping[str, str]) -> Made:
    """Make the fuel model of some months.

    Parameters
    ----------
    parts : sequence of FuelSamples
        Rows of each month.
    edition : Edition
        Section `learning`, and the physics that the rows hold.
    told : mapping of str to str
        What the card says of where the rows come from.

    Raises
    ------
    InputRefused
        If there are too few months or rows.
    """
    rules = fill_rules(edition, "learning", FuelRules)
    split = split_by_month(usable(joined(parts), rules), rules)
    model = train(split, rules, edition=edition)
    evaluation = evaluate(model, (split.train, split.calibrate), split.test)
    data = file_bytes(model.contents())
    card = fuel_card(model, split, evaluation, rules=rules, data=_with_digest(told, data))
    return Made(model.trained_until, data, card)


def make_loading(parts: Sequence[LoadSamples], edition: Edition, told: Mapping[str, str]) -> Made:
    """Make the classifier of empty and loaded legs of some months.

    Parameters
    ----------
    parts : sequence of LoadSamples
        Proven legs of each month.
    edition : Edition
        Sections `learning` and `loading`.
    told : mapping of str to str
        What the card says of where the rows come from.

    Raises
    ------
    InputRefused
        If there are too few months or rows, or one of the two states is missing among them.
    """
    rules = fill_rules(edition, "learning", FuelRules)
    samples = split_loads(parts, rules)
    classifier = train_loads(samples, rules)
    loading_rules = fill_rules(edition, "loading", LoadingRules)
    evaluation = evaluate_loads(classifier, samples[-1], loading_rules)
    data = file_bytes(classifier.contents())
    about = _with_digest(told, data)
    card = load_card(classifier, samples, evaluation, edition=edition, data=about)
    return Made(classifier.trained_until, data, card)


def _with_digest(told: Mapping[str, str], data: bytes) -> dict[str, str]:
    return {**told, "digest": hashlib.sha256(data).hexdigest()}
