"""The shapes of what is asked and answered before a trip."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from fleet_carbon.web.shapes import Asked, AskedBody, Name

Moment = Annotated[str, Field(max_length=40, description="ISO 8601; without offset in the"
                              " fleet's zone.", examples=["2026-10-05T14:30"])]  # fmt: skip
Degrees = Annotated[float, Field(ge=-180, le=180)]


class OrderAsked(AskedBody):
    """An order: by its name alone if it is on record, else with all it needs."""

    order_id: Name
    cargo_t: Annotated[float | None, Field(ge=0, le=1000, description="[t]")] = None
    cargo_m3: Annotated[float | None, Field(ge=0, le=10000, description="[m3]")] = None
    pickup_lon: Degrees | None = None
    pickup_lat: Annotated[float | None, Field(ge=-90, le=90)] = None
    delivery_lon: Degrees | None = None
    delivery_lat: Annotated[float | None, Field(ge=-90, le=90)] = None
    pickup_place: Annotated[Name | None, Field(description="A district, if no coordinates.")] = None
    delivery_place: Name | None = None
    pickup_time: Moment | None = None
    delivery_time: Moment | None = None
    pickup_from: Moment | None = None
    pickup_until: Moment | None = None
    delivery_until: Moment | None = None
    weight_source: Literal["weighed", "declared", "nominal", "class"] = "declared"


class _SceneAsked(AskedBody):
    vehicle_ids: list[Name] = Field(
        default_factory=list, max_length=2000, description="Only these trucks; all if empty."
    )
    at: Annotated[Moment | None, Field(description="A moment that is past. [now]")] = None
    driving_rules: Literal["cn", "eu"] = "cn"
    crs: Literal["wgs84", "gcj02", "bd09"] = "wgs84"


class EstimateAsked(_SceneAsked):
    """Orders for which trucks are to be ranked."""

    orders: list[OrderAsked] = Field(min_length=1, max_length=50)
    radius_km: Annotated[
        float | None, Field(gt=0, le=20000, description="Road to the loading at most. [km]")
    ] = None
    candidates_count_max: int = Field(10, ge=1, le=200, description="Unless trucks are named.")


class PlanAsked(_SceneAsked):
    """Orders for which trucks are to be found."""

    orders: list[OrderAsked] = Field(min_length=1, max_length=1000)
    orders_per_truck_count_max: int = Field(1, ge=1, le=3)
    wait_s_max: float = Field(10.0, gt=0, le=60, description="Where a truck may get several. [s]")


class EstimatePath(Asked):
    """An estimate."""

    estimate_id: str = Field(max_length=100, pattern=r"^[0-9a-f]+$")


class OrderPath(Asked):
    """An order."""

    order_id: Name


class RoadsTold(BaseModel):
    """How straight lines became roads."""

    detour_ratio: float = Field(description="Road km per straight km.")
    detour_standard_share: float = Field(description="How one trip differs, relative.")
    source: str = Field(description="own_legs or rules.")
    legs_count: int
    speed_kmh: float


class PositionTold(BaseModel):
    """Where a truck was seen last."""

    lon: float
    lat: float
    seen_at: str
    age_min: float
    motion: str
    load: str


class CandidateTold(BaseModel):
    """What an order would come to on a truck; litres, kg and money of the trip as an account."""

    rank: int | None = Field(description="None if there is an obstacle.")
    vehicle_id: str
    driver_id: str | None
    obstacle: str | None
    position: PositionTold
    committed_orders: list[str] = Field(description="What the truck has to do anyway.")
    approach_km: float = Field(description="Road to the loading from the stop before. [km]")
    approach_low_km: float
    approach_high_km: float
    is_approach_empty: bool
    empty_km: float = Field(description="Empty km added; below 0 if spared. [km]")
    beyond_km: float = Field(description="Road added beyond the order's own way: the rank. [km]")
    trip_km: float = Field(description="Road with the order aboard. [km]")
    arrives_at: str
    late_h: float
    load_rate_share: float | None = Field(description="Most aboard with it, per rated payload.")
    left_t: float
    left_m3: float | None
    combinable_orders: list[str] = Field(description="Aboard at the same time.")
    fuel_source: str
    approach_diesel_l: float | None
    trip_diesel_l: float | None
    diesel_l: float | None
    diesel_low_l: float | None
    diesel_high_l: float | None
    co2_ttw_kg: float | None
    co2_ttw_low_kg: float | None
    co2_ttw_high_kg: float | None
    diesel_cost: float | None
    diesel_currency: str | None
    counterfactual: str = Field(description="Which one counts: that of the smallest saving.")
    baseline_diesel_l: float | None
    diesel_saved_l: float | None
    co2_avoided_kg: float | None
    co2_avoided_low_kg: float | None
    co2_avoided_high_kg: float | None
    co2_credited_g: int = Field(description="Lower bound, if proven by order and trace. [g]")
    fuel_cost_saved: float | None
    carbon_value: float | None
    carbon_currency: str | None
    notes: list[str]


class UnrankedTold(BaseModel):
    """A truck whose place is not known."""

    vehicle_id: str
    reason: str
    seen_at: str | None


class FigureTold(BaseModel):
    """One figure before and after."""

    planned: float | None
    realised: float | None
    difference: float | None


class ComparedTold(BaseModel):
    """What was expected of the truck that drove, and what it came to."""

    vehicle_id: str
    rank: int | None
    figures: dict[str, FigureTold]


class OrderRealisedTold(BaseModel):
    """What a closed month says of the order."""

    state: str = Field(description="proven, not_proven or month_not_closed.")
    month: str | None
    run_id: str | None = None
    vehicle_id: str | None = None
    driver_id: str | None = None
    reason_code: str | None = None
    confidence_share: float | None = None
    approach_km: float | None = None
    onboard_km: float | None = None
    realised_diesel_l: float | None = None
    realised_co2_kg: float | None = None
    co2_credited_g: int | None = None
    against_estimate: ComparedTold | None = None


class OrderEstimateTold(BaseModel):
    """An order with its trucks, the best first."""

    order_id: str
    cargo_t: float
    pickup_lon: float
    pickup_lat: float
    delivery_lon: float
    delivery_lat: float
    pickup_time: str
    delivery_time: str
    places_uncertainty_km: float
    edition: str = ""
    candidates: list[CandidateTold]
    unranked: list[UnrankedTold]
    beyond_reach_count: int
    realised: OrderRealisedTold | None = None


class EstimateTold(BaseModel):
    """An estimate, as it is on record."""

    estimate_id: str
    fleet_id: str
    timezone: str
    at: str
    estimated_at: str
    credited_only_if: str
    planning: str
    roads: RoadsTold
    orders: list[OrderEstimateTold]


class RealisedTold(BaseModel):
    """An order: what was expected of it last, and what it came to."""

    order_id: str
    estimate_id: str | None
    realised: OrderRealisedTold


class AssignmentTold(BaseModel):
    """An order and its truck."""

    order_id: str
    vehicle_id: str
    driver_id: str | None
    approach_km: float
    is_approach_empty: bool
    empty_km: float
    beyond_km: float
    trip_km: float
    arrives_at: str
    unloads_at: str
    load_rate_share: float | None
    left_t: float
    together_with: list[str]


class LeftTold(BaseModel):
    """What could not be planned, and why."""

    order_id: str = ""
    vehicle_id: str = ""
    reason: str


class PlanTold(BaseModel):
    """A plan: who drives what, and how good it is."""

    timezone: str
    at: str
    planning: str
    roads: RoadsTold
    driving_rules: str
    credited_only_if: str
    assignments: list[AssignmentTold]
    unassigned: list[LeftTold]
    unplaced: list[LeftTold]
    totals: dict[str, Any]
    optimality: dict[str, Any]
