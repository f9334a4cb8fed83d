"""Rules for all tests: a test that is skipped where everything is installed has failed.

`FLEET_CARBON_NO_SKIP=1`, set by `.ci/run`, turns every skip into a failure, except those whose
reason begins with `optional data`, recordings that are too large or not ours to ship, or with
`not allowed here`, what a machine forbids and no installation brings: mounting, acting as another.
"""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings

# A slow machine is no fault; and what lands is judged by the same examples every time.
# Who has the time tries more of them: `--hypothesis-profile long`.
settings.register_profile("here", deadline=None, max_examples=50)
settings.register_profile("ci", deadline=None, max_examples=50, derandomize=True)
settings.register_profile("long", deadline=None, max_examples=500)
settings.load_profile("ci" if {"CI", "FLEET_CARBON_NO_SKIP"} & os.environ.keys() else "here")

# About how much longer a test takes that is marked as slow.
_SLOW_IS_SO_MANY = 50

_MAY_SKIP = ("optional data", "not allowed here", "not of this database")


def _skip_reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return reason.removeprefix("Skipped: ")


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not os.environ.get("FLEET_CARBON_NO_SKIP") or report.outcome != "skipped":
        return
    if hasattr(report, "wasxfail") or _skip_reason(report).startswith(_MAY_SKIP):
        return
    reason = _skip_reason(report)
    report.outcome = "failed"
    report.longrepr = f"skipped where nothing may be skipped (FLEET_CARBON_NO_SKIP): {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Turn a skipped test into a failed one where the environment says so."""
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Turn a module that skips itself into a failed one where the environment says so."""
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest, so that none is left alone at the end of a run."""
    weights: Counter[Path] = Counter()
    for item in items:
        weights[item.path] += _SLOW_IS_SO_MANY if item.get_closest_marker("slow") else 1
    items.sort(key=lambda item: -weights[item.path])


def pytest_collection_finish() -> None:
    """Tell the collector of garbage that what was imported stays: it takes a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
