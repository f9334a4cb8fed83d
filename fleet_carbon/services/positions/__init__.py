"""Positions as they come, the trace store they become, and the fleet as it is now."""
