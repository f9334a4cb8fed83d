"""A simulated year with known fuel and known counterfactual, to judge what the product credits.

In: how many drivers, how many months, a seed. Out: the files the fleet would send, the truth of
every leg, month and driver, and the table that holds the product's accounts against it.
Invariants: nothing of the product's fuel, baselines or uncertainty is used to make the truth.
"""
