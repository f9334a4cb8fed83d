"""fleet_carbon: freight carbon accounts, every gram provable from order and trace.

Data flows one way: ingest -> traces -> legs -> quantification -> ledger -> statements,
carried by services, entered through cli. Stages meet in the tables of `frames.py`.
"""
