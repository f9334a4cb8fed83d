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
_TRIAL = ("Mail works", "邮件可用"), ("The mail server takes messages.", "邮件服务器可以发信。")
_STATES = {
    "sent": "sent",
    "refused": "refused for good",
    "failed": "failed, will be tried again",
    "given_up": "failed too often, given up",
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
    named = {"fleet": composed["fleet_id"], "month": composed["month_text"]}
    lines = [words.choose(_GREETING).format(**named), ""]
    lines += [f"{one['label']}: {one['text']}" for one in composed["headline"][:_FIGURES_COUNT]]
    if left_out:
        lines += ["", words.choose(_LEFT_OUT).format(names=", ".join(left_out))]
    lines += ["", words.choose(_SENT_BY)]
    return words.choose(_SUBJECT).format(**named), "\n".join(lines) + "\n"


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
        f"{one['number']}  {one['address']}  {one['language']}  {' '.join(one['forms'])}"
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
                    one["address"],
                    f"{_STATES.get(one['state'], one['state'])} (attempt {one['attempts_count']}):",
                    one["text"],
                ),
            )
        )
        for one in steps
    ] or ["Nothing was sent."]


def _when(day_index: int | None) -> str:
    return "at the close" if day_index is None else f"on day {day_index} of the month after"
