"""What the product costs in time and memory, measured beside plain pandas in one run.

In: simulated fleets. Out: a table on the screen. Invariants: what is measured runs in a process
of its own, both sides read the same file, and generating the data is never counted.
"""
