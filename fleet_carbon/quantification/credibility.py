"""What is known of the driver himself draws to it what others are taken to tell of him.

A cohort or the line of a class tells what drivers like him do, and he differs from them as they
differ from one another. Where his own months are known, before joining or since, each of the others
is an estimate of the same driver only together with these, in the proportion in which they are sure
(credibility). Months that lie too far from all that others do, and from what he has done since,
are not believed to be his usual ones: then nothing is drawn to them.
"""

from __future__ import annotations

import math
from dataclasses import replace

from fleet_carbon.quantification.baseline import Candidates
from fleet_carbon.quantification.counterfactual import Baseline
from fleet_carbon.quantification.uncertainty import UncertaintyRules, baseline_standards

OWN_DOUBTED = "own_months_doubted"
_OWN, _COHORT, _CLASS = "own_history", "cohort", "declared_class"


def drawn_to_own(
    found: Candidates, *, doubt_index: float, rules: UncertaintyRules
) -> tuple[Candidates, frozenset[str]]:
    """The counterfactuals with those of others drawn to the driver's own months.

    Parameters
    ----------
    found : Candidates
        As they stand side by side, and what his months since joining tell.
    doubt_index : float
        How many joint standard uncertainties own months may look worse than others.
    rules : UncertaintyRules
        Section `uncertainty`, for those that do not state how sure they are.

    Returns
    -------
    drawn : Candidates
        In the same order. Without months of his own, or where these are doubted, as they were.
    sources : frozenset of str
        Kinds that were drawn.

    Notes
    -----
    With absolute variances v of own months and w of another: ``(w own + v other) / (v + w)`` with
    variance ``v w / (v + w)``, for either share; the efficiency is that of the own months, for
    others tell nothing of it. Months before joining and what those since tell of them come
    together first, in the same way.

    References
    ----------
    H. Buehlmann, A. Gisler, A Course in Credibility Theory, 2005, chapter 2: the mean of two
    unbiased estimates, weighted by their precision.
    """
    known = _known(found)
    others = [one for one in found.baselines if one.source in (_COHORT, _CLASS)]
    if known is None or not others:
        return found, frozenset()
    spread = {one.source: _spread(one, found.of(_COHORT), rules) for one in others}
    # What others were seen to do is a better witness than a line that is declared for all.
    witness = found.of(_COHORT) or others[0]
    if _none_bears_out(found, witness, spread[witness.source], doubt_index):
        return replace(found, notes=found.notes | {OWN_DOUBTED}), frozenset()
    drawn = tuple(
        replace(_together(known, one, spread[one.source]), is_drawn=True)
        if one.source in spread
        else one
        for one in found.baselines
    )
    return replace(found, baselines=drawn), frozenset(spread)


def _known(found: Candidates) -> Baseline | None:
    """What is known of the driver himself: his months before joining with what those since tell."""
    own, since = found.of(_OWN), found.since
    if own is None or since is None:
        return own or since
    return _together(own, since, (since.empty_standard_share, since.payload_standard_share))


def _none_bears_out(
    found: Candidates, witness: Baseline, spread: tuple[float, float], doubt_index: float
) -> bool:
    """Whether the driver's months look bad beside others, and beside what he has done since.

    Who is usually emptier than others is so after joining as well; who only was before is not.
    """
    own, since = found.of(_OWN), found.since
    told = own or since
    witnesses = [(witness, spread)]
    if own is not None and since is not None:
        witnesses.append((since, (since.empty_standard_share, since.payload_standard_share)))
    return told is not None and all(
        _is_doubted(told, one, of_one, doubt_index) for one, of_one in witnesses
    )


def _spread(
    other: Baseline, cohort: Baseline | None, rules: UncertaintyRules
) -> tuple[float, float]:
    """How far one driver may lie from the others: a class is no narrower than its drivers are."""
    stated = baseline_standards(other, rules)
    if cohort is None:
        return stated
    of_drivers = baseline_standards(cohort, rules)
    empty, payload = (max(pair) for pair in zip(stated, of_drivers, strict=True))
    return empty, payload


def _is_doubted(
    own: Baseline, other: Baseline, spread: tuple[float, float], doubt_index: float
) -> bool:
    """Whether own months look so much worse than the others that they are no usual ones."""
    worse = (
        own.empty_share - other.empty_share,
        other.payload_utilisation_share - own.payload_utilisation_share,
    )
    return any(
        by > doubt_index * math.hypot(*pair)
        for by, pair in zip(worse, _standards(own, other, spread), strict=True)
    )


def _together(own: Baseline, other: Baseline, spread: tuple[float, float]) -> Baseline:
    of_empty, of_payload = _standards(own, other, spread)
    empty_share, empty_standard, _ = _mean(own.empty_share, other.empty_share, *of_empty)
    payload_share, payload_standard, weight = _mean(
        own.payload_utilisation_share, other.payload_utilisation_share, *of_payload
    )
    return replace(
        other,
        empty_share=empty_share,
        payload_utilisation_share=payload_share,
        efficiency_index=own.efficiency_index,
        efficiency_standard_share=own.efficiency_standard_share,
        efficiency_scatter_share=own.efficiency_scatter_share,
        empty_standard_share=empty_standard,
        payload_standard_share=payload_standard,
        of_orders_share=weight * own.of_orders_share + (1 - weight) * other.of_orders_share,
    )


def _standards(
    own: Baseline, other: Baseline, spread: tuple[float, float]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Absolute standard uncertainties of own months and of the other, of either share."""
    return (
        (own.empty_standard_share * own.empty_share, spread[0] * other.empty_share),
        (
            own.payload_standard_share * own.payload_utilisation_share,
            spread[1] * other.payload_utilisation_share,
        ),
    )


def _mean(
    own: float, other: float, own_standard: float, other_standard: float
) -> tuple[float, float, float]:
    """Mean by precision, its relative standard uncertainty, and the weight of the first."""
    variances = own_standard**2 + other_standard**2
    if variances == 0:
        return own, 0.0, 1.0
    weight = other_standard**2 / variances
    mean = weight * own + (1 - weight) * other
    standard = own_standard * other_standard / math.sqrt(variances)
    return mean, standard / mean if mean > 0 else 0.0, weight
