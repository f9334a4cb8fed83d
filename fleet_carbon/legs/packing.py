"""The consistent choice of most gain among orders that compete, exactly, where they are few.

Orders are decided one after the other. What the decisions leave behind for the orders still to come
is what is aboard where these may ride, and which of their standings are explained already; of all
ways that leave the same behind only the best is followed (dynamic programming). A way is given up
when it cannot gain a wanted sum even if nothing stood between the orders still to come; if none
reaches the sum, a smaller one is wanted. So the best way found is the best there is. There may be
too many ways to follow: then this says so, and another method has to decide.

Compiled, for it loops over ways. No fastmath and no parallel sums: the same bits on every run.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

# What is kept of each slot of a way: the load aboard behind it, whether an order is loaded there,
# whether one is unloaded there.
_LOAD, _LOADS, _UNLOADS = 0, 1, 2
_TOLERANCE_T = 1e-9
# Gains are sums of some ten numbers of order ten; nearer ones are equal, and the first one stays.
_TOLERANCE = 1e-9


class Choices(NamedTuple):
    """What may be chosen for each order of a group.

    Attributes
    ----------
    first : int64 array, shape (n_orders + 1,)
        The pairs of order i are those from `first[i]` up to `first[i + 1]`, at least one.
    pickup, delivery : int64 array, shape (n_pairs,)
        Slots between which a pair rides, numbered from 0 along the way.
    load_t, gain : float64 array, shape (n_pairs,)
        What it weighs [t]; what it gains, above 0, the rewards for standings explained aside.
    capacity_t, reward : float
        What may be aboard at once [t]; the gain of each standing explained.
    """

    first: NDArray[np.int64]
    pickup: NDArray[np.int64]
    delivery: NDArray[np.int64]
    load_t: NDArray[np.float64]
    gain: NDArray[np.float64]
    capacity_t: float
    reward: float


@njit(cache=True, nogil=True)
def pack(choices: Choices, ways_max: int) -> NDArray[np.int64]:
    """Choose at most one pair per order so that the truck holds them and the gain is largest.

    Parameters
    ----------
    choices : Choices
        What may be chosen.
    ways_max : int
        Ways followed at once, at most.

    Returns
    -------
    taken : int64 array, shape (n_orders,)
        The pair of each order, -1 for none; empty if there were too many ways. Of equal choices
        the one found first.
    """
    count, slots_count = len(choices.first) - 1, choices.delivery.max() + 1
    still_open, most = _outlook(choices, slots_count)
    came_from = np.empty((count, ways_max), np.int32)
    by_pair = np.empty((count, ways_max), np.int32)
    ways = np.empty((2, ways_max, slots_count, 3))
    gains = np.empty((2, ways_max))
    size = 4
    while size < 4 * ways_max:
        size *= 2
    table = np.empty(size, np.int32)
    short = max(1.0, choices.reward)
    while True:
        wanted = max(0.0, most[0] - short) - _TOLERANCE
        best = _follow(choices, still_open, most, wanted, ways, gains, table, came_from, by_pair)
        if best == _TOO_MANY:
            return np.empty(0, np.int64)
        if best >= 0:
            break
        short *= 2.0
    taken = np.empty(count, np.int64)
    for order in range(count - 1, -1, -1):
        taken[order], best = by_pair[order, best], came_from[order, best]
    return taken


_NONE_REACHES, _TOO_MANY = -1, -2


@njit(cache=True, nogil=True)
def _outlook(choices, slots_count):  # type: ignore[no-untyped-def]
    """From each order on: what of each slot still matters, and the most that could be gained."""
    count = len(choices.first) - 1
    still_open, most = np.zeros((count + 1, slots_count, 3), np.bool_), np.zeros(count + 1)
    for order in range(count - 1, -1, -1):
        still_open[order] = still_open[order + 1]
        best = 0.0
        for pair in range(choices.first[order], choices.first[order + 1]):
            still_open[order, choices.pickup[pair] : choices.delivery[pair], _LOAD] = True
            still_open[order, choices.pickup[pair], _LOADS] = True
            still_open[order, choices.delivery[pair], _UNLOADS] = True
            best = max(best, choices.gain[pair])
        most[order] = most[order + 1] + best + 2.0 * choices.reward
    return still_open, most


@njit(cache=True, nogil=True)
def _follow(  # type: ignore[no-untyped-def]
    choices, still_open, most, wanted, ways, gains, table, came_from, by_pair
):
    """Follow every way that may gain the wanted sum; the row of the best one at the end."""
    slots_count = ways.shape[2]
    ways[0, 0], gains[0, 0], known = 0.0, 0.0, 1
    trial, reach = np.zeros((slots_count, 3)), 0
    for order in range(len(choices.first) - 1):
        here, there = order % 2, 1 - order % 2
        begins, ends = choices.first[order], choices.first[order + 1]
        low = slots_count
        for slot in range(slots_count - 1, -1, -1):
            if still_open[order + 1, slot].any():
                low = slot
        reach = max(reach, choices.delivery[begins:ends].max() + 1)
        low = min(low, reach)
        table[:] = -1
        found = 0
        for way in range(known):
            for step in range(begins, ends + 1):
                # The last step is to leave the order unproven.
                gain, pair = gains[here, way], step if step < ends else -1
                if pair >= 0:
                    added = _added(choices, pair, ways[here, way])
                    if added < 0.0:
                        continue
                    gain += added
                if gain + most[order + 1] < wanted:
                    continue
                trial[low:reach] = ways[here, way, low:reach]
                _leave_behind(choices, pair, still_open[order + 1], low, reach, trial)
                at = _place(trial, low, reach, table, ways[there])
                row = table[at]
                if row < 0:
                    if found == len(ways[there]):
                        return _TOO_MANY
                    row = found
                    table[at], found = row, found + 1
                    ways[there, row] = 0.0
                    ways[there, row, low:reach] = trial[low:reach]
                elif gain <= gains[there, row] + _TOLERANCE:
                    continue
                gains[there, row] = gain
                came_from[order, row], by_pair[order, row] = way, pair
        known = found
        if known == 0:
            return _NONE_REACHES
    # Nothing is left to matter, so that all ways have become one.
    return 0


@njit(cache=True, nogil=True)
def _added(choices, pair, way):  # type: ignore[no-untyped-def]
    """What a pair adds to the gain of a way; below 0 if it does not fit on the truck."""
    room_t = choices.capacity_t + _TOLERANCE_T - choices.load_t[pair]
    for slot in range(choices.pickup[pair], choices.delivery[pair]):
        if way[slot, _LOAD] > room_t:
            return -1.0
    is_new = (way[choices.pickup[pair], _LOADS] == 0.0) + (
        way[choices.delivery[pair], _UNLOADS] == 0.0
    )
    return choices.gain[pair] + choices.reward * is_new


@njit(cache=True, nogil=True)
def _leave_behind(choices, pair, still_open, low, reach, way):  # type: ignore[no-untyped-def]
    """Turn a way, from slot `low` on, into what it leaves behind once it took a pair, or none."""
    if pair >= 0:
        pickup, delivery = choices.pickup[pair], choices.delivery[pair]
        for slot in range(max(low, pickup), delivery):
            way[slot, _LOAD] += choices.load_t[pair]
        way[pickup, _LOADS], way[delivery, _UNLOADS] = 1.0, 1.0
    for slot in range(low, reach):
        for what in range(3):
            if not still_open[slot, what]:
                way[slot, what] = 0.0


@njit(cache=True, nogil=True)
def _place(trial, low, reach, table, ways):  # type: ignore[no-untyped-def]
    """Where in the hash table the row of a way like this is, or would be."""
    mixed = np.uint64(1469598103934665603)
    for slot in range(low, reach):
        bits = np.uint64(np.int64(trial[slot, _LOAD] * 1024.0)) * np.uint64(4)
        bits += np.uint64(trial[slot, _LOADS] + 2.0 * trial[slot, _UNLOADS])
        mixed = (mixed ^ bits) * np.uint64(1099511628211)
        mixed ^= mixed >> np.uint64(29)
    at = np.int64(mixed & np.uint64(len(table) - 1))
    while table[at] >= 0:
        if (ways[table[at], low:reach] == trial[low:reach]).all():
            break
        at = (at + 1) & (len(table) - 1)
    return at
