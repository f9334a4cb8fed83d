from __future__ import annotations

import pytest

from fleet_carbon.quantification.consistency import check_published


@pytest.mark.parametrize(
    ("published", "computed", "code"),
    [
        ("161", 161.0, "agrees"),
        ("164.4", 164.43, "rounded"),
        ("1692.62", 1962.72, "digits_transposed"),  # W06
        ("378", 31.5, "year_for_month"),  # W28
        ("73000", 24369.0, "quarter_for_month"),  # W29
        ("31.5", 378.0, "month_for_year"),
        ("24369", 73107.0, "month_for_quarter"),
        ("600", 100.0, "half_year_for_month"),
        ("500", 100.0, "differs"),
        ("-1.1", -1.12, "rounded"),
        ("0", 0.0, "agrees"),
    ],
)
def test_each_slip_is_named(published: str, computed: float, code: str) -> None:
    finding = check_published(published, computed, tolerance_share=1e-4, rounding_share=0.02)
    assert finding.code == code
    assert published in finding.text
    assert finding.is_contradiction == (code not in ("agrees", "rounded"))
