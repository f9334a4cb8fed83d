"""Legs: a trace and the orders of a truck become legs with payload, state, purpose and driver.

In: `traces.trace.Trace`, the orders in force, who drove when. Out: the frames LEGS, LEG_ORDERS
and ORDER_RESULTS of one vehicle and month, without fuel. Orders are proven against stops jointly
per vehicle; planned times are hints, the stops decide. An order without proof earns nothing and
says why.
Invariant: loaded + empty + unknown = distance.
"""
