"""What a model says of itself: where it comes from, how wrong it is, where it may speak."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from fleet_carbon.learning.evaluation import Evaluation
from fleet_carbon.learning.samples import FuelRules, Split
from fleet_carbon.quantification.features import FEATURES
from fleet_carbon.quantification.fitted import FORMAT, FittedFuel

LIBRARIES = ("numpy", "scikit-learn", "scipy", "skops")

Card = dict[str, Any]


def fuel_card(
    model: FittedFuel,
    split: Split,
    evaluation: Evaluation,
    *,
    rules: FuelRules,
    data: Mapping[str, str],
) -> Card:
    """The card of a fuel model, JSON-ready.

    Parameters
    ----------
    model, split, evaluation
        The model, its rows, and how it did.
    rules : FuelRules
        Seed and promise.
    data : mapping of str to str
        Where the rows come from (`source`) and the version of the program (`program`).
    """
    parts = (split.train, split.calibrate, split.test)
    return {
        "model": FORMAT,
        "predicts": "measured per physical litres of a leg, or of the legs between two fills",
        **data,
        "energy": model.energy,
        "physics_digest": model.physics_digest,
        "trained_until": model.trained_until,
        "serves": f"months after {model.trained_until}",
        "rows": {
            name: {
                "count": len(part),
                "trucks_count": len(set(part.vehicle_id.tolist())),
                "months": [part.months[0], part.months[-1]],
                "measured_l": round(float(part.measured_l.sum()), 1),
                "digest": part.digest(),
            }
            for name, part in zip(("train", "calibrate", "test"), parts, strict=True)
        },
        "promised_coverage_share": rules.coverage_share,
        "evaluation": evaluation.as_dict(),
        "spread": {
            "trucks_about_their_class_share": round(model.between_share, 4),
            "rows_of_100_l_about_their_truck_share": round(model.within_share, 4),
        },
        "valid_range": [
            {
                "feature": feature.name,
                "unit": feature.unit,
                "lowest": float(f"{low:.5g}"),
                "highest": float(f"{high:.5g}"),
                "may_miss": bool(feature.may_miss and missing),
                "monotone_up": feature.is_only_up,
            }
            for feature, low, high, missing in zip(
                FEATURES,
                model.valid.lowest,
                model.valid.highest,
                model.valid.has_missing,
                strict=True,
            )
        ],
        "rated_payloads_t": [float(one) for one in model.valid.payloads_t],
        "seed": rules.seed,
        "libraries": library_versions(),
    }


def library_versions() -> dict[str, str]:
    """Versions that a model was made with."""
    return {name: version(name) for name in LIBRARIES}


def card_bytes(card: Mapping[str, Any]) -> bytes:
    """A card as it is kept beside its model."""
    return (json.dumps(card, indent=2, ensure_ascii=False) + "\n").encode()


def card_text(card: Mapping[str, Any]) -> str:
    """A card for people, in Markdown."""
    lines = [f"# {card['model']}", ""]
    for key, value in card.items():
        if isinstance(value, Mapping):
            lines += ["", f"## {_words(key)}", ""]
            lines += _table(value)
        elif isinstance(value, Sequence) and value and isinstance(value[0], Mapping):
            lines += ["", f"## {_words(key)}", "", *_rows(value)]
        elif key != "model":
            lines.append(f"- {_words(key)}: {_told(value)}")
    return "\n".join(lines) + "\n"


def _table(found: Mapping[str, Any]) -> list[str]:
    plain = {key: value for key, value in found.items() if not _is_nested(value)}
    lines = [f"- {_words(key)}: {_told(value)}" for key, value in plain.items()]
    groups = {key: value for key, value in found.items() if isinstance(value, Mapping)}
    if groups:
        lines += ["", *_rows([{"of": _words(key), **value} for key, value in groups.items()])]
    for key, value in found.items():
        if _is_nested(value) and not isinstance(value, Mapping):
            lines += ["", f"### {_words(key)}", "", *_rows(value)]
    return lines


def _rows(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    flat = [_flat(row) for row in rows]
    head = list(flat[0])
    return [
        f"| {' | '.join(_words(name) for name in head)} |",
        f"|{'---|' * len(head)}",
        *(f"| {' | '.join(_told(row.get(name)) for name in head)} |" for row in flat),
    ]


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in row.items():
        found.update(value if isinstance(value, Mapping) else {key: value})
    return found


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, Sequence) and bool(value) and isinstance(value[0], Mapping)
    )


def _words(name: str) -> str:
    return name.replace("_", " ")


def _told(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(_told(one) for one in value)
    return "" if value is None else str(value)
