"""What is said of archives to people: exported, imported, and the sheet that lies in each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ABOUT = """\
This file is an archive of a freight carbon ledger, made by fleet-carbon. It can be checked without
its operator and without this program:

    python checker.py ARCHIVE KEY

where checker.py is the file that `fleet-carbon verify --print-script` prints (it needs Python and
the package cryptography) and KEY the identifier of the operator's key, known from elsewhere.

manifest.json       signed: SHA-256 of every other member, public keys, newest checkpoint
entries.jsonl       the entries; the SHA-256 of a line is its hash, which the next line names
proofs.jsonl        of an account: for each entry the path to the root of the checkpoint
checkpoints.jsonl   every signed checkpoint
lots, prices        what was sold to whom, and the price series
runs, tables        every close with the digests of what went in and came out
results/            what came out, as Parquet; of an account its rows, by month
evidence/           digests of received files, of their rows, of the segments of the traces
models/             factors, editions and sharing rules
claims, claim_...   hours of trucks that stand behind credits, letters, orders reported as avoided
imports.jsonl       the manifests of the archives that the ledger came in

A private key is never in an archive, nor are names, telephone numbers, traces or received files.
Of a whole ledger claims.jsonl names trucks by their plates; an account does not.
"""


def export_lines(report: Mapping[str, Any]) -> list[str]:
    """The outcome of an export."""
    what = f"account of {report['driver_id']}" if report["driver_id"] else "ledger"
    return [
        f"The {what} of {report['fleet_id']} is in {report['file']}: "
        f"{report['entries_count']:,} entries, {report['size_bytes']:,} bytes.",
        f"  signed by the key {report['key_id']}",
        f"  SHA-256 {report['sha256']}",
        f"Check it with `fleet-carbon verify {report['file']} --key {report['key_id']}`.",
    ]


def import_lines(report: Mapping[str, Any]) -> list[str]:
    """The outcome of an import."""
    if not report["new"]:
        return [f"This archive of {report['fleet_id']} was imported before; nothing was changed."]
    lines = [
        f"The ledger of {report['fleet_id']} is here: {report['entries_count']:,} entries, "
        f"{len(report['months'])} closed months.",
        f"  it was signed by the key {report['key_id']}"
        + ("" if report["key_was_told"] else "; compare it with the key that is published"),
    ]
    if report["own_key_id"] != report["key_id"]:
        lines.append(f"  from now on the key {report['own_key_id']} signs; tell the auditors")
    return [*lines, f"Go on with --fleet {report['fleet_id']}.", "", report["ledger_sums"]]
