"""Simulated fleets with known truth, to test the product against; imports nothing of it.

In: a scenario's name and a seed. Out: the files a fleet would send, and what really happened.
Invariants: the same seed gives the same fleet; truth is taken from the road, never from fixes.
"""
