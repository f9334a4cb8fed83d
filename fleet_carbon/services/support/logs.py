"""What server and worker log: one line for each request and job, on standard error.

A line names who asked, what, and what came of it. Secrets, bodies and query strings never stand in
it, and neither do the values of a statement of the database that failed.
"""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from fleet_carbon.settings import Settings

_STAMPED: tuple[Any, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
)
# Until a process says how, lines go the way of every other program: what is bad to standard error.
structlog.configure(
    processors=[*_STAMPED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)


def configure(settings: Settings, *, part: str) -> None:
    """Let everything that this process logs be lines of one form.

    Parameters
    ----------
    settings : Settings
        `log_format` and `log_level`.
    part : str
        Which part of the service the process is; stands in each line.
    """
    rendered: Any = structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    if settings.log_format == "text":
        rendered = structlog.processors.KeyValueRenderer(key_order=["at", "level", "event"])
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_STAMPED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _of_part(part),
                rendered,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    # It tells whole addresses of what is asked for, and queries may hold secrets.
    logging.getLogger("httpx").setLevel(max(logging.WARNING, root.level))
    for name in ("gunicorn.error", "dbos", "fleet_carbon.web"):
        adopt(name)


def adopt(name: str) -> None:
    """Let a logger of somebody else write through ours, in place of its own way."""
    logger = logging.getLogger(name)
    logger.handlers.clear()
    logger.propagate = True


def tell(event: str, *, level: str = "info", **facts: Any) -> None:
    """Log one line.

    Parameters
    ----------
    event : str
        What happened, in few words that stay the same.
    level : str
        debug, info, warning or error.
    **facts
        What it happened to.
    """
    logger = structlog.stdlib.get_logger("fleet_carbon.service")
    getattr(logger, level)(event, **facts)


def _of_part(part: str) -> Any:
    def named(_logger: Any, _method: str, line: dict[str, Any]) -> dict[str, Any]:
        return {"at": line.pop("at"), "level": line.pop("level"), "part": part, **line}

    return named
