"""Claims at the door: lists between platforms, letters that move a claim, who reports what."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.ledger import letters
from tests.cli.running import CommandLine
from tests.services.tiny_fleet import MONTH, TinyFleet

pytestmark = pytest.mark.slow

PLATE = "粤B12345"


@pytest.fixture(scope="module")
def closed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose tiny fleet, with a plate, is closed; made by the first test that needs it."""
    return tmp_path_factory.mktemp("closed") / "home"


def platform(
    name: str, tmp_path: Path, closed_home: Path, capsys: pytest.CaptureFixture[str]
) -> CommandLine:
    """A platform of its own that knows the truck of the plate."""
    cli = CommandLine(tmp_path / name, capsys)
    if not closed_home.exists():
        fleet = TinyFleet()
        fleet.vehicles[0]["plate"] = PLATE
        cli.ingest_all(fleet.write(tmp_path / "files"))
        assert cli("close", MONTH).code == 0
        shutil.copytree(cli.home, closed_home)
    else:
        shutil.copytree(closed_home, cli.home)
    # Copies have one key; each platform goes on with one of its own.
    assert cli("ledger", "keys", "rotate", "--lost").code == 0
    return cli


@pytest.fixture
def pair(
    tmp_path: Path, closed_home: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[CommandLine, CommandLine, Path]:
    """Two platforms that know each other's keys, and the key of the pair."""
    north, south = (platform(name, tmp_path, closed_home, capsys) for name in ("north", "south"))
    for cli, other, name in ((north, south, "south"), (south, north, "north")):
        key = other("ledger", "keys", "list", "--json").json["keys"][-1]["public_key"]
        assert cli("claims", "peer", name, "--public-key", key).code == 0
        assert [one["peer"] for one in cli("claims", "peers", "--json").json["peers"]] == [name]
    key_file = tmp_path / "pair.key"
    assert north("claims", "key", "-o", key_file).code == 0
    return north, south, key_file


def credited_g(cli: CommandLine) -> int:
    found = cli("ledger", "balance", "--account", "held:driver/", "--json").json
    return sum(one["amount"] for one in found["balances"])


def test_a_pair_key_is_secret_and_never_written_over(
    pair: tuple[CommandLine, CommandLine, Path],
) -> None:
    north, _, key_file = pair
    assert stat.S_IMODE(key_file.stat().st_mode) == 0o600
    assert north("claims", "key", "-o", key_file).code == 1
    os.chmod(key_file, 0o644)
    words = ("claims", "publish", MONTH, "--peer", "south", "--key-file", key_file, "-o", "x.json")
    assert north(*words, "--json").json["code"] == "key_file_exposed"


def test_a_list_names_the_peer_its_own_overlapping_trucks_and_shows_no_plate(
    pair: tuple[CommandLine, CommandLine, Path], tmp_path: Path
) -> None:
    north, south, key_file = pair
    file = tmp_path / "list.json"
    options = ("--key-file", key_file, "--json")
    told = north("claims", "publish", MONTH, "--peer", "south", "-o", file, *options).json
    # A truck that drives for some hours on one day claims one or two quarters of days.
    assert told["trucks"] == 1
    assert 1 <= told["buckets"] <= 2
    text = file.read_text(encoding="utf-8")
    assert PLATE not in text
    assert "V1" not in text
    commitments = json.loads(text)["commitments"]
    assert commitments == sorted(commitments)
    assert len(commitments) == told["commitments"] == 64  # how many stand for something is hidden

    ran = south("claims", "check", file, "--peer", "north", *options)
    assert ran.code == 1
    assert ran.json["overlapping_buckets"] == ran.json["own_buckets"] == told["buckets"]
    (row,) = ran.json["overlaps"]
    assert (row["vehicle_id"], row["truck"]) == ("V1", f"plate/2/{PLATE}")
    plain = south("claims", "check", file, "--peer", "north", "--key-file", key_file)
    assert plain.code == 1
    assert PLATE in plain.out

    # Published again it is the same but for nothing: two lists do not give the filling away.
    again = tmp_path / "again.json"
    assert north("claims", "publish", MONTH, "--peer", "south", "-o", again, *options).code == 0
    assert again.read_bytes() == file.read_bytes()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"commitments": []}, "not_signed_by_peer"),
        ({"format": "something else"}, "not_signed_by_peer"),
        (None, "pair_key_differs"),
    ],
)
def test_a_list_that_was_changed_or_made_with_another_key_is_refused(
    pair: tuple[CommandLine, CommandLine, Path],
    tmp_path: Path,
    change: dict[str, Any] | None,
    code: str,
) -> None:
    north, south, key_file = pair
    file = tmp_path / "list.json"
    words = ("claims", "publish", MONTH, "--peer", "south", "--key-file", key_file, "-o", file)
    assert north(*words).code == 0
    if change is None:
        key_file = tmp_path / "other.key"
        assert south("claims", "key", "-o", key_file).code == 0
    else:
        file.write_text(json.dumps(json.loads(file.read_text()) | change), encoding="utf-8")
    ran = south("claims", "check", file, "--peer", "north", "--key-file", key_file, "--json")
    assert (ran.code, ran.json["code"]) == (1, code)


