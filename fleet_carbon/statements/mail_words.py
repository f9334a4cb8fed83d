"""What messages with reports say, and how recipients and sendings are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fleet_carbon.statements.wording import Words

Row = Mapping[str, Any]
_SUBJECT = ("{fleet}: fleet report of {month}", "{fleet}：{month}车队报告")
_GREETING = ("The report of {month} for the fleet {fleet}:", "车队 {fleet} {month}的报告：")
_LEFT_OUT = (
    "Too large to be attached: {names}. Ask for it in the program.",
    "附件过大，未附上：{names}。请在程序中下载。",
)
_SENT_BY = (
    "Sent by the program because this address is on its list of recipients.",
    "本邮件由程序自动发送，因为该地址在收件人名单中。",
)
_STATEMENT_SUBJECT = (
    "{fleet}: your carbon statement of {month}",
    "{fleet}：您{month}的对账单",
)
_COLON = (": ", "：")
_NAME_ENDS = (",", "：")
_ON_THE_PAGE = ("Orders, corrections and disputes: {link}", "运单、更正和申诉：{link}")
_STATEMENT_LEFT_OUT = (
    "The statement is too large to be attached. You find it in the program.",
    "对账单过大，未附上。请在程序中查看。",
)
_ASKED_FOR = (
    "Sent by the program because you asked for it; you can stop it on the page of your statement.",
    "本邮件因您的要求由程序自动发送；可在对账单页面停止。",
)
_TRIAL = ("Mail works", "邮件可用"), ("The mail server takes messages.", "邮件服务器可以发信。")
_STATES = {
    "sent": "sent",
    "refused": "refused for good",
    "failed": "failed, will be tried again",
    "given_up": "failed too often, given up",
    "nothing": "nothing to send",
    "unknown": "perhaps sent, not repeated",
}
# What stands in the text of a message: the first figures of the report.
_FIGURES_COUNT = 7


def report_mail(composed: Row, left_out: Sequence[str]) -> tuple[str, str]:
    """Subject and text of a message with a report.

    Parameters
    ----------
    composed : mapping
        From `statements.fleet_report.compose_report`.
    left_out : sequence of str
        Files that were too large.
    """
    words = Words(composed["language"])
    colon = words.choose(_COLON)
    named = {"fleet": composed["fleet_id"], "month": composed["month_text"]}
    lines = [words.choose(_GREETING).format(**named), ""]
    lines += [
        f"{one['label']}{colon}{one['text']}" for one in composed["headline"][:_FIGURES_COUNT]
    ]
    if left_out:
        lines += ["", words.choose(_LEFT_OUT).format(names=", ".join(left_out))]
    lines += ["", words.choose(_SENT_BY)]
    return words.choose(_SUBJECT).format(**named), "\n".join(lines) + "\n"


def statement_mail(composed: Row, link: str, *, is_attached: bool) -> tuple[str, str]:
    """Subject and text of a message with a driver's statement.

    Parameters
    ----------
    composed : mapping
        From `statements.composing.compose`, of a month with data.
    link : str
        Page of the statement; empty if the service has no public address.
    is_attached : bool
        Whether the PDF goes with it.
    """
    words = Words(composed["language"])
    colon = words.choose(_COLON)
    named = {"fleet": composed["fleet_id"], "month": composed["month_text"]}
    lines = [f"{composed['driver_name']}{words.choose(_NAME_ENDS)}", ""]
    lines += [f"{one['label']}{colon}{one['text']}" for one in composed["headline"]]
    lines += [f"{one['label']}{colon}{one['sentence']}" for one in composed["against"]]
    lines += ["", f"{composed['words']['tip']}{colon}{composed['tip']['text']}"]
    if link:
        lines += ["", words.choose(_ON_THE_PAGE).format(link=link)]
    if not is_attached:
        lines += ["", words.choose(_STATEMENT_LEFT_OUT)]
    lines += ["", words.choose(_ASKED_FOR)]
    return words.choose(_STATEMENT_SUBJECT).format(**named), "\n".join(lines) + "\n"


def trial(language: str) -> tuple[str, str]:
    """Subject and text of a message that tries the mail server."""
    words = Words(language)
    subject, body = (words.choose(pair) for pair in _TRIAL)
    return subject, f"{body}\n"


def recipient_lines(recipients: Sequence[Row]) -> list[str]:
    """Recipients for a screen."""
    if not recipients:
        return [
            "Nobody gets reports by mail. Add somebody with `fleet-carbon mail recipients add`."
        ]
    return [
        f"{one['number']}  {_to_whom(one)}  {one['language']}  {' '.join(one['forms'])}"
        f"  {_when(one['day_index'])}"
        for one in recipients
    ]


def sending_lines(steps: Sequence[Row]) -> list[str]:
    """Sendings for a screen."""
    return [
        " ".join(
            filter(
                None,
                (
                    f"{one['noted_at']:%Y-%m-%d %H:%M}Z",
                    one["month"],
                    _to_whom(one),
                    f"{_STATES.get(one['state'], one['state'])} (attempt {one['attempts_count']}):",
                    one["text"],
                ),
            )
        )
        for one in steps
    ] or ["Nothing was sent."]


def _to_whom(one: Row) -> str:
    return f"driver {one['driver_id']}" if one["driver_id"] else str(one["address"])


def _when(day_index: int | None) -> str:
    return "at the close" if day_index is None else f"on day {day_index} of the month after"
