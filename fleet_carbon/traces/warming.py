"""Make the kernels ready before the first truck waits for them."""

from __future__ import annotations

from typing import Any

from numba import types

from fleet_carbon.traces import cleaning, digests, drawing, kernels, lengths, levels, lookouts

_I64, _F64, _BOOL = types.int64, types.float64, types.boolean


def _given(dtype: Any) -> Any:
    """A column as it comes: nobody writes into it."""
    return types.Array(dtype, 1, "C", readonly=True)


_FIXES = (_given(_I64), _given(types.int32), _given(types.int32))
_SIGNAL, _VERDICT, _NUMBERS, _WHOLES = _given(_F64), types.int8[::1], _F64[::1], _I64[::1]
_WORDS = types.int16[::1]
_POINTS = (_WHOLES, _NUMBERS, _NUMBERS, _VERDICT)

# Each kernel that is called from outside, with the only kinds of arguments it is called with.
KERNELS: tuple[tuple[Any, tuple[Any, ...]], ...] = (
    (digests.pack_times, (_given(_I64), _WHOLES, _WORDS)),
    (digests.pack_places, (_given(types.int32), _WHOLES, _WORDS)),
    (digests.pack_signal, (_SIGNAL, _F64, _WHOLES, _WORDS)),
    (cleaning.judge_alone, (*_FIXES, _SIGNAL, _F64, _VERDICT)),
    (cleaning.clean, (*_FIXES, _SIGNAL, _WHOLES, _NUMBERS, _BOOL, _VERDICT)),
    (cleaning.tally, (_VERDICT,)),
    (drawing.draw_line, (*_FIXES, _SIGNAL, _VERDICT, _NUMBERS, _NUMBERS, _BOOL, *_POINTS)),
    (drawing.find_halts, (*_FIXES, _VERDICT, _WHOLES, _WHOLES, _NUMBERS, _F64[:, ::1])),
    (lengths.bent_line, (_NUMBERS, _NUMBERS, _VERDICT, _F64, _F64, _NUMBERS)),
    (lengths.is_sparse, (_given(_I64), _VERDICT, _F64, _F64)),
    (lengths.stated_road, (*_FIXES, _SIGNAL, _VERDICT, _F64, _F64)),
    (lengths.step_lengths_at, (_NUMBERS, _NUMBERS, _WHOLES, _NUMBERS)),
    (
        lengths.circuities,
        (*_POINTS[:3], _NUMBERS, _WHOLES, _WHOLES, _WHOLES, _F64, _I64, _NUMBERS),
    ),
    (kernels.step_m, (_F64,) * 4),
    (kernels.step_lengths, (_NUMBERS, _NUMBERS)),
    (kernels.distances_to, (_NUMBERS, _NUMBERS, _F64, _F64)),
    (levels.level_changes, (_given(_I64), _SIGNAL, _given(_I64), _given(_I64), _NUMBERS)),
    (
        lookouts.look_for,
        (*_FIXES, _VERDICT, _F64[:, ::1], _I64[:, ::1], _F64[:, ::1], _F64),
    ),
)


def warm() -> None:
    """Compile every kernel of this room, or load it from the cache of an earlier time."""
    for kernel, arguments in KERNELS:
        kernel.compile(arguments)
