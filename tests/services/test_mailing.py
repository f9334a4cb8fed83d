"""Reports by mail, over a real server: at most once, tried again when it is sure nothing went."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from fleet_carbon.errors import InputRefused, NotFound
from fleet_carbon.periods import parse_month
from fleet_carbon.services.intake.ingesting import ingest_files
from fleet_carbon.services.ledger.proving import check_statement
from fleet_carbon.services.messages import mailing, statement_mail
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.services.papers.stating import make_statement
from fleet_carbon.services.people.erasing import erase_driver
from fleet_carbon.services.people.users import create_user, end_user, list_users
from fleet_carbon.services.running import mail_rounds
from fleet_carbon.services.running.jobs import JobBook, prepare_jobs, worker
from fleet_carbon.settings import Settings
from fleet_carbon.storage.unit_of_work import open_storage
from tests.services.mail_receiver import PASSWORD, USER, Box, certificate, free_port, receiving
from tests.services.tiny_fleet import MONTH, TinyFleet
from tests.web.serving import await_that

ADDRESS = "boss@example.org"


@pytest.fixture(scope="module")
def open_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fleet of one truck, nothing closed."""
    folder = tmp_path_factory.mktemp("mail")
    settings = Settings(home=folder / "home")
    for kind, path in TinyFleet().write(folder / "files").items():
        ingest_files(settings, kind, [path])
    return folder / "home"


@pytest.fixture(scope="module")
def home(open_home: Path) -> Path:
    """The fleet with its month closed; who wants it open copies it before."""
    copied = open_home.with_name("closed")
    shutil.copytree(open_home, copied)
    close_month(Settings(home=copied), MONTH)
    return copied


@pytest.fixture
def settings(home: Path) -> Settings:
    """The closed month; every test has its own address, and so its own sendings."""
    return Settings(
        home=home, mail_host="127.0.0.1", mail_port=free_port(), mail_security="none",
        mail_sender="fleet@example.org",
    )  # fmt: skip


@pytest.fixture
def before_close(settings: Settings, open_home: Path, tmp_path: Path) -> Settings:
    """A home of its own in which nothing is closed."""
    shutil.copytree(open_home, tmp_path / "home")
    return settings.model_copy(update={"home": tmp_path / "home"})


def own(request: pytest.FixtureRequest) -> str:
    return f"{request.node.name.replace('[', '.').replace(']', '')[:60]}@example.org"


def test_a_report_is_sent_with_its_files_and_once_only(
    settings: Settings, request: pytest.FixtureRequest
) -> None:
    box, address = Box(), own(request)
    with receiving(settings.mail_port, box):
        [step] = mailing.send_now(settings, MONTH, address, language="zh").steps
        assert (step.state, step.attempts_count) == ("sent", 1)
        with pytest.raises(InputRefused, match="was sent to"):
            mailing.send_now(settings, MONTH, address)
        [(to, message)] = box.messages
        assert to == address
        assert "车队报告" in message["Subject"]
        body = message.get_body(("plain",))
        assert body is not None
        assert "入账减排量" in body.get_content()
        files = {one.get_filename(): one.get_content() for one in message.iter_attachments()}
        assert list(files) == [f"report-default-{MONTH}.pdf", f"report-default-{MONTH}.xlsx"]
        assert files[f"report-default-{MONTH}.pdf"].startswith(b"%PDF")
        mailing.send_now(settings, MONTH, address, is_again=True)
    assert len(box.messages) == 2


def test_a_recipient_refused_for_good_is_named_and_not_tried_again(
    settings: Settings, request: pytest.FixtureRequest
) -> None:
    box, address = Box(rcpt_answer="550 no such user"), own(request)
    with receiving(settings.mail_port, box):
        [step] = mailing.send_now(settings, MONTH, address).steps
    assert (step.state, step.text) == ("refused", "550 no such user")
    told = [one for one in mailing.read_sendings(settings).steps if one.address == address]
    assert [one.state for one in told] == ["refused"]
    assert box.messages == []


