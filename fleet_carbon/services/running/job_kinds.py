"""What a worker can be asked to do: each kind of job is one use case and what it is given.

A use case that stands here is all or nothing by itself and harmless when repeated: a worker that
is killed in the middle leaves it to the next one, which does it from the beginning.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fleet_carbon.periods import parse_month
from fleet_carbon.services.exchange import footprint_answers
from fleet_carbon.services.messages import mailing, webhook_log, webhooks
from fleet_carbon.services.months import retaining
from fleet_carbon.services.months.closing import close_month
from fleet_carbon.services.papers import downloading
from fleet_carbon.services.support.progress import Progress
from fleet_carbon.settings import Settings

Arguments = dict[str, Any]
"""What a use case is given, JSON-ready."""


@dataclass(frozen=True)
class JobKind:
    """One use case that is done beside the service.

    Attributes
    ----------
    name : str
        In snake_case; what the job is called in answers and in the database.
    do : callable
        Settings of the fleet, arguments, progress -> what it came to, JSON-ready once dates and
        numbers are told as text. A `FleetCarbonError` is an answer, too.
    read : callable
        Settings of the fleet, arguments -> the arguments as they are kept; refuses those that
        cannot be before anything is asked for.
    subject : tuple of str
        Arguments by which two jobs are about the same thing: while one of them is under way it is
        not asked for again. Their values are made of letters, digits, dash and underscore.
    again : callable, optional
        Arguments, code of a refusal, the moment it is -> what is asked for instead and in how many
        seconds; None if it is over.
    """

    name: str
    do: Callable[[Settings, Arguments, Progress], dict[str, Any]]
    read: Callable[[Settings, Arguments], Arguments]
    subject: tuple[str, ...] = ()
    again: Callable[[Arguments, str, datetime], tuple[Arguments, float] | None] | None = None

    def subject_of(self, arguments: Arguments) -> str:
        """What a job with these arguments is about; part of its name."""
        return "-".join(str(arguments[name]) for name in self.subject)


def _month_read(settings: Settings, arguments: Arguments) -> Arguments:
    return {"month": str(parse_month(str(arguments["month"]), settings.zone))}


def _month_closed(settings: Settings, arguments: Arguments, progress: Progress) -> dict[str, Any]:
    return close_month(settings, arguments["month"], progress=progress).as_dict()


def _month_tried(settings: Settings, arguments: Arguments, progress: Progress) -> dict[str, Any]:
    return close_month(settings, arguments["month"], is_dry_run=True, progress=progress).as_dict()


CLOSE = JobKind("close_month", _month_closed, _month_read, ("month",))
PREVIEW = JobKind("preview_month", _month_tried, _month_read, ("month",))


def _replay_read(settings: Settings, arguments: Arguments) -> Arguments:
    since = webhook_log.read_moment(str(arguments["since"])).isoformat()
    (row,) = webhooks.read_endpoint(settings, str(arguments["endpoint_id"])).rows
    return {"endpoint_id": row.endpoint_id, "since": since}


def _replayed(settings: Settings, arguments: Arguments, progress: Progress) -> dict[str, Any]:
    endpoint_id, since = arguments["endpoint_id"], arguments["since"]
    return webhook_log.replay_since(settings, endpoint_id, since, progress=progress).as_dict()


REPLAY = JobKind("replay_webhooks", _replayed, _replay_read, ("endpoint_id",))


def _retention_read(settings: Settings, arguments: Arguments) -> Arguments:
    retaining.refuse_without_rule(settings)
    return {"dry_run": bool(arguments["dry_run"])}


def _reduced(settings: Settings, arguments: Arguments, _progress: Progress) -> dict[str, Any]:
    return retaining.run_retention(settings, is_dry_run=arguments["dry_run"]).as_dict()


RETENTION = JobKind("run_retention", _reduced, _retention_read, ("dry_run",))


def _mailed(settings: Settings, arguments: Arguments, progress: Progress) -> dict[str, Any]:
    return mailing.send_due(settings, arguments["month"], progress=progress).as_dict()


SEND_MAIL = JobKind("send_mail", _mailed, _month_read, ("month",))


def _statements_read(settings: Settings, arguments: Arguments) -> Arguments:
    how = {name: str(arguments[name]) for name in ("language", "form")}
    return {"month": downloading.read_wish(settings, str(arguments["month"]), **how), **how}


def _statements_zipped(
    settings: Settings, arguments: Arguments, progress: Progress
) -> dict[str, Any]:
    return downloading.zip_statements(settings, **arguments, progress=progress)


STATEMENTS = JobKind(
    "zip_statements", _statements_zipped, _statements_read, ("month", "language", "form")
)


def _request_read(_settings: Settings, arguments: Arguments) -> Arguments:
    return arguments


def _request_answered(
    settings: Settings, arguments: Arguments, _progress: Progress
) -> dict[str, Any]:
    return footprint_answers.answer_request(settings, arguments)


_EVENT = ("mark", "attempt")
ANSWER = JobKind(
    "answer_footprint_request",
    _request_answered,
    _request_read,
    _EVENT,
    again=footprint_answers.next_attempt,
)


def _published(settings: Settings, arguments: Arguments, _progress: Progress) -> dict[str, Any]:
    return footprint_answers.publish(settings, arguments)


PUBLISH = JobKind(
    "publish_footprints",
    _published,
    _request_read,
    _EVENT,
    again=footprint_answers.next_attempt,
)

_ALL = (CLOSE, PREVIEW, REPLAY, RETENTION, SEND_MAIL, STATEMENTS, ANSWER, PUBLISH)
KINDS = {kind.name: kind for kind in _ALL}
"""Every kind by its name; a worker does all of them."""
