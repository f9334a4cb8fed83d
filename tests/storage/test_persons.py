"""A person is erased: the key is gone, the rest stays; on both databases."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select, text

from fleet_carbon.errors import InputRefused
from fleet_carbon.services.accounts.naming import shown_name
from fleet_carbon.services.intake import ingesting
from fleet_carbon.services.ledger import proving
from fleet_carbon.services.messages import statement_mail
from fleet_carbon.services.papers import disputing
from fleet_carbon.services.people import (
    access,
    auditing,
    erasing,
    personal_records,
    sessions,
    users,
)
from fleet_carbon.settings import Settings
from fleet_carbon.storage.claim_tables import SCHEMA
from fleet_carbon.storage.mailing import SendingStep
from fleet_carbon.storage.unit_of_work import open_storage
from tests.storage.builders import behind
from tests.storage.whole_ledger import MONTH

ROWS = "driver_id,name,phone,joined_on\nD1,张三,13800138000,2026-01-01\nD2,李四,13900139000,\n"


def register(settings: Settings, folder: Path, content: str = ROWS) -> Path:
    path = folder / "drivers.csv"
    path.write_text(content, encoding="utf-8")
    ingesting.ingest_files(settings, "drivers", [path])
    return path


def names(settings: Settings) -> list[str]:
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        return [str(one) for one in work.register.read("drivers")["name"]]


def kept(settings: Settings) -> str:
    """Everything that the table of drivers says, as the database keeps it."""
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        connection = work._transaction.reading
        found = connection.execute(
            text("SELECT name, phone FROM drivers_versions WHERE fleet_id = :fleet"),
            {"fleet": settings.fleet},
        )
        return str(found.all())


def erase(settings: Settings, **other: object) -> dict[str, object]:
    told = {"confirmation": "D1", "is_dry_run": False, **other}
    return erasing.erase_driver(settings, "D1", "asked for", **told).report


def test_names_are_not_readable_at_rest_and_come_back(first: Settings, tmp_path: Path) -> None:
    path = register(first, tmp_path)
    assert names(first) == ["张三", "李四"]
    assert not any(word in kept(first) for word in ("张三", "13800138000", "李四"))
    again = ingesting.ingest_files(first, "drivers", [path]).files[0]
    assert (again.rows_accepted, again.rows_duplicate) == (0, 2)


def test_who_was_erased_is_gone_and_the_ledger_stays(first: Settings, tmp_path: Path) -> None:
    path = register(first, tmp_path)
    proof = proving.prove_account(first, "D1", MONTH).text()
    told = erase(first, is_dry_run=True)
    assert (told["outcome"], names(first)) == ("dry_run", ["张三", "李四"])
    with pytest.raises(InputRefused):
        erase(first, confirmation="D2")
    [file_id] = erase(first)["files"]
    assert names(first) == ["<NA>", "李四"]
    assert not (first.home / "files" / str(file_id)[:2] / str(file_id)).exists()
    assert proving.check_ledger(first).is_well
    assert proving.prove_account(first, "D1", MONTH).text() == proof
    with closing(open_storage(first)) as storage, storage.begin(read_only=True) as work:
        shown = [shown_name(work, driver_id) for driver_id in ("D1", "D2", "D9")]
    assert shown == ["D1 (erased 已删除)", "李四", "D9"]
    person = personal_records.read_person(first, "D1").report
    assert (person["erased"], person["register"][0]["name"]) == (True, None)
    assert person["accounts"][MONTH][0]["co2_credited_g"] == 1_000_000
    assert erase(first)["outcome"] == "on_record_already"
    # The same file would bring the person back, and is refused whole.
    with pytest.raises(InputRefused) as refused:
        ingesting.ingest_files(first, "drivers", [path])
    assert refused.value.code == "driver_erased"
    assert not (first.home / "files" / str(file_id)[:2] / str(file_id)).exists()
    assert names(first) == ["<NA>", "李四"]


def test_a_key_that_was_destroyed_is_in_no_file_of_the_database(
    first: Settings, tmp_path: Path
) -> None:
    register(first, tmp_path)
    with closing(open_storage(first)) as storage, storage.begin(read_only=True) as work:
        chosen = text(
            "SELECT wrapped_key FROM person_keys AS k"
            " WHERE k.fleet_id = :fleet AND k.driver_id = 'D1'"
        )
        key = str(work._transaction.reading.scalar(chosen, {"fleet": first.fleet}))
    erase(first)
    databases = list(first.home.glob("fleet_carbon.sqlite*"))
    assert not any(key.encode() in one.read_bytes() for one in databases)


LOGIN, PASSWORD, SAID, ANSWERED = (
    "zhang.san@example.org",
    "four horses pull",
    "我那天空车回家",
    "you were loaded",
)


def lives(settings: Settings) -> tuple[sessions.SignedIn, str]:
    """D1 signs in, asks, wishes for mail and disputes a month; a session, and a key's secret."""
    users.create_user(settings, LOGIN, "driver", driver_id="D1", password=PASSWORD)
    key = access.create_key(settings, "phone", "driver", driver_id="D1").secret
    signed_in = sessions.sign_in(settings, LOGIN, PASSWORD)
    asked = {"method": "GET", "path": "/v1/months/2026-01/drivers/D1/statement", "status": 200}
    auditing.record(settings, signed_in.caller, **asked, request_id="r")
    statement_mail.send_from_now_on(settings, "D1", language="zh")
    [raised] = disputing.raise_dispute(settings, "D1", MONTH, text=SAID).disputes
    for answer in ("first", ANSWERED):
        disputing.answer_dispute(
            settings, raised["number"], outcome="noted", text=answer, answered_by="manager"
        )
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        at = signed_in.expires_at
        work.mailing.note(SendingStep(MONTH, "", "sent", 1, "250 kept by the address", at, "D1"))
        work.answers.begin("k", "0" * 64, at)
        work.answers.answer("k", 201, f'{{"login": "{LOGIN}"}}')
    return signed_in, key