def test_a_server_that_is_down_and_then_up_gets_the_message_once(
    before_close: Settings, request: pytest.FixtureRequest
) -> None:
    settings = before_close
    address, box = own(request), Box()
    made = mailing.add_recipient(settings, address).recipients[0]
    close_month(settings, MONTH)
    begin = datetime.now(UTC)
    [down] = mailing.send_due(settings, MONTH, now=begin).steps
    assert (down.state, down.attempts_count) == ("failed", 1)
    assert "refused" in down.text.lower()
    with receiving(settings.mail_port, box):
        # Not before the first pause is over, 60 s by `BACK_OFF_S`.
        assert mailing.send_due(settings, MONTH, now=begin + timedelta(seconds=59)).steps == []
        later = begin + timedelta(seconds=61)
        assert mailing.due_months(settings, later) == [MONTH]
        [up] = mailing.send_due(settings, MONTH, now=later).steps
        assert (up.state, up.attempts_count) == ("sent", 2)
        assert mailing.send_due(settings, MONTH, now=later + timedelta(days=9)).steps == []
    mailing.end_recipient(settings, made.number)
    assert len(box.messages) == 1
    with pytest.raises(NotFound, match="no recipient"):
        mailing.end_recipient(settings, made.number)


def test_a_server_that_never_comes_is_given_up(
    before_close: Settings, request: pytest.FixtureRequest
) -> None:
    settings = before_close
    made = mailing.add_recipient(settings, own(request), forms=(".html",)).recipients[0]
    close_month(settings, MONTH)
    at, states = datetime.now(UTC), []
    for _ in range(len(mailing.BACK_OFF_S) + 2):
        states += [one.state for one in mailing.send_due(settings, MONTH, now=at).steps]
        at += timedelta(days=1)
    mailing.end_recipient(settings, made.number)
    assert states == ["failed"] * len(mailing.BACK_OFF_S) + ["given_up"]


def test_a_message_of_unknown_fate_is_not_repeated(
    settings: Settings, request: pytest.FixtureRequest
) -> None:
    box, address = Box(breaks_off=True), own(request)
    with receiving(settings.mail_port, box):
        [step] = mailing.send_now(settings, MONTH, address, forms=(".html",)).steps
        assert step.state == "unknown"
        with pytest.raises(InputRefused, match="may have been"):
            mailing.send_now(settings, MONTH, address)
    assert len(box.messages) == 1


def test_what_was_begun_by_a_killed_worker_is_told_and_not_repeated(
    settings: Settings, request: pytest.FixtureRequest
) -> None:
    address = own(request)
    with closing(open_storage(settings)) as storage, storage.begin() as work:
        work.mailing.note(
            mailing.SendingStep(MONTH, address, mailing.BEGUN, 1, "", datetime.now(UTC))
        )
    told = {one.address: one.state for one in mailing.read_sendings(settings).steps}
    assert told[address] == "unknown"
    with pytest.raises(InputRefused, match="may have been"):
        mailing.send_now(settings, MONTH, address)


def test_without_encryption_nothing_is_said_to_the_server(
    settings: Settings, request: pytest.FixtureRequest
) -> None:
    box = Box()
    strict = settings.model_copy(update={"mail_security": "starttls"})
    with receiving(settings.mail_port, box):
        [step] = mailing.send_now(strict, MONTH, own(request), forms=(".html",)).steps
    assert (step.state, "STARTTLS" in step.text, box.messages) == ("failed", True, [])


