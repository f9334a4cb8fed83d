"""Certificates and proofs that a ledger only grew, checked by the file that needs nothing else."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.errors import NotFound
from fleet_carbon.ledger.checker import check_statement
from fleet_carbon.ledger.entries import ChainHead
from fleet_carbon.ledger.posting import MonthPosting, Stock, post_month
from fleet_carbon.ledger.signing import SigningKey, checkpoint_note, signed_statement
from fleet_carbon.services.ledger import certifying, proving, selling, signing
from fleet_carbon.services.ledger.disposing import Disposal, dispose
from fleet_carbon.services.support.progress import Silent
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import open_storage
from tests.ledger.builders import AT, EDITION, RULE

NAME = "fleet-carbon/default"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A ledger of three checkpoints: 4 entries issued and then reserved, settled, retired."""
    made = Settings(home=tmp_path / "home")
    with closing(open_storage(made)) as opened, opened.begin() as work:
        posting = MonthPosting("2026-01", EDITION, "r", AT, {"accounts": "d" * 64}, RULE)
        work.ledger.append(post_month({("D1", "V1"): 1_000_000}, {}, posting, stock=Stock()))
    request = selling.SaleRequest("L1", "A/B", 600_000, price="50", currency="CNY")
    selling.sell(made, request, is_dry_run=False, progress=Silent())
    selling.settle(made, "L1", fees="0", is_dry_run=False, progress=Silent())
    retire(made, 400_000)
    return made


def retire(settings: Settings, amount_g: int, path: Path | None = None, **other: Any) -> None:
    wanted = Disposal("retire", "R1", "sold/A%2FB", amount_g, "City/运动会")
    told = {"is_dry_run": False, **other}
    dispose(settings, wanted, progress=Silent(), certificate=path, **told)


def resigned(settings: Settings, document: dict[str, Any]) -> dict[str, Any]:
    """Signed by the operator's own key: who has it can sign anything."""
    [path] = (settings.home / "keys").iterdir()
    body = {name: held for name, held in document.items() if name != "signature"}
    return signed_statement(SigningKey.from_pem(path.read_text()), NAME, body)


