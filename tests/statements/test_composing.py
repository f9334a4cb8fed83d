"""A composed statement against numbers by hand; see tests/papers/facts.py for what they are of."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from string import Formatter
from typing import Any

import pytest

from fleet_carbon.statements import statement_words, wording
from fleet_carbon.statements.attribution import parts_of_orders
from fleet_carbon.statements.composing import compose
from fleet_carbon.statements.likeness import Likeness, similar_drivers
from fleet_carbon.statements.locales import shown_parts
from fleet_carbon.statements.tips import tip_of
from tests.papers.facts import CHAIN, account, facts, order, truck

TABLES = {
    name: table
    for name, table in vars(statement_words).items()
    if name.isupper() and isinstance(table, dict)
}


def by_name(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Figures by their names."""
    return {row["name"]: row for row in rows}


def test_the_first_screen_says_what_the_account_says() -> None:
    head = by_name(compose(facts(), "en")["headline"])
    assert head["co2_credited"]["text"] == "20.0 kg"
    # What is credited is certain; what was avoided is not.
    assert head["co2_credited"]["interval"] == ""
    assert head["co2_credited"]["note"].startswith("of 78.0 kg (52.0 to 104.0) avoided")
    assert head["diesel_saved"]["interval"] == "20.0 to 40.0 l"
    assert head["diesel_saved"]["text"] == "30.0 l"
    assert head["money_saved"]["text"] == "CN¥255.00"
    assert head["carbon_value"]["text"] == "CN¥0.60"
    assert "at CN¥8.50 a litre" in head["money_saved"]["note"]


def test_the_shares_stand_beside_the_comparison_and_last_month() -> None:
    running = by_name(compose(facts(), "zh")["running"])
    # (16 + 4) / 100 driven; in the comparison 50 empty of 150.
    assert running["empty_share"]["text"] == "20.0%"
    assert running["empty_share"]["counterfactual"] == "33.3%"
    # 1,000 tkm credited of 20 t over 150 km, and of 20 t over the 100 loaded.
    assert running["load_rate"]["counterfactual"] == "33.3%"
    assert running["payload_share"]["counterfactual"] == "50.0%"
    assert running["load_rate"]["last_month"] == "60.0%"
    assert running["distance"]["text"] == "100 公里"


def test_shares_have_intervals_and_those_of_two_trucks_are_means_by_their_wholes() -> None:
    bounds = {"mileage_utilisation_share": (0.7, 0.9), "load_rate_share": (0.5, 0.7)}
    one = truck(bounds=bounds)
    running = by_name(compose(facts(trucks=[one]), "en")["running"])
    assert running["empty_share"]["interval"] == "10.0% to 30.0%"
    assert running["load_rate"]["interval"] == "50.0% to 70.0%"
    assert running["payload_share"]["interval"] == ""  # none is known
    # Another of 300 km, to 100; its load rate of 0.2 stands for 1,200 / 0.2 tkm, to 1,200 / 0.6.
    other = truck(
        account=account(vehicle_id="V2", distance_km=300.0, load_rate_share=0.2),
        bounds={"mileage_utilisation_share": (0.3, 0.5), "load_rate_share": (0.1, 0.3)},
    )
    running = by_name(compose(facts(trucks=[one, other]), "en")["running"])
    # (0.7 * 100 + 0.3 * 300) / 400 = 0.4 and (0.9 * 100 + 0.5 * 300) / 400 = 0.6 loaded.
    assert running["empty_share"]["interval"] == "40.0% to 60.0%"
    # (0.5 * 2,000 + 0.1 * 6,000) / 8,000 and (0.7 * 2,000 + 0.3 * 6,000) / 8,000.
    assert running["load_rate"]["interval"] == "20.0% to 40.0%"


def test_last_month_and_similar_drivers_are_set_beside() -> None:
    like = Likeness("heavy", "middle", 7, 0.3, 0.5, 12.0, 9.0)
    before, similar = compose(facts(likeness=like), "en")["against"]
    # 20 kg now, 15 before; 20 kg and 30 l on 100 km.
    assert (before["label"], before["text"]) == ("Against August 2026", "+5.0 kg")
    assert before["sentence"] == "+5.0 kg CO₂ against August 2026."
    assert similar["text"] == "9.0 kg per 100 km, you 20.0"
    assert "7 others with the same class of truck and most work over 200" in similar["sentence"]
    assert "12.0 l saved, you 30.0." in similar["sentence"]


