"""The cases of iLEAP against our own host over HTTP, and against hosts that do wrong on purpose."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.cli import main
from fleet_carbon.errors import InputRefused, Unavailable
from fleet_carbon.services.exchange import hosting
from fleet_carbon.services.exchange.conformance import FAILED, PASSED, SKIPPED, Checked, check_host
from fleet_carbon.services.exchange.exchange_client import HostClient
from fleet_carbon.services.exchange.exchanging import KINDS, exchange_month
from fleet_carbon.services.exchange.wishes import Wish
from fleet_carbon.services.people import sessions
from fleet_carbon.services.people.access import create_key
from fleet_carbon.services.running import demonstrating
from fleet_carbon.settings import Settings
from fleet_carbon.statements.ileap_sense import LAWS
from tests.services.exchanging_host import PlayedHost, hosted, listening

MONTH = demonstrating.SAMPLE_MONTH
CASES = ["token", *(f"{number:03d}" for number in range(1, 29)), "tad_twice", *LAWS]
Json = dict[str, Any]


@pytest.fixture(scope="module")
def private(sample_fleet: Settings) -> Settings:
    return sample_fleet.model_copy(update={"ileap_private": True})


@pytest.fixture(scope="module")
def ours(private: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What came of every case at our own host, asked as a customer's system."""
    home = tmp_path_factory.mktemp("conformance") / "home"
    shutil.copytree(private.home, home)
    settings = private.model_copy(update={"home": home})
    shipments = exchange_month(settings, MONTH).book.tables["shipments"]
    customer = str(shipments["shipper_id"].dropna().iloc[0])
    made = create_key(settings, "checker", "customer", shippers=[customer])
    known_by = {"client_id": made.rows[0].key_id, "client_secret": made.secret}
    ended = settings.model_copy(update={"token_lasts_s": 0})
    expired = sessions.issue_token(ended, made.rows[0].key_id, made.secret)
    assert expired is not None
    with hosted(settings) as address, HostClient(settings, address, **known_by) as client:
        found = check_host(client, expired_token=expired.secret)
    return {one.case: one for one in found.verdicts}


@pytest.mark.parametrize("case", CASES)
def test_our_host_passes_each_case(ours: dict[str, Any], case: str) -> None:
    assert (ours[case].verdict, ours[case].detail) == (PASSED, "")


def test_every_case_was_tried_here(ours: dict[str, Any]) -> None:
    assert list(ours) == CASES


@pytest.fixture(scope="module")
def sound(sample_fleet: Settings) -> Json:
    """A few shipments with all that belongs to them, by path."""
    month = exchange_month(sample_fleet, MONTH)
    few = {
        kind: hosting.read_page(sample_fleet, Wish(kind, None, 1000)).documents
        for kind in (*KINDS, "footprints2")
    }
    few["shipments"] = few["shipments"][:3]
    ids = {one["shipmentId"] for one in few["shipments"]}
    few["tad"] = [one for one in few["tad"] if one["consignmentIds"][0] in ids]
    few["aed"] = [
        {
            **few["aed"][0],
            "shipmentIds": sorted(ids),
            "totalTransportActivity": str(
                sum(float(one["tces"][0]["transportActivity"]) for one in few["shipments"])
            ),
        }
    ]
    few["footprints2"] = [
        one
        for one in few["footprints2"]
        if one["extensions"][0]["data"].get("shipmentId", "") in {"", *ids}
    ]
    assert month.left_out == {}
    return {
        **{f"/v1/ileap/{kind}": few[kind] for kind in KINDS},
        "/2/ileap/tad": few["tad"],
        "/2/footprints": few["footprints2"],
    }


@pytest.fixture(scope="module")
def played_at() -> Iterator[tuple[PlayedHost, str]]:
    host = PlayedHost()
    with listening(host) as address:
        yield host, address