def test_a_certificate_is_proven_offline_and_says_whose_grams_were_retired(
    settings: Settings, tmp_path: Path
) -> None:
    retire(settings, 400_000, tmp_path / "certificate.json")
    (tmp_path / "checker.py").write_text(proving.checker_script(), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-I", "checker.py", "certificate.json"],
        cwd=tmp_path, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "400000 g retired on behalf of City/运动会" in done.stdout
    certificate = json.loads((tmp_path / "certificate.json").read_text(encoding="utf-8"))
    assert certificate["serials"] == [f"default/{EDITION}/2026-01/0-400000"]
    retire(settings, 400_000, tmp_path / "certificate.md")
    page = (tmp_path / "certificate.md").read_text(encoding="utf-8")
    assert certificate["checkpoint"].splitlines()[2] in page  # the root


def test_a_dry_run_certifies_nothing(settings: Settings, tmp_path: Path) -> None:
    wanted = Disposal("retire", "R2", "sold/A%2FB", 7, "X")
    path = tmp_path / "c.json"
    dispose(settings, wanted, is_dry_run=True, progress=Silent(), certificate=path)
    assert not path.exists()
    with pytest.raises(NotFound, match="no retirement 'R2'"):
        certifying.certify_retirement(settings, "R2")


def _more(certificate: dict[str, Any]) -> None:
    certificate["amount_g"] += 1


def _another(certificate: dict[str, Any]) -> None:
    certificate["beneficiary"] = "Another"


def _other_serials(certificate: dict[str, Any]) -> None:
    certificate["serials"] = [f"default/{EDITION}/2026-01/0-400001"]


def _twice(certificate: dict[str, Any]) -> None:
    certificate["entries"] *= 2
    certificate["serials"] *= 2
    certificate["amount_g"] *= 2


def _later(certificate: dict[str, Any]) -> None:
    certificate["retired_at"] = "2030-01-01T00:00:00.000Z"


@pytest.mark.parametrize("change", [_more, _another, _other_serials, _twice, _later])
def test_an_operator_cannot_certify_more_than_the_entries_retire(
    settings: Settings, change: Callable[[dict[str, Any]], None]
) -> None:
    certificate = copy.deepcopy(certifying.certify_retirement(settings, "R1").statement)
    assert check_statement(certificate).problems == []
    change(certificate)
    assert check_statement(certificate).problems != []
    assert check_statement(resigned(settings, certificate)).problems != []


def test_two_checkpoints_of_one_ledger_fit_together(settings: Settings) -> None:
    listed = certifying.list_checkpoints(settings).checkpoints
    # 4 entries issued and 1 reserved; 1 settled and 2 of money; 1 retired.
    assert [one.entries_count for one in listed] == [5, 8, 9]
    for first, second in ((1, 2), (1, 3), (2, 3), (3, None)):
        proof = certifying.prove_consistency(settings, (first, second)).statement
        assert check_statement(proof).problems == [], (first, second)
    with pytest.raises(NotFound, match="not later"):
        certifying.prove_consistency(settings, (3, 2))
    with pytest.raises(NotFound, match="no checkpoint 9"):
        certifying.prove_consistency(settings, (9, None))


def test_checkpoints_of_two_ledgers_do_not_fit_together(settings: Settings) -> None:
    """Somebody was shown another ledger: a checkpoint of 5 entries with another root."""
    [path] = (settings.home / "keys").iterdir()
    key = SigningKey.from_pem(path.read_text())
    proof = certifying.prove_consistency(settings, (1, 3)).statement
    head, root, now = ChainHead(5, "f" * 64), bytes(32), datetime.now(UTC)
    shown = checkpoint_note(key, NAME, head=head, root=root, made_at=now)
    [problem] = check_statement(resigned(settings, {**proof, "from": shown})).problems
    assert "do not begin with the 5" in problem
    [problem] = check_statement(resigned(settings, {**proof, "path": proof["path"][1:]})).problems
    assert "do not begin with the 5" in problem


def test_a_statement_names_what_became_of_the_grams_and_no_more_than_its_entries(
    settings: Settings,
) -> None:
    body = _statement_of(settings)
    told = check_statement(resigned(settings, body))
    assert told.problems == []
    # 700,000 g are the driver's; 0.6 t at 50 yuan are 30 yuan.
    assert "lot/L1: sale 600000 g 30.00 CNY" in told.proven
    for name, wrong in (("amount_g", 600_001), ("amount", 2999), ("serials", ["x"])):
        changed = copy.deepcopy(body)
        changed["settlement"][1][name] = wrong
        assert check_statement(resigned(settings, changed)).problems != [], name


def _statement_of(settings: Settings) -> dict[str, Any]:
    """As `prove` writes it, for a month that has entries and no closing run."""
    from fleet_carbon.services.ledger.settling import read_driver_ledger

    with closing(open_storage(settings)) as opened, opened.begin(read_only=True) as work:
        ledger = read_driver_ledger(opened, work, "D1", month="2026-01")
        newest = proving.newest_checkpoint(work, "default")
        tree = work.checkpoints.tree(newest.entries_count)
        entries = [*work.ledger.entries(figure="2026-01/D1/V1"), *ledger.entries]
        each = {entry.sequence: entry for entry in entries}
        account = {"month": "2026-01", "driver_id": "D1", "vehicle_id": "V1"}
        return {
            "format": "fleet-carbon statement 1",
            "fleet_id": "default",
            "driver_id": "D1",
            "month": "2026-01",
            "accounts": [{**account, "co2_credited_g": 1_000_000}],
            "entries": proving.proven_entries([each[place] for place in sorted(each)], tree),
            "settlement": [one.as_dict() for one in ledger.settlement],
            "checkpoint": newest.note,
            "keys": work.checkpoints.keys(),
        }


def test_what_an_old_key_signed_holds_after_a_rotation_and_not_after_a_theft(
    settings: Settings,
) -> None:
    def certified() -> dict[str, Any]:
        return certifying.certify_retirement(settings, "R1").statement

    def listed() -> dict[str, Any]:
        return signing.list_keys(settings).as_dict()

    old = certified()
    [first] = (key["key_id"] for key in listed()["keys"])
    assert [key.is_revoked for key in signing.rotate_keys(settings).keys] == [False, False]
    new = certified()
    assert check_statement(old, None, listed()).problems == []
    assert check_statement(new, first).problems == []  # the first vouches for the second
    assert check_statement(new, None, listed()).problems == []
    second = listed()["keys"][1]["key_id"]
    signing.rotate_keys(settings, is_stolen=True)
    [problem] = check_statement(new, None, listed()).problems
    assert f"the key {second} was revoked" in problem
    assert check_statement(old, None, listed()).problems == []
    newest = certified()
    assert check_statement(newest, None, listed()).problems == []
    [problem] = check_statement(newest, second).problems
    assert "was revoked" in problem
    [problem] = check_statement(newest, first).problems
    assert "no chain of keys" in problem  # a thief could have endorsed any key
    # The month was not closed, so that its figure claims no truck.
    problems = proving.check_ledger(settings).problems
    assert [one for one in problems if "claims no interval" not in one] == []


def test_a_key_that_is_on_no_list_is_unknown(settings: Settings, tmp_path: Path) -> None:
    other = Settings(home=tmp_path / "other")
    with closing(open_storage(other)) as opened, opened.begin() as work:
        posting = MonthPosting("2026-01", EDITION, "r", AT, {"accounts": "d" * 64}, RULE)
        work.ledger.append(post_month({("D1", "V1"): 1000}, {}, posting, stock=Stock()))
    signing.sign_ledger(other)
    theirs = signing.list_keys(other).as_dict()
    [problem] = check_statement(
        certifying.certify_retirement(settings, "R1").statement, None, theirs
    ).problems
    assert "is unknown" in problem
