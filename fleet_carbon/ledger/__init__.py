"""The ledger of reductions: integer grams, two sides, only growing.

In: figures that were credited, with the digests of their evidence. Out: entries, balances,
and the verdict of the audit. Invariants: every entry moves a positive whole number of grams from
one account to another; a correction is another entry; each entry holds the hash of the one
before. This room knows nothing of how a figure was made, and the audit shares no code with
posting.
"""