def test_a_letter_moves_a_claim_and_cancels_its_grams_once(
    pair: tuple[CommandLine, CommandLine, Path], tmp_path: Path
) -> None:
    north, south, key_file = pair
    file, letter = tmp_path / "list.json", tmp_path / "letter.json"
    options = ("--key-file", key_file, "--json")
    assert north("claims", "publish", MONTH, "--peer", "south", "-o", file, *options).code == 0
    words = (
        "claims", "release", "move-1", "--driver", "D1", "--vehicle", "V1", "--month", MONTH,
        "--peer", "south", "-o", letter, "--json",
    )  # fmt: skip
    before_g = credited_g(north)
    dry = north(*words, "--dry-run").json
    assert not letter.exists()
    assert credited_g(north) == before_g > 0
    posted = north(*words).json
    assert posted["outcome"] == "posted"
    assert posted["released_g"] == dry["released_g"] == sum(one["amount"] for one in dry["entries"])
    assert credited_g(north) == 0
    assert f"cancelled {posted['released_g']:,}" in posted["ledger_sums"]
    assert north("ledger", "verify").code == 0
    said = letter.read_bytes()
    assert north(*words).json["outcome"] == "on_record_already"
    assert letter.read_bytes() == said
    # Nothing is left to be released a second time.
    second = (*words[:2], "move-2", *words[3:])
    assert north(*second).json["code"] == "figure_not_issued"
    states = [one["state"] for one in north("claims", "list", MONTH, "--json").json["claims"]]
    assert states == ["released"]
    # Until it is closed again account and ledger say different things: no statement is given.
    assert north("prove", "D1", MONTH, "--json").json["code"] == "statement_not_proven"

    # Closed again, the account is not credited anew, and says why.
    closed = north("close", MONTH, "--json").json
    assert closed["co2_credited_g"] == closed["ledger_entries"] == 0
    assert [one["note"] for one in closed["claims_refused"]] == ["claim_released"]
    assert north("ledger", "verify").code == 0
    assert north("prove", "D1", MONTH).code == 0

    # The receiver's old list holds the claim still; the letter explains it.
    assert south("claims", "check", file, "--peer", "north", *options).code == 1
    accepted = south("claims", "accept", letter, "--peer", "north", "--json").json
    assert accepted["vehicles"] == ["V1"]
    assert accepted["months_to_close_again"] == [MONTH]
    checked = south("claims", "check", file, "--peer", "north", *options)
    assert (checked.code, checked.json["overlapping_buckets"]) == (0, 0)
    assert checked.json["released_buckets"] > 0
    repeated = south("claims", "accept", letter, "--peer", "north", "--json").json
    assert repeated["outcome"] == "on_record_already"
    # A list made after the letter does not hold it either.
    later = tmp_path / "later.json"
    assert north("claims", "publish", MONTH, "--peer", "south", "-o", later, *options).code == 0
    assert (
        south("claims", "check", later, "--peer", "north", *options).json["released_buckets"] == 0
    )


def test_a_letter_that_was_changed_or_is_for_another_is_refused(
    pair: tuple[CommandLine, CommandLine, Path], tmp_path: Path
) -> None:
    north, south, _ = pair
    letter = tmp_path / "letter.json"
    words = ("claims", "release", "move-1", "--driver", "D1", "--vehicle", "V1", "--month", MONTH)
    assert north(*words, "--peer", "south", "-o", letter).code == 0
    held = json.loads(letter.read_text(encoding="utf-8"))
    assert held["format"] == letters.FORMAT
    forged = tmp_path / "forged.json"
    later = [{**one, "until": "2025-03-31T00:00:00+00:00"} for one in held["claims"]]
    forged.write_text(json.dumps({**held, "claims": later}), encoding="utf-8")
    ran = south("claims", "accept", forged, "--peer", "north", "--json")
    assert ran.json["code"] == "not_signed_by_peer"
    # The one who wrote it is not the one it is for.
    own = north("ledger", "keys", "list", "--json").json["keys"][-1]["public_key"]
    assert north("claims", "peer", "self", "--public-key", own).code == 0
    assert north("claims", "accept", letter, "--peer", "self", "--json").json["code"] == (
        "letter_for_another"
    )
    assert north("claims", "accept", letter, "--peer", "nobody", "--json").json["code"] == (
        "peer_not_found"
    )