def at_rest(settings: Settings) -> str:
    """Every row of the fleet in every table, as the database keeps it."""
    with closing(open_storage(settings)) as storage, behind(storage) as connection:
        return "\n".join(
            str(tuple(row))
            for table in SCHEMA.sorted_tables
            if "fleet_id" in table.c
            for row in connection.execute(select(table).where(table.c.fleet_id == settings.fleet))
        )


def test_a_person_is_told_users_mail_and_disputes_and_erased_from_all_of_them(
    first: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(first, tmp_path)
    monkeypatch.setattr(users, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    signed_in, key_secret = lives(first)
    told = personal_records.read_person(first, "D1").report
    [user], [key], [dispute] = told["users"], told["keys"], told["disputes"]
    assert (user["login"], user["role"], user["has_password"]) == (LOGIN, "driver", True)
    assert [set(one) for one in user["sessions"]] == [{"kind", "seen_at", "expires_at"}]
    assert user["requests"][0]["path"] == "/v1/months/2026-01/drivers/D1/statement"
    assert (key["name"], key["tokens"]) == ("phone", [])
    assert (dispute["text"], dispute["month"]) == (SAID, MONTH)
    assert [one["text"] for one in dispute["answers"]] == ["first", ANSWERED]
    assert told["mail"]["address"] == LOGIN
    assert [(one["language"], one["until"]) for one in told["mail"]["wishes"]] == [("zh", None)]
    assert [one["state"] for one in told["mail"]["sendings"]] == ["sent"]
    assert not any(word in json.dumps(told) for word in ("argon2", "sha256", "fcs_", "fck_"))
    other = personal_records.read_person(first, "D2").report
    assert not any(other[name] for name in ("users", "keys", "disputes"))
    assert other["mail"] == {"address": "", "wishes": [], "sendings": []}

    assert erase(first, is_dry_run=True)["disputes_count"] == 1
    assert sessions.caller_of(first, key_secret) is not None
    erase(first)
    assert (
        sessions.caller_of(first, key_secret) is sessions.caller_of(first, signed_in.secret) is None
    )
    with pytest.raises(users.SignInRefused):
        sessions.sign_in(first, LOGIN, PASSWORD)
    kept = at_rest(first)
    for word in (LOGIN, "argon2", SAID, ANSWERED, "first", "张三"):
        assert word not in kept, word
    told = personal_records.read_person(first, "D1").report
    [user] = told["users"]
    assert user["login"] == f"erased-{user['user_id']}"
    assert told["mail"]["wishes"][0]["until"] is not None
    [event] = auditing.read_trail(first, limit_count=1).events
    assert event.who == f"driver erased-{user['user_id']}"
    [dispute] = disputing.list_disputes(first).disputes
    assert (dispute["text"], dispute["answer"]) == ("erased 已删除", "erased 已删除")
    with pytest.raises(InputRefused) as refused:
        disputing.raise_dispute(first, "D1", MONTH, text="again")
    assert refused.value.code == "driver_erased"
    # Who signs in under the id afterwards is reached by another erasure.
    users.create_user(first, LOGIN, "driver", driver_id="D1", password=PASSWORD)
    assert erase(first)["outcome"] == "on_record_already"
    assert LOGIN not in at_rest(first)


def test_an_id_that_is_a_telephone_or_card_number_is_warned_of(
    settings: Settings, tmp_path: Path
) -> None:
    path = tmp_path / "drivers.csv"
    path.write_text("driver_id\n13800138000\n11010519491231002X\nD1\n1380013800\n")
    [found] = ingesting.ingest_files(settings, "drivers", [path]).files[0].suspicions
    assert found.code == "driver_id_looks_personal"
    assert found.evidence == "2: 110...2X, 138...00"
