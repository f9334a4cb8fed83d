"""Litres, kilograms and savings under a dated edition.

In: legs, order results and register of one month; factors and edition read from `models/`.
Out: diesel and CO2 per leg and order, one account per driver and truck, the reference case.
Holds: pure functions, no clock, no database; a missing value is named, never guessed; every
threshold and factor is dated and sourced data; the parts of a saving add up to it exactly.
"""