def test_a_first_month_has_nothing_to_be_set_against() -> None:
    before, similar = compose(facts(before=[]), "zh")["against"]
    assert (before["text"], before["sentence"]) == ("–", "2026年8月没有账户，无法比较。")
    assert (similar["text"], similar["sentence"]) == ("–", "车型或运距未知，无法比较。")


def test_few_similar_drivers_are_no_measure() -> None:
    like = Likeness("heavy", "", 4)
    similar = compose(facts(likeness=like), "en")["against"][1]
    assert similar["text"] == "–"
    assert similar["sentence"] == (
        "A comparison needs 5 other drivers with the same class of truck; there are 4."
    )


def likeness_of(bands: list[str], *, vehicle_class: str = "heavy") -> Likeness:
    """D1 hauls over the middle distance; the others over these, D2 for 2 l per 100 km and so on."""
    names = [f"D{number}" for number in range(1, len(bands) + 2)]
    rows = [account(driver_id=name, diesel_saved_l=float(name[1:])) for name in names]
    kinds = {
        (name, "V1"): (vehicle_class, band) for name, band in zip(names[1:], bands, strict=True)
    }
    found = similar_drivers(rows, kinds | {("D1", "V1"): ("heavy", "middle")}, "D1")
    assert found is not None
    return found


def test_similar_drivers_are_those_of_the_distance_if_they_are_enough() -> None:
    found = likeness_of(["long", *["middle"] * 5])
    # D3 to D7: the middle of 3, 4, 5, 6 and 7 l on 100 km.
    assert (found.distance_band, found.others_count) == ("middle", 5)
    assert found.saved_l_per_100km == 5.0


def test_similar_drivers_are_those_of_the_class_if_they_are_not() -> None:
    found = likeness_of(["long", *["middle"] * 4])
    assert (found.distance_band, found.others_count) == ("", 5)
    assert found.saved_l_per_100km == 4.0
    of_others = likeness_of(["middle"] * 5, vehicle_class="light")
    assert (of_others.others_count, of_others.saved_l_per_100km) == (0, None)


def test_the_parts_of_the_saving_add_up_as_they_are_shown() -> None:
    parts = compose(facts(), "en")["brought"]["parts"]
    shown = [Decimal(one["shown_l"]) for one in parts]
    assert sum(shown[:-1]) == shown[-1] == Decimal("30.0")
    assert [one["text"] for one in parts][-2:] == ["−0.5", "+30.0"]


def test_a_month_that_took_more_says_so_without_a_minus() -> None:
    worse = truck(account=account(diesel_l=110.0, diesel_saved_l=-10.0))
    text = compose(facts(trucks=[worse]), "en")["brought"]["text"]
    assert text.endswith(
        "100.0 l would have been burnt for the same work, 110.0 l were: 10.0 l more."
    )


def test_an_orders_part_is_its_share_of_the_comparison_minus_what_it_burnt() -> None:
    one = truck()
    parts = parts_of_orders(one.account, one.chain, one.orders, bounds_l=(20.0, 40.0))
    first, second, rest = parts
    # Of 100 l 60 and 40 by the work; 30 and 36 were burnt; of 70 l 4 for no order.
    assert [part.saved_l for part in parts] == pytest.approx([30.0, 4.0, -4.0])
    assert (first.low_l, first.high_l) == pytest.approx((24.0, 36.0))
    assert (second.low_l, second.high_l) == pytest.approx((0.0, 8.0))
    assert (first.usual_empty_km, second.usual_empty_km) == pytest.approx((30.0, 20.0))
    # 20,000 g by 30 to 4 litres: 17,647.06 and 2,352.94.
    assert [part.credited_g for part in parts] == [17_647, 2_353, 0]
    assert sum(part.low_l for part in parts) == pytest.approx(20.0)
    assert rest.order_id == ""


def test_an_order_is_one_plain_sentence_in_both_languages() -> None:
    english = compose(facts(), "en")["orders"]
    # 17.647 kg at 2.5 kg a litre.
    assert english["lines"][0]["text"] == (
        "48 km loaded with 12.5 t, 6 km empty to the pick-up; similar trucks run 30 km empty for"
        " such work; 30.0 l saved (24 to 36), 7.1 l credited: 17.647 kg CO₂."
    )
    assert english["lines"][2]["text"].startswith("Cancelled, so it counts for nothing. If it was")
    chinese = compose(facts(), "zh")["orders"]
    assert chinese["lines"][0]["text"].startswith("载货 48 公里、12.5 吨，空驶 6 公里去装货")
    assert english["together"]["saved_text"] == "30.0"
    assert english["together"]["credited_g"] == 20_000


