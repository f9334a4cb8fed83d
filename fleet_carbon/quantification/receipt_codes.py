"""What may become of a purchase, and what may be noticed of it: codes and plain sentences."""

from __future__ import annotations

from fleet_carbon.quantification.quantities import IS_AMOUNT, PRICE_IS_AMOUNT, SWAPPED, UNUSUAL

COUNTED = "counted"
NOT_FUEL, UNIT_UNUSABLE = "not_fuel_of_truck", "unit_unusable"
WRONG_DATE, DUPLICATE, MIXED = "wrong_date", "duplicate", "litres_amount_mixed"
BEYOND_TANK, CONTRADICTED = "beyond_tank", "place_contradicted"
CONFIRMED, UNKNOWN = "place_confirmed", "place_unknown"
CONVERTED, PRODUCT_UNKNOWN = "kilograms_converted", "product_unknown"
DAY_ONLY, ODOMETER_BACK, ODOMETER_OTHER = "day_only", "odometer_backwards", "odometer_differs"
UNBOUGHT, DRAINED = "fill_without_receipt", "fuel_drained"
NO_FILL, FILL_DIFFERS = "no_fill_seen", "fill_differs"

# In the order in which they are taken.
VERDICTS = {
    NOT_FUEL: "What was bought is nothing that this truck burns.",
    UNIT_UNUSABLE: "The unit cannot be turned into what the truck is counted in.",
    WRONG_DATE: "The date is wrong: nothing is counted until it is corrected and ingested again.",
    DUPLICATE: "The same purchase is told twice; the fuller record counts.",
    MIXED: "The quantity looks like an amount of money or a price. Correct it and ingest it again.",
    BEYOND_TANK: "It is more than the truck can take at once.",
    CONTRADICTED: "The truck was elsewhere.",
    COUNTED: "Counted.",
    UNBOUGHT: "The level of the tank rose and no receipt tells of it.",
    DRAINED: "The level of the tank fell while the truck stood, by more than an engine burns.",
}
REMARKS = {
    CONFIRMED: "The truck stood there.",
    UNKNOWN: "No position speaks for or against it.",
    CONVERTED: "Kilograms were converted by the density of diesel.",
    PRODUCT_UNKNOWN: "The product is none that the edition knows; it is taken as the truck's fuel.",
    DAY_ONLY: "Only the day is told.",
    ODOMETER_BACK: "The odometer is lower than at the purchase before.",
    NO_FILL: "The level of the tank did not rise.",
    FILL_DIFFERS: "The level of the tank tells of another quantity.",
    ODOMETER_OTHER: "The odometer is not the truck's at that moment.",
    SWAPPED: "Quantity and price were interchanged.",
    IS_AMOUNT: "The amount stood as quantity and the quantity as price.",
    PRICE_IS_AMOUNT: "The price is the amount of the whole purchase.",
    UNUSUAL: "The price is outside what has been paid.",
}
