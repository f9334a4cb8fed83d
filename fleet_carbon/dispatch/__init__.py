"""Which truck drives which order: tours, driving hours and assignment, as pure numbers.

Nothing here knows records, money or litres: places, masses and hours go in, kilometres, moments
and choices come out.
"""