@pytest.fixture
def played(played_at: tuple[PlayedHost, str], sound: Json) -> PlayedHost:
    """A host that does right until it is told otherwise."""
    host = played_at[0]
    host.documents, host.faults, host.busy_count, host.asked = deepcopy(sound), set(), 0, []
    return host


@pytest.fixture
def check(
    private: Settings, played: PlayedHost, played_at: tuple[PlayedHost, str]
) -> Callable[[], Checked]:
    def check() -> Checked:
        known_by = {"client_id": "me", "client_secret": "secret"}
        with HostClient(private, played_at[1], **known_by, pause=lambda _: None) as client:
            return check_host(client, expired_token="old")

    return check


def failed(found: Checked) -> dict[str, str]:
    return {one.case: one.detail for one in found.verdicts if one.verdict == FAILED}


def test_a_host_that_does_right_passes(check: Callable[[], Checked], played: PlayedHost) -> None:
    found = check()
    assert failed(found) == {}
    assert found.conforms
    played.faults = {"no_filter"}  # which a host need not have
    assert failed(check()) == {}
    played.faults = {"not_implemented"}
    assert failed(check()) == {}
    del played.documents["/v1/ileap/aed"]  # which no certificate asks for
    verdicts = {one.case: one.verdict for one in check().verdicts}
    assert [verdicts[f"{number:03d}"] for number in range(19, 24)] == [SKIPPED] * 5


def first(host: PlayedHost, kind: str) -> Json:
    held: Json = host.documents[f"/v1/ileap/{kind}"][0]
    return held


def _activity(host: PlayedHost) -> str:
    tce = first(host, "shipments")["tces"][0]
    tce["transportActivity"] = f"{1.1 * float(tce['transportActivity']):.3f}"
    return str(tce["tceId"])


def _mass_unit(host: PlayedHost) -> str:
    """Kilogram-kilometres, as one of the specification's own examples has them."""
    tce = first(host, "shipments")["tces"][0]
    tce["transportActivity"] = f"{1000 * float(tce['transportActivity']):.3f}"
    return str(tce["tceId"])


def _sum_of_activity(host: PlayedHost) -> str:
    footprint = host.documents["/2/footprints"][0]
    footprint["pcf"]["unitaryProductAmount"] = "1"
    return str(footprint["id"])


def _factor_unit(host: PlayedHost) -> str:
    """Litres of diesel with the factors of a kilogram, as in the specification's example."""
    held = host.documents["/2/ileap/tad"]
    activity = next(one for one in held if one["energyCarriers"][0]["energyCarrier"] == "Diesel")
    carrier = activity["energyCarriers"][0]
    assert carrier["energyConsumptionUnit"] == "l"
    carrier |= {"emissionFactorWTW": "4.13", "emissionFactorTTW": "3.17"}
    return str(activity["activityId"])


def _wtw_below_ttw(host: PlayedHost) -> str:
    toc = first(host, "tocs")
    carrier = toc["energyCarriers"][0]
    carrier["emissionFactorWTW"], carrier["emissionFactorTTW"] = "2.6", "3.4"
    return str(toc["tocId"])


def _shares(host: PlayedHost) -> str:
    toc = first(host, "tocs")
    toc["energyCarriers"][0]["relativeShare"] = "0.7"
    return str(toc["tocId"])


def _intensity(host: PlayedHost) -> str:
    tce = first(host, "shipments")["tces"][0]
    for name in ("co2eWTW", "co2eTTW"):
        tce[name] = f"{1.05 * float(tce[name]):.6f}"
    return str(tce["tceId"])


def _energy(host: PlayedHost) -> str:
    """Energy per tonne-kilometre, where the total of the activity is meant."""
    activity = host.documents["/2/ileap/tad"][0]
    activity["energyCarriers"][0]["energyConsumption"] = "0.04"
    return str(activity["consignmentIds"][0])


