"""Positions handed to the one process of the service that records those of their fleet.

Several processes receive at once, but what they record must be compared with what the others took:
that costs more than the receiving. So every fleet is at home in one of them, and the others hand
over what they receive for it, whole, and wait for the answer as its own threads do. If that process
is away, whoever received a request records it: that is slower and gives the same.
"""

from __future__ import annotations

import threading
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client, Connection, Listener
from pathlib import Path
from secrets import token_bytes

from fleet_carbon.errors import FleetCarbonError
from fleet_carbon.services.intake.repeating import Reply
from fleet_carbon.services.positions.position_reading import PositionsRequest
from fleet_carbon.services.support import logs
from fleet_carbon.services.support.process_folders import shared_folder

_KEY_BYTES = 32
_CONNECTIONS_WAITING_MAX = 128
# What is broken, closed or spoken by somebody else.
_BROKEN = (OSError, EOFError, AuthenticationError)

TakeIn = Callable[[str, PositionsRequest], Reply | None]


class HomeIsAway(Exception):
    """The process that records a fleet cannot be asked; what became of a request is not known."""


@dataclass(frozen=True)
class Neighbours:
    """The processes that answer together, by their numbers from 0.

    Attributes
    ----------
    folder : Path
        Where their sockets are; nobody else may enter.
    secret : bytes
        By which they know each other.
    count : int
    """

    folder: Path
    secret: bytes
    count: int

    def home_of(self, fleet_id: str) -> int:
        """The number of the process that records the positions of a fleet."""
        return zlib.crc32(fleet_id.encode()) % self.count

    def address_of(self, number: int) -> str:
        """Where a process listens."""
        return str(self.folder / f"{number}")


@contextmanager
def neighbours(count: int) -> Iterator[Neighbours | None]:
    """The processes of a service while the block runs; None if there is only one.

    Parameters
    ----------
    count : int
        How many.
    """
    if count == 1:
        yield None
        return
    with shared_folder("relay") as folder:
        yield Neighbours(folder, token_bytes(_KEY_BYTES), count)


class PositionRelay:
    """One process's way to the others.

    Parameters
    ----------
    neighbours : Neighbours
    own : int
        Its number.
    """

    def __init__(self, neighbours: Neighbours, own: int) -> None:
        self._neighbours = neighbours
        self._own = own
        self._lock = threading.Lock()
        self._idle: dict[int, list[Connection]] = defaultdict(list)
        self._listening: threading.Thread | None = None
        self._is_closing = False

    def is_at_home(self, fleet_id: str) -> bool:
        """Whether this process records the positions of a fleet."""
        return self._neighbours.home_of(fleet_id) == self._own

    def ask(self, fleet_id: str, request: PositionsRequest) -> Reply | None:
        """Let the home of a fleet take a request in; its answer.

        Raises
        ------
        HomeIsAway
            If it cannot be asked, or went away before it answered.
        FleetCarbonError
            Whatever it refused the request with.
        """
        home = self._neighbours.home_of(fleet_id)
        try:
            line = self._line_to(home)
        except _BROKEN as broken:
            raise HomeIsAway from broken
        try:
            line.send((fleet_id, request))
            told: Reply | FleetCarbonError | None = line.recv()
        except _BROKEN as broken:
            line.close()
            raise HomeIsAway from broken
        with self._lock:
            self._idle[home].append(line)
        if isinstance(told, FleetCarbonError):
            raise told
        return told

    def _line_to(self, home: int) -> Connection:
        """A connection that nobody else uses now: as many are open as requests waited at once."""
        with self._lock:
            if self._idle[home]:
                return self._idle[home].pop()
        address = self._neighbours.address_of(home)
        return Client(address, family="AF_UNIX", authkey=self._neighbours.secret)

    def listen(self, take_in: TakeIn) -> None:
        """Take in what the others hand over, from now on, each connection in a thread.

        Where that is not to be had (a folder whose name is too long for a socket), the others
        find nobody at home.
        """
        address = self._neighbours.address_of(self._own)
        try:
            Path(address).unlink(missing_ok=True)  # of a process with this number that is gone
            listener = Listener(
                address, "AF_UNIX", _CONNECTIONS_WAITING_MAX, authkey=self._neighbours.secret
            )
        except OSError as broken:
            logs.tell("not listening to other processes", level="warning", why=str(broken))
            return
        self._listening = _begun("neighbours", self._accept, listener, take_in)

    def _accept(self, listener: Listener, take_in: TakeIn) -> None:
        with listener:
            while not self._is_closing:
                # Who breaks off while it says who it is does not end the listening.
                with suppress(*_BROKEN):
                    _begun("handed over", self._answer, listener.accept(), take_in)

    def _answer(self, line: Connection, take_in: TakeIn) -> None:
        """Take in what comes over one connection, until its other end is closed, or this one."""
        with line, suppress(*_BROKEN):
            while True:
                fleet_id, request = line.recv()
                if self._is_closing:
                    return
                line.send(_told(take_in, fleet_id, request))

    def close(self) -> None:
        """Listen no more, and let go of the connections to the others."""
        if self._listening is not None:
            self._is_closing = True
            with suppress(*_BROKEN):
                self._line_to(self._own).close()  # wakes who listens
            self._listening.join()
        with self._lock:
            for line in chain.from_iterable(self._idle.values()):
                line.close()
            self._idle.clear()


def _told(
    take_in: TakeIn, fleet_id: str, request: PositionsRequest
) -> Reply | FleetCarbonError | None:
    try:
        return take_in(fleet_id, request)
    except FleetCarbonError as refused:
        return refused


def _begun(name: str, run: Callable[..., None], *arguments: object) -> threading.Thread:
    thread = threading.Thread(target=run, args=arguments, name=name, daemon=True)
    thread.start()
    return thread