def test_an_order_that_earned_nothing_says_why() -> None:
    far = order("B", realised_diesel_l=45.0, month_activity_tkm=400.0, approach_km=33.0)
    light = order("B", realised_diesel_l=45.0, month_activity_tkm=400.0, cargo_t=4.0)
    burnt = order("B", realised_diesel_l=45.0, month_activity_tkm=400.0)
    told = [
        compose(facts(trucks=[truck(orders=[order("A"), one])]), "en")["orders"]["lines"][1]
        for one in (far, light, burnt)
    ]
    assert "5.0 l more burnt than in the comparison" in told[0]["text"]
    assert [one["credited_g"] for one in told] == [0, 0, 0]
    assert "33 km, 20 km are usual" in told[0]["nothing"]
    assert "4 t are less than the usual 10.0 t" in told[1]["nothing"]
    assert "more diesel was burnt" in told[2]["nothing"]


def test_figures_of_two_trucks_are_added() -> None:
    two = [
        truck(),
        truck(account=account(vehicle_id="V2", distance_km=300.0, loaded_km=280.0), orders=[]),
    ]
    composed = compose(facts(trucks=two), "en")
    head = by_name(composed["headline"])
    assert (head["co2_credited"]["text"], head["diesel_saved"]["text"]) == ("40.0 kg", "60.0 l")
    assert head["diesel_saved"]["interval"] == "40.0 to 80.0 l"
    # 40 km empty or unknown of 400.
    assert by_name(composed["running"])["empty_share"]["text"] == "10.0%"
    assert any("several trucks" in line for line in composed["method"])


def test_a_correction_names_the_figure_before_and_the_reason() -> None:
    one = {
        "at": datetime(2026, 11, 1, 1, tzinfo=UTC),
        "before_g": 18_000,
        "after_g": 20_000,
        "reasons": ["orders", "prices"],
    }
    (told,) = compose(facts(corrections=[one]), "zh")["corrections"]
    assert told.startswith("2026年11月1日 09:00：由 18.000 千克更正为 20.000 千克 CO₂。")
    assert "运单新增、更改、取消或撤回；生效价格有变" in told


def test_disputes_and_answers_are_told() -> None:
    raised = {
        "order_id": "A", "leg_started_at": None, "text": "我没有绕路", "outcome": "declined",
        "raised_at": datetime(2026, 10, 3, 1, tzinfo=UTC), "answer": "轨迹显示绕行",
        "answered_at": datetime(2026, 10, 4, 1, tzinfo=UTC),
    }  # fmt: skip
    (told,) = compose(facts(disputes=[raised]), "en")["disputes"]
    assert told.startswith("3 Oct 2026, 09:00, order A: “我没有绕路” Declined on 4 Oct 2026")


def test_the_tip_is_about_what_does_not_count_before_what_costs() -> None:
    far = [order("A", approach_km=160.0)]
    assert tip_of(account(coverage_share=0.9), CHAIN, far).code == "missing_positions"
    assert tip_of(account(orders_matched_count=1), CHAIN, far).code == "unproven_orders"
    plain = account(unknown_km=0.0)
    # 160 km at 0.25 l/km.
    assert tip_of(plain, CHAIN, far).numbers == {"km": 160.0, "litres": 40.0}
    assert tip_of(plain, CHAIN | {"idle_l": 45.0}, far).code == "idling"
    assert tip_of(plain, CHAIN, [order("A")]).code == "go_on"


def test_rounded_parts_add_up_to_the_rounded_whole() -> None:
    parts = [1.04, 1.04, -0.04, 7.96]
    assert sum(shown_parts(parts, 10.0, 1)) == Decimal("10.0")


@pytest.mark.parametrize("table", TABLES)
def test_every_word_is_there_in_both_languages_with_the_same_gaps(table: str) -> None:
    for name, (english, chinese) in TABLES[table].items():
        assert gaps(english) == gaps(chinese), name
        if table not in ("UNITS",) and not name.startswith(("link_", "page", "no_value")):
            assert not re.search(r"[\u4e00-\u9fff]", english), name


def test_every_reason_of_a_correction_is_told_in_both_languages() -> None:
    from fleet_carbon.services.months import comparing

    known = {*comparing._BY_VEHICLE, *comparing._BY_DRIVER, *comparing._FOR_ALL}
    assert known - set(wording.RESTATED) == set()


def gaps(text: str) -> list[str]:
    """The names of what is filled in."""
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name)
