"""Statements: results put into words, tables and files for people and other programs.

In: rows of the closed month. Out: CSV, Parquet, XLSX, JSON and text. Invariants: the only room
that rounds for the eye, and never a figure in a file; the same rows give the same bytes; no
figure is computed here.
"""
