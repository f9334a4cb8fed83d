"""Who gets what of a credited figure: the dated shares, and the splitting of whole numbers.

The rules come as plain data from a file a person wrote; everything in it is looked at.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from math import lcm
from typing import Any, NamedTuple

from fleet_carbon.errors import ModelRefused

PARTIES = ("driver", "fleet", "platform", "buffer")
STATUSES = ("measured", "published", "derived", "assumed")
_FILE_KEYS = {"name", "title", "rules"}
_RULE_KEYS = {"valid_from", "recorded_on", "status", "source", "text", "shares"}
_SHARE = re.compile(r"(0(\.\d{1,6})?|1(\.0{1,6})?)")


class Parts(NamedTuple):
    """A figure by party. [g]"""

    driver_g: int
    fleet_g: int
    platform_g: int
    buffer_g: int


@dataclass(frozen=True)
class SharingRule:
    """The shares in force from a day on.

    Attributes
    ----------
    name : str
        Name of the set of rules.
    valid_from, recorded_on : date
        First day of the months it holds for; the day it was published.
    status, source, text : str
        How well founded it is, a key of the list of sources, and why the shares are these.
    shares : dict of str to Decimal
        By party of `PARTIES`; they add up to 1.
    """

    name: str
    valid_from: date
    recorded_on: date
    status: str
    source: str
    text: str
    shares: dict[str, Decimal]

    @cached_property
    def weights(self) -> tuple[int, ...]:
        """The shares as whole numbers, in the order of `PARTIES`."""
        ratios = [self.shares[party].as_integer_ratio() for party in PARTIES]
        whole = lcm(*(below for _, below in ratios))
        return tuple(above * whole // below for above, below in ratios)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything the rule says."""
        said = {
            "name": self.name,
            "valid_from": self.valid_from.isoformat(),
            "recorded_on": self.recorded_on.isoformat(),
            "status": self.status,
            "source": self.source,
            "text": self.text,
            "shares": {party: str(self.shares[party]) for party in PARTIES},
        }
        written = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(written.encode()).hexdigest()

    def parts(self, figure_g: int) -> Parts:
        """Split a figure; the parts add up to it.

        Parameters
        ----------
        figure_g : int
            Credited mass, 0 or more. [g]
        """
        return Parts(*apportion(figure_g, self.weights))


