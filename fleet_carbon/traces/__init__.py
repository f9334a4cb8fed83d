"""Traces: the fixes of one vehicle become a line of moves, stops and gaps.

In: `fixes.Fixes` (arrays, sorted by time). Out: `trace.Trace` (the line, its stops, halts and
gaps, and the count of every fix dropped, by reason). One pass per vehicle, resumable: any cutting
of the stream into pieces gives the same trace. Thresholds come from the edition (`TraceRules`).
Invariant: fixes in = fixes kept + fixes dropped by reason.
"""
