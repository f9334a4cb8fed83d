"""The room where models are fitted: litres over the physics, and empty or loaded.

Trains on measured litres and on legs proven by orders, evaluates by date, writes model files and
their cards. Pure: data in, models and figures out; only `quantification` is imported. Invariant:
the same data and the same seed give the same bytes.
"""