def apportion(total: int, weights: Sequence[int]) -> list[int]:
    """Split a whole number by weights so that the parts add up to it: the largest remainder.

    Every part is its exact share rounded down; what is left goes one by one to the largest
    fractions lost, of equal ones to the first (A. Hamilton 1792; H. F. Niemeyer 1970).

    Parameters
    ----------
    total : int
        What is split, 0 or more: grams or minor units of money.
    weights : sequence of int
        0 or more, not all 0.

    Returns
    -------
    parts : list of int
        In the order of the weights; none differs from its exact share by 1 or more.

    Examples
    --------
    >>> apportion(11, [7, 1, 1, 1])
    [8, 1, 1, 1]
    """
    whole = sum(weights)
    if type(total) is not int or total < 0 or whole <= 0 or min(weights) < 0:
        raise ValueError(f"{total} cannot be split by {list(weights)}")
    parts = [total * weight // whole for weight in weights]
    left = total - sum(parts)
    if left:
        lost = [-(total * weight % whole) for weight in weights]
        for place in sorted(range(len(parts)), key=lost.__getitem__)[:left]:
            parts[place] += 1
    return parts


def rule_in_force(rules: Iterable[SharingRule], day: date) -> SharingRule:
    """The rule of the latest start not after a day.

    Raises
    ------
    ModelRefused
        If none is in force on that day.
    """
    begun = [rule for rule in rules if rule.valid_from <= day]
    if not begun:
        raise _refused("models/sharing", f"no shares are in force on {day}")
    return max(begun, key=lambda rule: rule.valid_from)


def read_rules(file: str, document: Mapping[str, Any], sources: set[str]) -> list[SharingRule]:
    """Check a file of rules and return them in order of start.

    A rule is published before it begins, except the first: so the split of a month that is
    over, and perhaps closed, never changes.

    Parameters
    ----------
    file : str
        Name of the file, for messages.
    document : mapping
        What it holds.
    sources : set of str
        Keys of the list of sources.

    Raises
    ------
    ModelRefused
        At the first fault, with rule and what was expected.
    """
    _keys(file, document, _FILE_KEYS)
    entries = document["rules"]
    if not isinstance(entries, list) or not entries:
        raise _refused(file, "has no list of rules")
    rules = [_read_rule(file, str(document["name"]), entry, sources) for entry in entries]
    for before, after in pairwise(rules):
        if after.valid_from <= before.valid_from:
            raise _refused(file, f"the rule from {after.valid_from} does not stand in order")
        if after.recorded_on > after.valid_from:
            raise _refused(file, f"the rule from {after.valid_from} was published after it began")
    return rules


def lock_text(rules: Iterable[SharingRule]) -> str:
    """The lock of published rules: a line for each, digest first, by name and start."""
    lines = sorted((f"{rule.name} {rule.valid_from}", rule.digest) for rule in rules)
    return (
        "# sha256 of every published rule of sharing. Lines are added, never changed.\n"
        + "".join(f"{digest}  {name}\n" for name, digest in lines)
    )


def check_lock(rules: Iterable[SharingRule], lock: str) -> None:
    """Hold rules against their lock.

    Raises
    ------
    ModelRefused
        If one is not locked, was changed, or is gone.
    """
    expected, found = (
        {line for line in text.splitlines() if line and not line.startswith("#")}
        for text in (lock, lock_text(rules))
    )
    if expected != found:
        named = ", ".join(sorted({line.split("  ", 1)[-1] for line in expected ^ found}))
        raise ModelRefused(
            "sharing_not_as_locked",
            f"Rules of sharing differ from their lock: {named}.",
            "A published rule is never changed: publish another one, from a later day.",
        )


def _read_rule(file: str, name: str, entry: Any, sources: set[str]) -> SharingRule:
    if not isinstance(entry, dict):
        raise _refused(file, f"a rule is {entry!r}, expected keys {sorted(_RULE_KEYS)}")
    where = f"{file}, rule from {entry.get('valid_from', '?')}"
    _keys(where, entry, _RULE_KEYS)
    for key in ("valid_from", "recorded_on"):
        if type(entry[key]) is not date:
            raise _refused(where, f"{key} is {entry[key]!r}, expected a day YYYY-MM-DD")
    if entry["status"] not in STATUSES:
        raise _refused(where, f"status is {entry['status']!r}, expected one of {STATUSES}")
    if entry["source"] not in sources:
        raise _refused(where, f"source {entry['source']!r} is not in sources.yaml")
    if not isinstance(entry["text"], str) or not entry["text"].strip():
        raise _refused(where, "text is empty: say why the shares are these")
    shares = _read_shares(where, entry["shares"])
    return SharingRule(name=name, **{**entry, "shares": shares})


def _read_shares(where: str, given: Any) -> dict[str, Decimal]:
    if not isinstance(given, dict):
        raise _refused(where, f"shares is {given!r}, expected a share for each of {PARTIES}")
    _keys(where, given, set(PARTIES))
    for party, share in given.items():
        if not isinstance(share, str) or not _SHARE.fullmatch(share):
            raise _refused(where, f'the share of {party} is {share!r}, expected "0.10" in quotes')
    shares = {party: Decimal(given[party]) for party in PARTIES}
    if sum(shares.values()) != 1:
        raise _refused(where, f"the shares add up to {sum(shares.values())}, expected 1")
    return shares


def _keys(where: str, given: Mapping[str, Any], expected: set[str]) -> None:
    if set(given) != expected:
        raise _refused(where, f"has the keys {sorted(given)}, expected {sorted(expected)}")


def _refused(where: str, why: str) -> ModelRefused:
    return ModelRefused(
        "sharing_refused", f"{where}: {why}.", "See the header of the file for the form."
    )
