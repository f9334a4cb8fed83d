"""Have what everybody needs ready before somebody waits for it, and say so if that takes long.

Compiled code is kept beside its source, or where NUMBA_CACHE_DIR says. Setting up an installation
makes it once; a command that finds none makes it, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fleet_carbon.ingest import scanning
from fleet_carbon.ingest.dialects import framing
from fleet_carbon.legs import kernels, verdicts
from fleet_carbon.legs import warming as legs
from fleet_carbon.quantification import exact_sums, trees
from fleet_carbon.quantification import warming as quantification
from fleet_carbon.services.support.progress import Progress, Silent
from fleet_carbon.storage import arranging
from fleet_carbon.traces import warming as traces

# Those of the traces, and of the legs two that are compiled early and late.
_WITNESSES = (
    *(kernel for room in (traces, scanning, framing, arranging) for kernel, _ in room.KERNELS),
    kernels.find_standing,
    verdicts.who_drove,
    trees.sum_leaves,
    exact_sums.sum_groups,
)


@dataclass(frozen=True)
class Warmed:
    """Whether there was something to compile; all is ready now."""

    was_compiled: bool

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {"compiled": self.was_compiled}

    def lines(self) -> list[str]:
        """The outcome for people."""
        return ["Compiled and kept." if self.was_compiled else "Compiled before; nothing to do."]


def warm_kernels(progress: Progress | None = None) -> Warmed:
    """Compile what is not compiled, load what is.

    Parameters
    ----------
    progress : Progress, optional
        Told only if something is to be compiled: loading takes less than a second.

    """
    was_compiled = not _is_kept()
    told = (progress if was_compiled else None) or Silent()
    told.begin("compiling for this processor, once", None, "parts")
    try:
        for room in (traces, legs, quantification, scanning, framing, arranging):
            room.warm()
            told.advance(1)
    finally:
        told.end()
    return Warmed(was_compiled)


def _is_kept() -> bool:
    """Whether compiled code of these very functions is there; an update moves their lines."""
    for kernel in _WITNESSES:
        code = kernel.py_func.__code__
        name = f"{Path(code.co_filename).stem}.{code.co_name}-{code.co_firstlineno}."
        if not any(Path(kernel.stats.cache_path).glob(f"{name}*.nbi")):
            return False
    return True
