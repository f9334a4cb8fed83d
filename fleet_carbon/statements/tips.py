"""The tip of a statement: rules with thresholds, always the same for the same data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]

# From where on something is worth a tip; no figure rests on these.
COVERAGE_SHARE_MIN = 0.95
UNPROVEN_SHARE_MIN = 0.05
UNKNOWN_SHARE_MIN = 0.03
APPROACH_KM_MIN = 100.0
IDLE_SHARE_MIN = 0.03
PAYLOAD_BELOW_SHARE = 0.05


@dataclass(frozen=True)
class Tip:
    """What to tell a driver.

    Attributes
    ----------
    code : str
        Which rule.
    numbers : dict of str to float
        What its sentence names.
    order_id : str
        The order it is about, if any.
    """

    code: str
    numbers: dict[str, float]
    order_id: str = ""


def tip_of(account: Row, chain: Mapping[str, float], orders: Sequence[Row]) -> Tip:
    """The tip that follows from an account: first what makes work count for nothing, then litres.

    Parameters
    ----------
    account : mapping
        Row of `frames.ACCOUNTS`, JSON-ready.
    chain : mapping of str to float
        Numbers of its derivation by name; may be empty.
    orders : sequence of mapping
        Its rows of `frames.ORDER_RESULTS`.
    """
    found = _unseen(account) or _dearest(account, chain, orders)
    return found or Tip("go_on", {})


def _unseen(account: Row) -> Tip | None:
    """What was done and does not count, because it was not seen or said."""
    coverage = account["coverage_share"]
    if coverage is not None and coverage < COVERAGE_SHARE_MIN:
        return Tip("missing_positions", {"share": coverage})
    count, matched = account["orders_count"], account["orders_matched_count"]
    if count and (count - matched) / count >= UNPROVEN_SHARE_MIN:
        return Tip("unproven_orders", {"count": count - matched, "all": count})
    if account["unknown_km"] >= UNKNOWN_SHARE_MIN * account["distance_km"] > 0:
        return Tip("unknown_km", {"km": account["unknown_km"]})
    return None


def _dearest(account: Row, chain: Mapping[str, float], orders: Sequence[Row]) -> Tip | None:
    """Of what took litres that could be spared, what took most."""
    rules: tuple[Callable[[], tuple[float, Tip] | None], ...] = (
        lambda: _approach(chain, orders),
        lambda: _idling(account, chain),
        lambda: _light_loads(account, chain),
    )
    found = [one for one in (rule() for rule in rules) if one is not None]
    return max(found, key=lambda one: one[0])[1] if found else None


def _approach(chain: Mapping[str, float], orders: Sequence[Row]) -> tuple[float, Tip] | None:
    proven = [order for order in orders if order["matched"] and order["approach_km"] is not None]
    if not proven:
        return None
    longest = max(proven, key=lambda order: float(order["approach_km"]))
    km = longest["approach_km"]
    if km < APPROACH_KM_MIN:
        return None
    if "empty_l_per_km" not in chain:
        return 0.0, Tip("longest_approach_km", {"km": km}, longest["order_id"])
    litres = km * chain["empty_l_per_km"]
    return litres, Tip("longest_approach", {"km": km, "litres": litres}, longest["order_id"])


def _idling(account: Row, chain: Mapping[str, float]) -> tuple[float, Tip] | None:
    litres, burnt_l = chain.get("idle_l"), account["diesel_l"]
    if litres is None or not burnt_l or litres < IDLE_SHARE_MIN * burnt_l:
        return None
    return litres, Tip("idling", {"hours": account["idle_h"], "litres": litres})


def _light_loads(account: Row, chain: Mapping[str, float]) -> tuple[float, Tip] | None:
    own, usual = account["payload_utilisation_share"], chain.get("counterfactual_payload_share")
    if own is None or usual is None or own > usual * (1 - PAYLOAD_BELOW_SHARE):
        return None
    lost_l = -min(0.0, account["saved_by_higher_load_l"] or 0.0)
    return lost_l, Tip("light_loads", {"own": own, "usual": usual})