# What else must break with it: the same documents are told in several places.
BREAKS: dict[str, tuple[Callable[[PlayedHost], str], set[str]]] = {
    "activity": (_activity, {"activity", "sum_of_activity", "intensity"}),
    "mass_unit": (_mass_unit, {"mass_unit", "sum_of_activity", "intensity"}),
    "sum_of_activity": (_sum_of_activity, {"sum_of_activity"}),
    "factor_unit": (_factor_unit, {"factor_unit", "energy"}),
    "wtw_below_ttw": (_wtw_below_ttw, {"wtw_below_ttw"}),
    "shares": (_shares, {"shares"}),
    "intensity": (_intensity, {"intensity", "energy"}),
    "energy": (_energy, {"energy"}),
}


@pytest.mark.parametrize("law", LAWS)
def test_a_broken_law_is_named_with_its_document(
    check: Callable[[], Checked], played: PlayedHost, law: str
) -> None:
    breaks, with_it = BREAKS[law]
    name = breaks(played)
    found = check()
    assert not found.conforms
    assert set(failed(found)) <= with_it
    assert name in failed(found)[law]
    assert any(line.startswith(f"failed  {law}") for line in found.lines())


LIMITED = {"006", "011", "026"}


@pytest.mark.parametrize(
    ("fault", "cases"),
    [
        ("bad_credentials", {"token"}),
        ("limit", LIMITED),
        ("no_link", LIMITED),
        ("relative_link", LIMITED),
        ("other_page", LIMITED),
        ("lets_in", {f"{number:03d}" for number in (7, 8, 12, 13, 17, 18, 22, 23, 27, 28)}),
        ("forgets", {"008", "013", "018", "023", "028"}),
        ("wrong_filter", {"005", "010", "020", "025"}),
    ],
)
def test_a_host_that_behaves_wrongly_fails_those_cases(
    check: Callable[[], Checked], played: PlayedHost, fault: str, cases: set[str]
) -> None:
    played.faults = {fault}
    assert set(failed(check())) == cases


@pytest.mark.parametrize(
    ("path", "change", "case"),
    [
        ("/v1/ileap/shipments", {"mass": 15270}, "004"),  # a number, not a string
        ("/v1/ileap/shipments", {"comment": None}, "004"),  # never null
        ("/v1/ileap/tocs", {"emptyDistanceFactor": "1"}, "009"),
        ("/v1/ileap/aed", {"standardsUsed": []}, "019"),
        ("/2/ileap/tad", {"consignmentIds": []}, "024"),
        ("/2/footprints", {"extensions": []}, "001"),
        ("/2/footprints", {"productIds": ["T1"]}, "001"),
    ],
)
def test_a_document_that_is_not_valid_fails_its_case(
    check: Callable[[], Checked], played: PlayedHost, path: str, change: Json, case: str
) -> None:
    if "extensions" in change:
        played.documents[path] = [one | change for one in played.documents[path]]
    else:
        played.documents[path][0] |= change
    assert case in failed(check())


def test_a_category_that_is_not_among_the_footprints_is_missed(
    check: Callable[[], Checked], played: PlayedHost
) -> None:
    named = first(played, "shipments")["tces"][0]["tocId"]
    listed, held = played.documents["/v1/ileap/tocs"], played.documents["/2/footprints"]
    played.documents["/v1/ileap/tocs"] = [one for one in listed if one["tocId"] != named]
    assert named in failed(check())["009"]
    played.documents["/v1/ileap/tocs"] = listed
    played.documents["/2/footprints"] = [one for one in held if "toc:" not in one["productIds"][0]]
    assert named in failed(check())["002"]


def test_activity_data_that_stand_at_one_address_alone_are_missed(
    check: Callable[[], Checked], played: PlayedHost
) -> None:
    played.documents["/v1/ileap/tad"] = played.documents["/v1/ileap/tad"][1:]
    assert set(failed(check())) == {"tad_twice"}
    del played.documents["/v1/ileap/tad"]
    assert set(failed(check())) == {"tad_twice"}


