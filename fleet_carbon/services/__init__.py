"""Services: the use cases, one module each, and the only place where the rooms meet.

In: settings and what a user asked for. Out: reports with `as_dict()` for programs and
`lines()` for people, or a `FleetCarbonError`. Invariants: the clock and the environment are
read here and nowhere below; what a use case writes, it writes in one unit of work per file or
month, so that nothing is ever half done.

They stand in rooms by what they are about, each of which leans on those before it only: support,
intake, pulls, ledger, months, positions, accounts, papers, trips, messages, exchange, people,
running.
"""
