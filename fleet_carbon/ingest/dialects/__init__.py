"""Dialects: the forms in which other systems write fixes, purchases and orders.

A dialect turns the bytes of a file into the named columns that the layout of a kind checks, in the
units that it declares; it checks, converts and decides nothing that the checks do. What it cannot
read is named with its place. `registry` is the one table of which there are.
"""
