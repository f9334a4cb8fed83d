"""An object store of our own for the tests: moto's S3 server on loopback, gone at the end."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

START_S_MAX = 120
STOP_S_MAX = 10
LIVES_S_MAX = 600
UPLOAD_S_MAX = 60
BUCKET = "fleet-traces"
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_ADDRESS = re.compile(rb"Running on http://127\.0\.0\.1:(\d+)")


class ObjectStore:
    """A running server with one bucket."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self._process = process
        self.port = port

    def url(self, prefix: str = "traces", *, bucket: str = BUCKET, port: int | None = None) -> str:
        """The address of a prefix, as a setting has it."""
        address = f"127.0.0.1:{port or self.port}"
        options = f"endpoint_override={address}&scheme=http&region=us-east-1"
        return f"s3://{bucket}/{prefix}?{options}"

    def make_bucket(self) -> None:
        from pyarrow.fs import S3FileSystem

        S3FileSystem(
            endpoint_override=f"127.0.0.1:{self.port}",
            scheme="http",
            region="us-east-1",
            allow_bucket_creation=True,
        ).create_dir(BUCKET)

    def kill(self) -> None:
        """End the server as a power cut would."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait(STOP_S_MAX)


class BreakingLine:
    """A line to the store that breaks when it is about to carry a certain upload.

    The uploads before it are over first, however slow the store is: carried, and looked at by who
    sent them. So it is known what the store has. The line stays broken, every call is refused,
    until `mend`.
    """

    def __init__(self, port: int, *, breaks_at_upload: int) -> None:
        self._target = ("127.0.0.1", port)
        self._uploads_left: int | None = breaks_at_upload
        self._uploaded: set[bytes] = set()
        self._looked_at: dict[socket.socket, bytes] = {}
        self._change = threading.Condition()
        self._is_broken = False
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def mend(self) -> None:
        self._uploads_left, self._is_broken = None, False

    def close(self) -> None:
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                caller, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(caller,), daemon=True).start()

    def _carry(self, caller: socket.socket) -> None:
        if self._is_broken:
            caller.close()
            return
        with caller, socket.create_connection(self._target) as store:
            back = threading.Thread(target=self._bring_back, args=(store, caller), daemon=True)
            back.start()
            self._pass_on(caller, store)

    def _pass_on(self, caller: socket.socket, store: socket.socket) -> None:
        with suppress(OSError):
            while chunk := caller.recv(1 << 16):
                if chunk.startswith(b"PUT /"):
                    self._begin_upload(chunk.split(maxsplit=2)[1])
                elif chunk.startswith(b"HEAD /"):
                    self._looked_at[caller] = chunk.split(maxsplit=2)[1]
                if self._is_broken:
                    break
                store.sendall(chunk)
        _shut(caller, store)

    def _bring_back(self, store: socket.socket, caller: socket.socket) -> None:
        with suppress(OSError):
            while chunk := store.recv(1 << 16):
                if self._is_broken:
                    break
                caller.sendall(chunk)
                self._end_upload(self._looked_at.pop(caller, b""))
        _shut(caller, store)

    def _begin_upload(self, path: bytes) -> None:
        """Count an upload; the one that breaks the line, and any after it, waits for the others."""
        with self._change:
            if self._uploads_left is None:
                return
            self._uploads_left -= 1
            if self._uploads_left > 0:
                self._uploaded.add(path)
                return
            self._change.wait_for(lambda: not self._uploaded, UPLOAD_S_MAX)
            self._is_broken = True

    def _end_upload(self, path: bytes) -> None:
        with self._change:
            self._uploaded.discard(path)
            self._change.notify_all()


def _shut(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def _live_with_parent() -> None:
    signal.alarm(LIVES_S_MAX)  # survives exec: whatever happens, it ends
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _port_of(process: subprocess.Popen[bytes], log: Path) -> int:
    deadline = time.monotonic() + START_S_MAX
    while process.poll() is None and time.monotonic() < deadline:
        found = _ADDRESS.search(log.read_bytes())
        if found:
            return int(found[1])
        time.sleep(0.05)
    raise RuntimeError(f"the object store did not start: {log.read_bytes()[-500:]!r}")


@contextmanager
def running_store() -> Iterator[ObjectStore]:
    """Start a server on a free port, stop it whatever happens."""
    with tempfile.TemporaryDirectory(prefix="fleet_carbon_s3_") as folder:
        log = Path(folder) / "log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                preexec_fn=_live_with_parent,
            )
        try:
            store = ObjectStore(process, _port_of(process, log))
            store.make_bucket()
            yield store
        finally:
            process.kill()
            process.wait(STOP_S_MAX)


@pytest.fixture(scope="module")
def store_credentials() -> Iterator[None]:
    """What the client of the store reads by itself: never the real ones of whoever runs this."""
    with pytest.MonkeyPatch.context() as patched:
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patched.setenv(name, "testing")
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patched.setenv(name, os.devnull)
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            patched.delenv(name, raising=False)
        patched.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield


@pytest.fixture(scope="module")
def shared_store(store_credentials: None) -> Iterator[ObjectStore]:
    """One server for all tests of a module; each takes a prefix of its own."""
    with running_store() as store:
        yield store


@pytest.fixture
def object_store(store_credentials: None) -> Iterator[ObjectStore]:
    """A server of its own, which a test may kill."""
    with running_store() as store:
        yield store