def test_encrypted_and_signed_in_it_goes_and_an_unknown_certificate_is_not_trusted(
    settings: Settings, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    box, pem = Box(), certificate(tmp_path)
    given = {"mail_security": "starttls", "mail_user": USER, "mail_password": PASSWORD}
    strict = Settings(**(settings.model_dump() | given | {"mail_ca_file": pem}))
    doubting = strict.model_copy(update={"mail_ca_file": None})
    wrong = Settings(**(strict.model_dump() | {"mail_password": "wrong"}))
    with receiving(settings.mail_port, box, pem=pem, signs_in=True):
        assert [one.state for one in mailing.send_trial(strict, ADDRESS).steps] == ["sent"]
        assert "CERTIFICATE" in mailing.send_trial(doubting, ADDRESS).steps[0].text
        assert mailing.send_trial(wrong, ADDRESS).steps[0].text.startswith("535")
        [plain] = mailing.send_trial(settings, ADDRESS).steps
        assert plain.text.startswith("530")  # the server requires STARTTLS
    assert len(box.messages) == 1
    with pytest.raises(InputRefused, match="without encryption"):
        mailing.send_trial(strict.model_copy(update={"mail_security": "none"}), ADDRESS)


def test_attachments_that_do_not_fit_are_named_in_the_message(
    settings: Settings, request: pytest.FixtureRequest
) -> None:
    box = Box()
    small = settings.model_copy(update={"mail_attachments_bytes_max": 60_000})
    with receiving(settings.mail_port, box):
        mailing.send_now(small, MONTH, own(request), forms=(".pdf", ".xlsx"))
    [(_, message)] = box.messages
    assert [one.get_filename() for one in message.iter_attachments()] == [
        f"report-default-{MONTH}.xlsx"
    ]
    assert f"report-default-{MONTH}.pdf" in message.get_body(("plain",)).get_content()  # type: ignore[union-attr]


def test_who_comes_after_the_close_is_not_sent_what_was_closed_before(
    before_close: Settings,
) -> None:
    at_close, on_day = "close@example.org", "day@example.org"
    mailing.add_recipient(before_close, at_close)
    mailing.add_recipient(before_close, on_day, day_index=31)
    later = timedelta(seconds=1)
    assert mailing.due_months(before_close, datetime.now(UTC)) == []
    close_month(before_close, MONTH)
    mailing.add_recipient(before_close, "late@example.org")
    tried = mailing.send_due(before_close, MONTH, now=datetime.now(UTC) + later).steps
    assert [one.address for one in tried] == [at_close, on_day]


def test_a_day_is_midnight_of_the_fleet_and_the_last_of_a_shorter_month() -> None:
    march = parse_month("2025-03", ZoneInfo("Asia/Shanghai"))
    # April has 30 days; midnight in Shanghai is 16:00 UTC of the day before.
    assert mailing.day_after(march, 31) == datetime(2025, 4, 29, 16, tzinfo=UTC)
    assert mailing.day_after(march, 5) == datetime(2025, 4, 4, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    "address", ["a b@example.org", "a@b\r\nBcc: c@d.e", "nobody", "<a@b.c>", "司机@example.org", ""]
)
def test_an_address_that_is_none_is_refused(settings: Settings, address: str) -> None:
    with pytest.raises(InputRefused, match="no address"):
        mailing.add_recipient(settings, address)


def test_without_a_server_nothing_is_due_and_sending_is_refused(settings: Settings) -> None:
    without = settings.model_copy(update={"mail_host": None})
    assert mailing.due_months(without, datetime.now(UTC)) == []
    with pytest.raises(InputRefused, match="No mail server"):
        mailing.send_now(without, MONTH, ADDRESS)


def test_a_worker_sends_what_is_due_after_a_close(
    before_close: Settings, request: pytest.FixtureRequest
) -> None:
    settings = before_close
    box, address = Box(), own(request)
    made = mailing.add_recipient(settings, address, forms=(".html",)).recipients[0]
    close_month(settings, MONTH)
    prepare_jobs(settings)
    with (
        receiving(settings.mail_port, box),
        worker(settings),
        closing(JobBook(settings)) as book,
    ):
        assert mail_rounds.ask_for_due(settings, book, datetime.now(UTC)) == 1
        await_that(lambda: bool(box.messages), within_s=60, what="the message did not come")
        await_that(lambda: book.newest("default")[0].state == "done", within_s=60, what="no end")
        [sent] = book.newest("default")[0].result["sendings"]  # type: ignore[index]
        assert (sent["state"], sent["address"]) == ("sent", address)
        assert mail_rounds.ask_for_due(settings, book, datetime.now(UTC)) == 0
    mailing.end_recipient(settings, made.number)
    assert len(box.messages) == 1


DRIVER_ADDRESS = "zhang@example.org"


def with_driver(settings: Settings) -> Settings:
    """The driver D1 signs in by an address of mail."""
    create_user(
        settings, DRIVER_ADDRESS, "driver", driver_id="D1", password="correct horse battery"
    )
    return settings


def test_a_driver_who_asks_is_sent_the_own_statement_once_and_no_address_is_kept(
    before_close: Settings, tmp_path: Path
) -> None:
    settings, box = with_driver(before_close), Box()
    statement_mail.send_from_now_on(settings, "D1", language="zh")
    with pytest.raises(InputRefused, match="sent statements already"):
        statement_mail.send_from_now_on(settings, "D1")
    close_month(settings, MONTH)
    with receiving(settings.mail_port, box):
        [step] = mailing.send_due(settings, MONTH).steps
        assert mailing.send_due(settings, MONTH).steps == []
    assert (step.state, step.driver_id, step.address) == ("sent", "D1", "")
    [(to, message)] = box.messages
    assert to == DRIVER_ADDRESS
    composed = make_statement(settings, "D1", MONTH, language="zh").composed
    body = message.get_body(("plain",)).get_content()  # type: ignore[union-attr]
    assert all(one["text"] in body for one in composed["headline"])
    [attached] = message.iter_attachments()
    path = tmp_path / str(attached.get_filename())
    path.write_bytes(attached.get_content())
    assert check_statement(path).is_well
    on_record = repr((mailing.list_recipients(settings), mailing.read_sendings(settings)))
    assert DRIVER_ADDRESS not in on_record
    assert "driver D1" in mailing.read_sendings(settings).lines()[0]


def test_what_a_server_says_of_a_drivers_address_is_not_kept(before_close: Settings) -> None:
    settings = with_driver(before_close)
    statement_mail.send_from_now_on(settings, "D1")
    close_month(settings, MONTH)
    with receiving(settings.mail_port, Box(rcpt_answer=f"550 no mailbox {DRIVER_ADDRESS}")):
        [step] = mailing.send_due(settings, MONTH).steps
    assert (step.state, step.text) == ("refused", "550 no mailbox the address")


def test_who_stopped_was_erased_or_left_is_sent_nothing(before_close: Settings) -> None:
    settings = with_driver(before_close)
    statement_mail.send_from_now_on(settings, "D1")
    statement_mail.send_no_more(settings, "D1")
    with pytest.raises(NotFound, match="no statements"):
        statement_mail.send_no_more(settings, "D1")
    assert statement_mail.read_wish(settings, "D1") == statement_mail.Wish(DRIVER_ADDRESS, 0)
    made = statement_mail.send_from_now_on(settings, "D1")
    close_month(settings, MONTH)
    [user] = list_users(settings).rows
    end_user(settings, user.user_id)
    assert statement_mail.read_wish(settings, "D1") == statement_mail.Wish("", made.number)
    sent = mailing.send_due(settings, MONTH)  # no server is up, and none is asked
    assert [one.state for one in sent.steps] == ["nothing"]
    assert not sent.has_failures
    assert mailing.due_months(settings, datetime.now(UTC) + timedelta(days=9)) == []
    erase_driver(settings, "D1", "asked for it", confirmation="D1", is_dry_run=False)
    assert statement_mail.read_wish(settings, "D1") == statement_mail.Wish("", 0)
    with pytest.raises(InputRefused, match="No address of mail"):
        statement_mail.send_from_now_on(settings, "D2")


def test_a_driver_without_an_account_is_sent_nothing(before_close: Settings) -> None:
    create_user(before_close, DRIVER_ADDRESS, "driver", driver_id="D9", password="correct horse x")
    statement_mail.send_from_now_on(before_close, "D9")
    close_month(before_close, MONTH)
    [step] = mailing.send_due(before_close, MONTH).steps
    assert (step.state, step.driver_id) == ("nothing", "D9")
