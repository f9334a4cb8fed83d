"""Failures of the place where traces lie, by name: what failed, where, and what to do."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager

from fleet_carbon.errors import NotFound, Unavailable

# What the client says of a failure: the name of the error, and another one it did not know.
_SAID = re.compile(
    r"AWS Error ([A-Z_]+(?: \(HTTP status \d+\))?) during \w+ operation"
    r"(?:: Unable to parse ExceptionName: (\w+))?"
)
_FULL = re.compile(r"QuotaExceeded|StorageFull|HTTP status 507")
_FORBIDDEN = re.compile(
    r"ACCESS_DENIED|INVALID_ACCESS_KEY_ID|SIGNATURE_DOES_NOT_MATCH|_TOKEN|Token|SKEWED|EXPIRED"
    r"|HTTP status 40[13]"
)
_SILENT = re.compile(
    r"NETWORK_CONNECTION|SLOW_DOWN|INTERNAL_FAILURE|UNAVAILABLE|TIMEOUT|HTTP status 5\d\d"
)


@contextmanager
def failures_named(place: str) -> Iterator[None]:
    """Say of a failure what, where, and what to do."""
    try:
        yield
    except FileNotFoundError as failure:
        raise missing(place) from failure
    except OSError as failure:
        raise _named(failure, place) from failure


def missing(place: str) -> NotFound:
    """What is said of a file that is not there."""
    return NotFound(
        "segment_missing",
        f"The trace segment {place} is on record but not in the store.",
        "Restore the traces from a backup; nothing was changed.",
    )


def bucket_missing(place: str) -> Unavailable:
    """What is said when the bucket is not there."""
    return Unavailable(
        "traces_bucket_missing",
        f"The bucket of {place} does not exist.",
        "Make it in the object store, or correct FLEET_CARBON_TRACES_URL.",
    )


def _named(failure: OSError, place: str) -> Unavailable:
    """The failure by its kind; of the store's words only the name of the error is repeated."""
    found = _SAID.search(str(failure))
    said = " ".join(filter(None, found.groups())) if found else ""
    if "NO_SUCH_BUCKET" in said:
        return bucket_missing(place)
    if failure.errno in (errno.ENOSPC, errno.EDQUOT) or _FULL.search(said):
        return Unavailable(
            "traces_store_full",
            f"{place} cannot be written: no space is left, or a quota is used up.",
            "Make room and run the command again; nothing was changed.",
        )
    if failure.errno in (errno.EACCES, errno.EPERM, errno.EROFS) or _FORBIDDEN.search(said):
        return Unavailable(
            "traces_store_forbidden",
            f"Access to {place} was denied.",
            "Check who owns the folder and may write to it; of an object store, the credentials"
            " in the environment or profile, the rights they give, and this machine's clock.",
        )
    if _SILENT.search(said):
        return Unavailable(
            "traces_store_unreachable",
            f"The object store does not answer for {place}.",
            "Check endpoint and network, and run the command again; nothing was changed.",
        )
    reason = said or failure.strerror or type(failure).__name__
    return Unavailable(
        "traces_store_failed",
        f"{place} cannot be used: {reason}.",
        "Check the folder or the object store, and run the command again.",
    )
