"""Files of traces lie whole under their name, in a folder or in an object store, or not at all."""

from __future__ import annotations

import errno
import hashlib
import multiprocessing
import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fleet_carbon.errors import FleetCarbonError, InputRefused, NotFound
from fleet_carbon.storage import failures
from fleet_carbon.storage.blobs import BlobFolder, open_blobs
from tests.storage.object_store import (
    ObjectStore,
    object_store,
    shared_store,
    store_credentials,
)

__all__ = ["object_store", "shared_store", "store_credentials"]

BYTES = bytes(range(256)) * 40
NAME = "2026-01/bucket-03/" + hashlib.sha256(BYTES).hexdigest() + ".parquet"


@pytest.fixture(params=["folder", "s3"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, store_credentials: None) -> BlobFolder:
    url = None
    if request.param == "s3":
        url = request.getfixturevalue("shared_store").url(tmp_path.name)
    return open_blobs(url, tmp_path, fleet_id="车队-1")


def put(folder: BlobFolder, content: bytes = BYTES, name: str = NAME) -> Path:
    partial = folder.new_partial()
    partial.write_bytes(content)
    folder.put(partial, name)
    return partial


def code_of(error: pytest.ExceptionInfo[FleetCarbonError]) -> str:
    assert error.value.hint
    return error.value.code


def test_what_was_put_is_there_with_size_digest_and_moment(folder: BlobFolder) -> None:
    assert not folder.exists(NAME)
    partial = put(folder)
    assert not partial.exists()
    assert folder.exists(NAME)
    assert folder.size(NAME) == 10_240
    assert folder.digest(NAME) == hashlib.sha256(BYTES).hexdigest()
    [found] = folder.names()
    assert (found.name, found.size_bytes) == (NAME, 10_240)
    assert abs(found.modified_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert NAME in folder.path_of(NAME)


def test_any_part_of_a_file_can_be_read(folder: BlobFolder) -> None:
    put(folder)
    with folder.open(NAME) as file:
        file.seek(10_000)
        assert file.read(300) == BYTES[10_000:]
        assert file.read_at(5, 300) == BYTES[300:305]
        assert file.size() == 10_240


def test_a_parquet_file_is_read_by_row_group(folder: BlobFolder) -> None:
    partial = folder.new_partial()
    table = pa.table({"n": np.arange(10_000)})
    pq.write_table(table, partial, row_group_size=1000)
    folder.put(partial, "a.parquet")
    with pq.ParquetFile(folder.open("a.parquet"), pre_buffer=True) as file:
        assert file.read_row_group(7).column("n").to_pylist() == list(range(7000, 8000))


def test_a_file_larger_than_one_part_of_an_upload_comes_back_whole(folder: BlobFolder) -> None:
    content = np.random.default_rng(1).bytes(23_000_001)
    put(folder, content)
    assert folder.digest(NAME) == hashlib.sha256(content).hexdigest()


def test_the_same_bytes_may_be_put_again(folder: BlobFolder) -> None:
    put(folder)
    assert not put(folder).exists()
    assert folder.digest(NAME) == hashlib.sha256(BYTES).hexdigest()


@pytest.mark.parametrize("other", [BYTES[:-1], BYTES[:-1] + b"x"], ids=["shorter", "changed"])
def test_other_bytes_never_take_the_place_of_a_file(folder: BlobFolder, other: bytes) -> None:
    put(folder)
    with pytest.raises(FleetCarbonError) as refused:
        put(folder, other)
    assert code_of(refused) == "segment_differs"
    assert folder.digest(NAME) == hashlib.sha256(BYTES).hexdigest()


def test_names_come_in_order_and_by_prefix_without_partial_files(folder: BlobFolder) -> None:
    assert list(folder.names()) == []
    for name in ("2026-02/b", "2026-01/c", "2026-01/a"):
        put(folder, name.encode(), name)
    folder.new_partial()
    assert [found.name for found in folder.names()] == ["2026-01/a", "2026-01/c", "2026-02/b"]
    assert [found.name for found in folder.names("2026-02/")] == ["2026-02/b"]
    assert [found.name for found in folder.names("2026-03/")] == []


def test_a_deleted_file_is_gone_and_may_be_deleted_again(folder: BlobFolder) -> None:
    put(folder)
    folder.delete(NAME)
    folder.delete(NAME)
    assert not folder.exists(NAME)
    assert list(folder.names()) == []


@pytest.mark.parametrize("question", ["open", "size", "digest"])
def test_a_missing_file_is_named(folder: BlobFolder, question: str) -> None:
    with pytest.raises(FleetCarbonError) as refused:
        getattr(folder, question)(NAME)
    assert code_of(refused) == "segment_missing"
    assert NAME in refused.value.message


def test_another_process_opens_the_same_files(folder: BlobFolder) -> None:
    put(folder)
    copy = pickle.loads(pickle.dumps(folder))
    assert (copy.url, copy.scratch) == (folder.url, folder.scratch)
    assert copy.digest(NAME) == folder.digest(NAME)


def test_what_fails_in_another_process_arrives_with_its_name(folder: BlobFolder) -> None:
    processes = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
    with processes, pytest.raises(NotFound) as refused:
        processes.submit(folder.size, NAME).result(timeout=300)
    assert code_of(refused) == "segment_missing"
    assert NAME in str(refused.value)


def test_a_forked_process_connects_anew(folder: BlobFolder) -> None:
    put(folder)
    script = (
        "import os, pickle, sys\n"
        "folder, name = pickle.loads(bytes.fromhex(sys.argv[1]))\n"
        "before = folder.digest(name)\n"
        "if child := os.fork():\n"
        "    sys.exit(os.waitpid(child, 0)[1])\n"
        "os._exit(folder.digest(name) != before)\n"
    )
    argument = pickle.dumps((folder, NAME)).hex()
    subprocess.run([sys.executable, "-c", script, argument], check=True, timeout=300)


def test_fleets_see_nothing_of_one_another(folder: BlobFolder, tmp_path: Path) -> None:
    put(folder)
    url = None
    if folder.url.startswith("s3"):
        url = (
            folder.url.rsplit("/", 1)[0]
            + "?"
            + "&".join(f"{name}={value}" for name, value in folder._options.items())
        )
    assert list(open_blobs(url, tmp_path, fleet_id="other").names()) == []


def test_an_interrupted_upload_leaves_nothing_under_the_name(
    shared_store: ObjectStore, store_credentials: None, tmp_path: Path
) -> None:
    # A pipe with 12 MiB and then silence: more than one part is on its way when Ctrl-C comes.
    folder = open_blobs(shared_store.url("torn"), tmp_path, fleet_id="f")
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    script = (
        "import pickle, signal, sys, pathlib\n"
        # Whoever runs the tests in the background of a shell has them ignore it, and this one too.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "folder = pickle.loads(bytes.fromhex(sys.argv[1]))\n"
        "folder.put(pathlib.Path(sys.argv[2]), 'torn')\n"
    )
    arguments = [sys.executable, "-c", script, pickle.dumps(folder).hex(), str(pipe)]
    process = subprocess.Popen(arguments, stderr=subprocess.PIPE)
    try:
        with pipe.open("wb") as stream:
            stream.write(bytes(12 << 20))
            time.sleep(1)
            process.send_signal(2)
            _, said = process.communicate(timeout=300)
    finally:
        process.kill()
    assert b"KeyboardInterrupt" in said
    assert list(folder.names()) == []


def test_a_server_that_is_gone_is_named_soon(object_store: ObjectStore, tmp_path: Path) -> None:
    folder = open_blobs(object_store.url(), tmp_path, fleet_id="f")
    put(folder)
    file = folder.open(NAME)
    object_store.kill()
    partial = folder.new_partial()
    partial.write_bytes(BYTES)
    began = time.monotonic()
    for broken in (
        lambda: file.read(),
        lambda: pq.ParquetFile(file),
        lambda: folder.open(NAME),
        lambda: folder.exists(NAME),
        lambda: list(folder.names()),
        lambda: folder.put(partial, "other"),
        lambda: folder.delete(NAME),
    ):
        with pytest.raises(FleetCarbonError) as refused:
            broken()
        assert code_of(refused) == "traces_store_unreachable"
    assert partial.exists()  # nothing was put, so nothing is lost
    assert time.monotonic() - began < 60


def test_a_bucket_that_is_not_there_is_no_empty_store(
    shared_store: ObjectStore, store_credentials: None, tmp_path: Path
) -> None:
    folder = open_blobs(shared_store.url(bucket="no-such-bucket"), tmp_path, fleet_id="f")
    for broken in (
        lambda: list(folder.names()),
        lambda: folder.open(NAME),
        lambda: folder.exists(NAME),
        lambda: folder.delete(NAME),
        lambda: put(folder),
    ):
        with pytest.raises(FleetCarbonError) as refused:
            broken()
        assert code_of(refused) == "traces_bucket_missing"


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        ("403 AccessDenied", "traces_store_forbidden"),
        ("403 InvalidAccessKeyId", "traces_store_forbidden"),
        ("403 SignatureDoesNotMatch", "traces_store_forbidden"),
        ("503 SlowDown", "traces_store_unreachable"),
        ("507 XMinioStorageFull", "traces_store_full"),
        ("418 Teapot", "traces_store_failed"),
    ],
)
def test_what_an_object_store_answers_is_named_without_its_words(
    answer: str, code: str, store_credentials: None, tmp_path: Path
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        threading.Thread(target=_answer_all, args=(server, answer), daemon=True).start()
        port = server.getsockname()[1]
        url = f"s3://bucket/x?endpoint_override=127.0.0.1:{port}&scheme=http&region=us-east-1"
        folder = open_blobs(url, tmp_path, fleet_id="f")
        with pytest.raises(FleetCarbonError) as refused:
            list(folder.names())
    assert code_of(refused) == code
    assert "hidden" not in str(refused.value.as_dict())


def _answer_all(server: socket.socket, answer: str) -> None:
    status, name = answer.split()
    body = f"<Error><Code>{name}</Code><Message>hidden</Message></Error>"
    head = f"HTTP/1.1 {status} No\r\nContent-Type: application/xml\r\nConnection: close\r\n"
    while True:
        try:
            caller, _ = server.accept()
        except OSError:
            return
        with caller:
            caller.recv(1 << 16)
            caller.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "traces_store_full"),
        (errno.EDQUOT, "traces_store_full"),
        (errno.EROFS, "traces_store_forbidden"),
        (errno.EIO, "traces_store_failed"),
    ],
)
def test_what_a_disk_refuses_is_named(number: int, code: str) -> None:
    failure = OSError(number, os.strerror(number), "/disk/file")
    assert failures._named(failure, "/disk/file").code == code


