"""Webhooks by command: made, listed, changed, rotated, tried, replayed, ended."""

from __future__ import annotations

from typing import Any

import pytest

from fleet_carbon.services.messages.delivering import Deliverer
from fleet_carbon.settings import Settings
from tests.cli.running import CommandLine
from tests.services.receiver import receiving


@pytest.fixture(autouse=True)
def _receivers_on_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_CARBON_WEBHOOK_PRIVATE", "true")


def run(cli: CommandLine, *words: str, code: int = 0) -> dict[str, Any]:
    """What a command answers as JSON."""
    told = cli(*words, "--json")
    assert told.code == code, told
    return told.json


def test_a_webhook_goes_its_whole_way_by_command(cli: CommandLine) -> None:
    with receiving() as receiver:
        made = run(cli, "webhooks", "create", receiver.address, "--event", "month.closed")
        receiver.secrets.append(made["secret"])
        (webhook,) = made["webhooks"]
        name = webhook["endpoint_id"]
        assert webhook["event_types"] == ["month.closed"]
        assert "secret" not in run(cli, "webhooks", "list")
        receiver.secrets.append(run(cli, "webhooks", "rotate", name, "--hours", "1")["secret"])
        (asked,) = run(cli, "webhooks", "ping", name)["deliveries"]
        assert Deliverer(Settings(home=cli.home, webhook_private=True)).deliver_due() == 1
        (told,) = run(cli, "webhooks", "log", name, "--state", "delivered")["deliveries"]
        assert told["event_id"] == asked["event_id"]
        run(cli, "webhooks", "replay", name, "--event", told["event_id"])
        since = run(cli, "webhooks", "replay", name, "--since", "2020-01-01T00:00:00Z")
        assert since["deliveries"] == 0  # a ping is no event that is told again by itself
        run(cli, "webhooks", "replay", name, code=2)
        paused = run(cli, "webhooks", "change", name, "--pause")["webhooks"][0]
        assert paused["state"] == "paused"
        assert run(cli, "webhooks", "end", name)["webhooks"][0]["state"] == "ended"
        assert run(cli, "webhooks", "list")["webhooks"] == []
        run(cli, "webhooks", "end", name, code=1)


def test_what_people_see_shows_no_control_characters(cli: CommandLine) -> None:
    with receiving() as receiver:
        receiver.answer = lambda _: (500, {}, b"\x1b[31mred")
        receiver.is_checked = False
        name = run(cli, "webhooks", "create", receiver.address)["webhooks"][0]["endpoint_id"]
        run(cli, "webhooks", "ping", name)
        Deliverer(Settings(home=cli.home, webhook_private=True)).deliver_due()
    shown = cli("webhooks", "log", name)
    assert shown.code == 0
    assert "\x1b" not in shown.out
    assert "500" in shown.out


def test_statements_of_a_month_that_is_not_closed_are_not_published(cli: CommandLine) -> None:
    run(cli, "webhooks", "create", "https://example.com/hooks")
    run(cli, "publish", "2025-03", code=1)
