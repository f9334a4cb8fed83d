"""Memory that was freed serves again."""

from __future__ import annotations

import subprocess
import sys

import pytest

# Four columns of 16 MiB have 32 pages of 2 MiB, or 16384 of 4 KiB.
_PROGRAM = """
import resource
import numpy as np
import pyarrow as pa
from fleet_carbon.storage.memory import reuse_memory, share_between_threads

reuse_memory()
share_between_threads()
print(pa.default_memory_pool().backend_name)
reuse_memory()
faults = []
for _ in range(3):
    columns = [np.ones(2 << 20) for _ in range(4)]
    del columns
    faults.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
print(faults[2] - faults[1], pa.default_memory_pool().backend_name)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries are not told anything")
def test_columns_that_follow_each_other_take_no_new_pages() -> None:
    told = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True, timeout=300
    )
    pool_of_threads, faults, pool_of_intake = told.stdout.split()
    assert int(faults) < 8
    # A process that reads, takes in and reads again changes from one to the other each time.
    assert pool_of_threads == "jemalloc"
    assert pool_of_intake == "system"