def test_activity_data_are_filtered_by_their_mode_too(
    check: Callable[[], Checked], played: PlayedHost
) -> None:
    played.documents["/2/ileap/tad"][1]["mode"] = "Rail"
    assert failed(check()) == {}
    played.faults = {"wrong_mode"}
    assert set(failed(check())) == {"025"}


def test_no_law_holds_of_a_host_that_tells_nothing(
    check: Callable[[], Checked], played: PlayedHost
) -> None:
    played.documents = {}
    verdicts = {one.case: one.verdict for one in check().verdicts}
    assert {verdicts[law] for law in LAWS} == {SKIPPED}
    assert verdicts["004"] == FAILED


def test_who_is_not_let_in_is_told_so_once(
    private: Settings, played: PlayedHost, played_at: tuple[PlayedHost, str]
) -> None:
    known_by = {"client_id": "me", "client_secret": "mistyped"}
    with HostClient(private, played_at[1], **known_by) as client:
        first, *others = check_host(client).verdicts
    assert (first.verdict, first.detail) == (FAILED, "good credentials are answered 401")
    assert [one.case for one in others] == CASES[1:]
    assert {one.verdict for one in others} == {SKIPPED}
    assert not any("/ileap/" in path or "/footprints" in path for path in played.asked)


def test_a_busy_host_is_asked_again_and_one_that_stays_away_is_told(
    check: Callable[[], Checked], played: PlayedHost
) -> None:
    played.busy_count = 3
    assert check().conforms
    played.busy_count = 10
    with pytest.raises(Unavailable, match="503"):
        check()


@pytest.mark.parametrize(
    ("url", "addresses", "code"),
    [
        ("http://host.example", ["93.184.216.34"], "host_url_refused"),
        ("https://me@host.example", ["93.184.216.34"], "host_url_refused"),
        ("ftp://host.example", ["93.184.216.34"], "host_url_refused"),
        ("https://host.example", ["10.0.0.7"], "host_private"),
        ("https://host.example", ["93.184.216.34", "::1"], "host_private"),
        ("https://127.0.0.1:8443", ["127.0.0.1"], "host_private"),
        ("https://host.example", ["169.254.169.254"], "host_private"),
    ],
)
def test_no_secret_goes_into_the_own_network(url: str, addresses: list[str], code: str) -> None:
    settings = Settings(ileap_client_id="me", ileap_client_secret="secret")

    async def resolve(*_: object) -> list[str]:
        return addresses

    with pytest.raises(InputRefused) as refused:  # noqa: SIM117
        with HostClient(settings, url, resolve=resolve) as client:
            client.get("/v1/ileap/tad")
    assert refused.value.code == code


def test_the_commands_tell_what_they_found_and_fail_where_a_host_does(
    played: PlayedHost,
    played_at: tuple[PlayedHost, str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("FLEET_CARBON_ILEAP_PRIVATE", "true")
    monkeypatch.setenv("FLEET_CARBON_ILEAP_CLIENT_SECRET", "secret")
    known_by = ["--client-id", "me"]
    assert main(["ileap", "check", played_at[1], *known_by]) == 0
    told = capsys.readouterr().out
    assert "passed  001" in told
    assert "33 passed, 0 failed, 5 skipped." in told  # no expired token was given
    output = tmp_path / "footprints.json"
    words = ["ileap", "fetch", played_at[1], *known_by, "--where", "mode=Road", "-o", str(output)]
    assert main([*words, "--json"]) == 0
    fetched = json.loads(capsys.readouterr().out)
    assert fetched["activities_count"] == 3
    assert len(json.loads(output.read_text())["shipments"]) == 3
    name = _shares(played)
    assert main(["--json", "ileap", "check", played_at[1], *known_by]) == 1
    found = json.loads(capsys.readouterr().out)
    [case] = [one for one in found["cases"] if one["verdict"] == FAILED]
    assert (case["case"], found["conforms"]) == ("shares", False)
    assert name in case["detail"]