def test_what_was_sold_before_a_release_is_borne_by_the_buffer_and_then_owed(
    pair: tuple[CommandLine, CommandLine, Path], tmp_path: Path
) -> None:
    north, _, _ = pair
    held_g = credited_g(north)
    sold = ("--grams", held_g, "--price", "50", "--currency", "CNY", "--buyer", "B")
    assert north("ledger", "sell", "lot-1", *sold).code == 0
    assert north("ledger", "settle", "lot-1").code == 0
    words = ("claims", "release", "move-1", "--driver", "D1", "--vehicle", "V1", "--month", MONTH)
    letter = tmp_path / "letter.json"
    posted = north(*words, "--peer", "south", "-o", letter, "--json").json
    # Nothing is taken from the buyer: of the driver's 70 % the buffer bears what it has left.
    assert posted["obligation_opened_g"] == held_g - posted["reversed_from_buffer_g"] > 0
    assert "owes" in posted["notice"]
    found = north("ledger", "balance", "--json").json["balances"]
    balances = {one["account"]: one["amount"] for one in found}
    assert balances["sold/B"] == held_g
    assert balances["owed:operator"] == -posted["obligation_opened_g"]
    assert north("ledger", "verify").code == 0


def test_claimed_grams_are_out_of_what_can_be_sold_and_cannot_be_claimed_again(
    pair: tuple[CommandLine, CommandLine, Path], tmp_path: Path
) -> None:
    north, _, _ = pair
    held_g = credited_g(north)
    certificate = tmp_path / "claim.json"
    words = (
        "ledger", "claim", "c-1", "--for", "shipper/Acme", "--scope", "3", "--month", MONTH,
        "--purpose", "CDP report 2025", "--from", "held:driver/D1/", "--grams", held_g,
        "-o", certificate, "--json",
    )  # fmt: skip
    assert north(*words, "--dry-run").json["entries"][0]["reason_code"] == "claimed"
    assert not certificate.exists()
    posted = north(*words).json
    assert posted["to_account"] == "retired/shipper%2FAcme"
    assert f"retired {held_g:,}" in posted["ledger_sums"]
    paper = json.loads(certificate.read_text(encoding="utf-8"))
    assert (paper["amount_g"], paper["claimant"], paper["scope"]) == (held_g, "shipper/Acme", "3")
    assert paper["serials"] == [f"default/cn-freight 2026.1/{MONTH}/0-{held_g}"]
    assert north("verify", certificate).code == 0
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps(paper | {"purpose": "another report"}), encoding="utf-8")
    assert north("verify", forged).code == 1
    assert north(*words).json["outcome"] == "on_record_already"
    for again in (
        ("ledger", "claim", "c-2", *words[3:]),
        ("ledger", "sell", "lot-1", "--buyer", "B", "--grams", "1", "--price", "1",
         "--currency", "CNY", "--json"),
        ("ledger", "retire", "r-1", "--from", "held:driver/D1/", "--beneficiary", "B",
         "--grams", "1", "--json"),
    ):  # fmt: skip
        assert north(*again).json["code"] == "not_enough_held", again
    refused = north("ledger", "claim", "c-3", "--for", "shipper/Acme", "--purpose", "again",
                    "--from", "retired/shipper%2FAcme", "--grams", "1", "--json")  # fmt: skip
    assert refused.json["code"] == "account_not_at_disposal"
    (row,) = north("ledger", "claims", "--json").json["claims"]
    assert (row["claimant"], row["purpose"], row["amount_g"]) == (
        "shipper/Acme", "CDP report 2025", held_g,
    )  # fmt: skip
    assert "shipper/Acme" in north("ledger", "claims").out
    assert north("ledger", "verify").code == 0


def test_an_order_is_claimed_by_its_part_of_the_work_and_by_one_claimant(
    pair: tuple[CommandLine, CommandLine, Path], tmp_path: Path
) -> None:
    north, _, _ = pair
    held_g = credited_g(north)
    file = tmp_path / "orders.txt"
    file.write_text("O1\n", encoding="utf-8")
    words = ("--purpose", "report", "--month", MONTH, "--orders", file, "--json")
    posted = north("ledger", "claim", "c-1", "--for", "shipper/Acme", *words).json
    # Two orders of the same cargo on the same way: each is half of the work.
    assert posted["amount_g"] == pytest.approx(held_g / 2, abs=held_g * 1e-3)
    again = north("ledger", "claim", "c-2", "--for", "shipper/Other", *words)
    assert again.json["code"] == "order_claimed_already"
    file.write_text("O2\nO9\n", encoding="utf-8")
    unknown = north("ledger", "claim", "c-3", "--for", "shipper/Other", *words)
    assert unknown.json["code"] == "order_not_carried"
    (row,) = north("ledger", "claims", "--json").json["claims"]
    assert row["order_ids"] == ["O1"]
    assert north("ledger", "claim", "c-4", "--for", "Acme", *words).json["code"] == (
        "claimant_malformed"
    )
