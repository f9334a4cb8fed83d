"""The region of grams is where the transport took place that they stem from."""

from __future__ import annotations

import pandas as pd
import pytest

from fleet_carbon.errors import InputRefused
from fleet_carbon.services.ledger import regions


def test_a_leg_counts_by_its_activity_where_it_began() -> None:
    legs = pd.DataFrame(
        [("四川省", 100.0), ("河南省", 250.0), ("四川省", 50.0)], columns=["region", "activity_tkm"]
    )
    # 150 and 250 of 400 tkm.
    assert regions._shares(legs) == {"四川省": 0.375, "河南省": 0.625}


@pytest.mark.parametrize("text", ["四川", "四川省", " 510000 "])
def test_a_province_is_named_in_full_in_short_or_by_its_code(text: str) -> None:
    assert regions.read_region(text) == "四川省"


@pytest.mark.parametrize("text", ["成都", "Atlantis", "510100", " "])
def test_what_is_no_province_is_refused(text: str) -> None:
    with pytest.raises(InputRefused, match="names no province"):
        regions.read_region(text)