def test_a_folder_of_somebody_else_is_named(tmp_path: Path) -> None:
    own = os.geteuid()
    tmp_path.chmod(0o500)
    os.seteuid(own or 65534)  # root may write anywhere, nobody may not
    try:
        with pytest.raises(FleetCarbonError) as refused:
            open_blobs((tmp_path / "new").as_uri(), tmp_path, fleet_id="f").new_partial()
    finally:
        os.seteuid(own)
        tmp_path.chmod(0o700)
    assert code_of(refused) == "traces_store_forbidden"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("gs://bucket/traces", "traces_url_unsupported"),
        ("abfs://bucket/traces", "traces_url_unsupported"),
        ("file://", "traces_url_unsupported"),
        ("file://host/folder", "traces_url_unsupported"),
        ("s3:///traces", "traces_url_unsupported"),
        ("s3://name:hidden@bucket/traces", "traces_url_with_secret"),
        ("s3://bucket/traces?secret_key=hidden", "traces_url_with_secret"),
        ("s3://bucket/traces?access_key=hidden&region=x", "traces_url_with_secret"),
        ("s3://bucket/traces?regoin=hidden", "traces_url_option_unknown"),
        ("file:///folder?region=hidden", "traces_url_option_unknown"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_and_tells_no_secret(
    tmp_path: Path, url: str, code: str
) -> None:
    with pytest.raises(InputRefused) as refused:
        open_blobs(url, tmp_path, fleet_id="f")
    assert code_of(refused) == code
    assert "hidden" not in str(refused.value.as_dict())


def test_a_url_of_a_folder_may_have_spaces(tmp_path: Path) -> None:
    folder = open_blobs((tmp_path / "the traces").as_uri(), tmp_path, fleet_id="f")
    put(folder)
    assert (tmp_path / "the traces" / "f" / NAME).read_bytes() == BYTES
