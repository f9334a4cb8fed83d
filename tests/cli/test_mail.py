"""Reports by mail, by command: recipients, a sending, a trial, the log."""

from __future__ import annotations

import pytest

from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.services.people.users import create_user
from fleet_carbon.settings import Settings
from tests.cli.running import CommandLine
from tests.services.mail_receiver import Box, free_port, receiving
from tests.services.tiny_fleet import MONTH, TinyFleet


def test_mail_goes_its_whole_way_by_command(
    cli: CommandLine, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, box, port = tmp_path_factory.mktemp("files"), Box(), free_port()
    for kind, path in TinyFleet().write(folder).items():
        ingest_files(Settings(home=cli.home), kind, [path])
    close_month(Settings(home=cli.home), MONTH)
    refused = cli("mail", "test", "--to", "a@example.org", "--json")
    assert (refused.code, refused.json["code"]) == (1, "mail_not_configured")
    for name, value in (("HOST", "127.0.0.1"), ("PORT", str(port)), ("SECURITY", "none"),
                        ("SENDER", "fleet@example.org")):  # fmt: skip
        monkeypatch.setenv(f"FLEET_CARBON_MAIL_{name}", value)
    words = ("mail", "recipients", "add", "boss@example.org", "--form", "xlsx", "--day", "5")
    [made] = cli(*words, "--json").json["recipients"]
    assert (made["forms"], made["day_index"]) == ([".xlsx"], 5)
    assert cli(*words).code == 1  # there already
    assert "on day 5" in cli("mail", "recipients", "list").out
    with receiving(port, box):
        assert cli("mail", "test", "--to", "a@example.org").code == 0
        sent = cli("mail", "send", MONTH, "--to", "a@example.org", "--form", "html", "--json")
        assert (sent.code, sent.json["sendings"][0]["state"]) == (0, "sent")
        assert cli("mail", "send", MONTH, "--to", "a@example.org").code == 1
        box.rcpt_answer = "550 away"
        assert cli("mail", "send", MONTH, "--to", "b@example.org").code == 1
    log = cli("mail", "log").out
    assert "a@example.org sent" in log
    assert "b@example.org refused for good (attempt 1): 550 away" in log
    assert cli("mail", "recipients", "end", str(made["number"])).code == 0
    assert cli("mail", "recipients", "list", "--json").json == {"recipients": []}
    of_driver = ("mail", "recipients", "add", "--driver", "D1")
    assert cli(*of_driver, "--json").json["code"] == "driver_without_address"
    create_user(Settings(home=cli.home), "d1@example.org", "driver", driver_id="D1")
    assert cli(*of_driver, "--day", "5").code == 2
    assert cli("mail", "recipients", "add").code == 2
    assert cli(*of_driver, "--language", "zh").code == 0
    assert "driver D1  zh  .pdf  at the close" in cli("mail", "recipients", "list").out
    assert len(box.messages) == 2
