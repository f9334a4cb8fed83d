"""Storage: the only room with SQL, and the only one that writes to disk for good.

In: shaped rows, received files, closing runs, ledger entries. Out: the same, as they were.
Invariants: nothing on record is changed or deleted; a file that the catalog names is on disk
before the catalog is committed; every table carries the fleet and every read is filtered by
it; `unit_of_work` holds the only commit. Only services come in, through `unit_of_work`.

On disk, below the home folder: `fleet_carbon.sqlite`; `files/` what was received, by digest;
`traces/<fleet>/<UTC month>/<bucket>/` segments by digest, unless an object store has them;
`results/` tables of closing runs by digest; `rejections/<fleet>/` refused rows; `spill/` empty but
for intakes that run at this moment.

Fixes go in by `positions` (what is new, by `duplicates`; what memory does not hold, by `spill`)
into `segment_files` in the form of `segments`, with `marks`; `catalog` and `trace_versions` have
them on record; `planning` turns the record into `batches` that anybody reads and into a `merging`
of segments; `cleaning` removes what nothing needs. `traces` is the door to all of it.
"""
