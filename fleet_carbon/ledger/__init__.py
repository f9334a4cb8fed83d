"""The ledger of reductions: integer grams with their serials, money beside them, only growing.

In: figures that were credited, with the digests of their evidence; shares as plain data. Out:
entries, balances, who holds which serials, and the verdict of the audit. Invariants: every entry
moves a positive whole amount from one account to another of the same book, in grams the very
serials it names; what was issued is held, pending, sold, retired, cancelled or in the buffer; a
correction is another entry; each entry holds the hash of the one before. This room knows nothing
of how a figure was made, and the audit shares no code with posting.
"""
