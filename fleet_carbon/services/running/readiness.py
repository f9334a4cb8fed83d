"""Whether the service could answer a request now; asked every second by what balances load."""

from __future__ import annotations

import os
import shutil
import threading
import time

from fleet_carbon.errors import FleetCarbonError, InputRefused
from fleet_carbon.services.running.gauging import folders_of
from fleet_carbon.settings import Settings
from fleet_carbon.storage.database import refuse_other_schema
from fleet_carbon.storage.unit_of_work import key_on_record

_HOLDS_FOR_S = 1.0


class Readiness:
    """The answer, found out at most once a second by a process.

    Parameters
    ----------
    settings : Settings
        Of every fleet.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._until_s = 0.0
        self._refused: FleetCarbonError | None = None

    def check(self) -> None:
        """Pass if a request could be answered.

        Raises
        ------
        FleetCarbonError
            ``home_unusable``, ``disk_nearly_full``, ``database_unusable``,
            ``schema_needs_migration``.
        """
        with self._lock:
            if time.monotonic() >= self._until_s:
                self._refused = _refusal(self._settings)
                self._until_s = time.monotonic() + _HOLDS_FOR_S
            if self._refused is not None:
                raise self._refused


def _refusal(settings: Settings) -> FleetCarbonError | None:
    try:
        _refuse_folders(settings)
        key_on_record(settings, "")  # which nobody has, but the database must answer
        refuse_other_schema(settings.database_url, settings.home.expanduser().absolute())
    except FleetCarbonError as refused:
        return refused
    return None


def _refuse_folders(settings: Settings) -> None:
    home = settings.home.expanduser().absolute()
    for name, path in [("home", home), *folders_of(settings)]:
        if not os.access(path, os.W_OK):
            raise InputRefused(
                "home_unusable",
                f"{path} cannot be written to.",
                "Give the service a folder of its own.",
            )
        free_bytes = shutil.disk_usage(path).free
        if free_bytes < settings.disk_free_bytes_min:
            raise FleetCarbonError(
                "disk_nearly_full",
                f"{free_bytes:,} bytes are left for {name} in {path}.",
                "Make room; FLEET_CARBON_DISK_FREE_BYTES_MIN says how much is enough.",
            )
