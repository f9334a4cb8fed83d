"""Bytes to checked rows: files of a sender become tables of the contract, plus rejections.

In: a path, a kind, a source profile, the collected geography. Out: batches of rows in the shape of
`frames`, one rejection per refused row, and suspicions about the whole. Invariants: rows read =
rows + rejections; nothing is converted, completed or dropped without a name; no clock, no network,
no database. Positions are handled by columns; only rows already found bad are touched one by one.
"""
