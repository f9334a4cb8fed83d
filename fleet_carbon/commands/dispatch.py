"""The commands before a trip: which truck, what it would come to, and what it came to."""

from __future__ import annotations

from typing import Annotated

import typer

from fleet_carbon.commands.options import FleetOption, HomeOption, JsonOption, heard
from fleet_carbon.commands.showing import answer

app = typer.Typer()
_Orders = Annotated[
    list[str],
    typer.Argument(metavar="ORDERS...", help="Orders on record, or files with orders."),
]
_Vehicles = Annotated[
    list[str] | None, typer.Option("--vehicle", help="Only this truck; may be repeated.")
]
_At = Annotated[
    str | None,
    typer.Option(help="A moment that is past, such as 2026-10-05T14:30. [default: now]"),
]
_Rules = Annotated[str, typer.Option("--driving-rules", help="Breaks and rests: cn or eu.")]
_Crs = Annotated[str, typer.Option(help="Of coordinates in files: wgs84, gcj02 or bd09.")]


@app.command()
def estimate(
    context: typer.Context,
    orders: _Orders,
    *,
    vehicle: _Vehicles = None,
    radius_km: Annotated[
        float | None, typer.Option(help="Only trucks with no longer road to the loading.")
    ] = None,
    count: Annotated[int, typer.Option(help="How many trucks, unless they are named.")] = 10,
    at: _At = None,
    driving_rules: _Rules = "cn",
    crs: _Crs = "wgs84",
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Rank trucks for orders by empty km, litres, CO2 and money; it is kept on record."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.trips import estimating, wanting

    request = estimating.EstimateRequest(
        orders=wanting.orders_named(orders),
        vehicle_ids=tuple(vehicle or ()),
        radius_km=radius_km,
        candidates_count_max=count,
        at=at,
        driving_rules=driving_rules,
        crs=crs,
    )
    answer(session, estimating.estimate(session.settings_on_record(), request))


@app.command()
def plan(
    context: typer.Context,
    orders: _Orders,
    *,
    vehicle: _Vehicles = None,
    per_truck: Annotated[int, typer.Option(min=1, max=3, help="Orders for one truck.")] = 1,
    wait_s: Annotated[float, typer.Option(help="For how long the best is looked for.")] = 10.0,
    at: _At = None,
    driving_rules: _Rules = "cn",
    crs: _Crs = "wgs84",
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find trucks for many orders: most orders first, then fewest kilometres."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.trips import dispatching, wanting

    request = dispatching.PlanRequest(
        orders=wanting.orders_named(orders),
        vehicle_ids=tuple(vehicle or ()),
        orders_per_truck_count_max=per_truck,
        wait_s_max=wait_s,
        at=at,
        driving_rules=driving_rules,
        crs=crs,
    )
    answer(session, dispatching.plan(session.settings_on_record(), request))


@app.command()
def realised(
    context: typer.Context,
    order_id: Annotated[str, typer.Argument(metavar="ORDER", help="Order.")],
    *,
    home: HomeOption = None,
    fleet: FleetOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell what an order came to, beside what was expected of it."""
    session = heard(context, home, fleet, as_json)
    from fleet_carbon.services.trips import realising

    answer(session, realising.read_realised(session.settings_on_record(), order_id))
