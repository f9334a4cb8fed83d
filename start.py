"""Set up the environment from the hash-locked file, then run the demo, the tests or the checks.

Needs Python 3.11 and nothing else. Everything is installed into `.venv` beside this file; a
second run finds the stamp of the first and starts at once, without a network.

    python3.11 start.py demo      a sample fleet, from files to a driver's account
    python3.11 start.py test      the tests; further words go to pytest
    python3.11 start.py check     style, types and tests: what has to pass before a change lands
    python3.11 start.py docs      write the generated pages and excerpts anew
    python3.11 start.py setup     only the environment; --dev adds the tools of a developer
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
STAMP = VENV / "fleet-carbon-stamp.json"
LOCKS = {"run": ROOT / "requirements" / "run.txt", "dev": ROOT / "requirements" / "dev.txt"}
PROJECT_FILES = (ROOT / "pyproject.toml", ROOT / "hatch_build.py")
PYTHON_NEEDED = (3, 11)
LOOKS = (("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",))
HEARTBEAT_S = 10
# A run of the tests needs some of it at a time; less than this is left to others.
IN_MEMORY = Path("/dev/shm")
IN_MEMORY_FREE_BYTES_MIN = 8 << 30
# Settings of the caller that would send packages elsewhere or let foreign ones in.
VARIABLES_DROPPED = ("PYTHONPATH", "PYTHONHOME", "PIP_USER", "PIP_TARGET", "PIP_PREFIX")


class SetupFailed(Exception):
    """A step did not work; the message says which, and what to do."""


def main(words: list[str]) -> int:
    """Run what the command line asks for and return its exit code."""
    arguments, further = _parse(words)
    try:
        _refuse_other_pythons()
        is_new = _prepare_environment(
            "run" if arguments.what == "demo" or not arguments.dev else "dev"
        )
        return _run(arguments.what, further, is_new)
    except SetupFailed as failure:
        print(f"start.py: {failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("start.py: stopped. Run the same command again to go on.", file=sys.stderr)
        return 130


def _parse(words: list[str]) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="start.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("demo", "test", "check", "docs", "setup"))
    parser.add_argument("--dev", action="store_true", help="with setup: the developer's tools too")
    arguments, further = parser.parse_known_args(words)
    if arguments.what in ("check", "docs", "setup") and further:
        parser.error(f"{arguments.what} takes no further words, found {' '.join(further)}")
    arguments.dev = arguments.dev or arguments.what in ("test", "check", "docs")
    return arguments, further


def _refuse_other_pythons() -> None:
    if sys.version_info[:2] == PYTHON_NEEDED:
        return
    found = ".".join(map(str, sys.version_info[:3]))
    needed = ".".join(map(str, PYTHON_NEEDED))
    words = " ".join(sys.argv)
    other = shutil.which(f"python{needed}")
    advice = (
        f"Run it as: {other} {words}"
        if other
        else f"Install Python {needed} (Debian 12: apt-get install python{needed} "
        f"python{needed}-venv) and run: python{needed} {words}"
    )
    raise SetupFailed(f"Python {needed} is needed, this is {found}. {advice}")


def _prepare_environment(kind: str) -> bool:
    """Bring `.venv` to the state of the lock; the stamp says whether anything is to do."""
    stamp = _read_stamp()
    if not _venv_works():
        stamp = {}
    # An environment with the developer's tools holds the same versions, so it serves for both.
    kind = "dev" if "dev" in (kind, stamp.get("kind")) else "run"
    wanted = {
        "kind": kind,
        "lock_sha256": _digest(LOCKS[kind]),
        "project_sha256": _digest(*PROJECT_FILES),
    }
    if stamp == wanted and (ROOT / "fleet_carbon" / "_collected").is_dir():
        return False
    if not stamp:
        _say(f"Making the environment {VENV}")
        _make_venv()
    STAMP.unlink(missing_ok=True)
    if stamp.get("lock_sha256") != wanted["lock_sha256"]:
        _install_lock(LOCKS[kind])
    _say("Installing fleet_carbon itself")
    _pip("--no-deps", "--no-build-isolation", "--editable", str(ROOT))
    STAMP.write_text(json.dumps(wanted), encoding="utf-8")
    return True


def _warm() -> None:
    """Compile the kernels now, while everybody waits anyway, and not at the first close."""
    _call("fleet-carbon", "warm")


def _install_lock(lock: Path) -> None:
    count = sum("==" in line for line in lock.read_text(encoding="utf-8").splitlines())
    _say(f"Installing about {count} pinned packages from {lock.relative_to(ROOT)} (1 to 3 minutes)")
    # Wheels only: building a source package would fetch its build tools without a digest.
    _pip("--require-hashes", "--only-binary", ":all:", "--requirement", str(lock))


def _make_venv() -> None:
    try:
        venv.create(VENV, clear=True, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as failure:
        raise SetupFailed(
            f"the environment could not be made ({failure}). On Debian and Ubuntu the module venv "
            "is a package of its own: apt-get install python3.11-venv. Then run this again."
        ) from failure


def _pip(*words: str) -> None:
    # Most modules are never imported; those that are get compiled then.
    command = [str(_tool("python")), "-m", "pip", "install", "-qq", "--no-compile", *words]
    environment = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    process = subprocess.Popen(command, cwd=ROOT, env=_environment() | environment)
    waited_s = 0
    try:
        while True:
            try:
                code = process.wait(timeout=HEARTBEAT_S)
                break
            except subprocess.TimeoutExpired:
                waited_s += HEARTBEAT_S
                _say(f"  ... still at it after {waited_s} s")
    except KeyboardInterrupt:
        process.terminate()
        process.wait()
        raise
    if code:
        raise SetupFailed(
            "pip could not install (its message stands above). Without a network only an "
            "environment that was set up before can be used; behind a proxy or with a package "
            "index of your own, set them for pip as usual, then run this again."
        )


def _run(what: str, further: list[str], is_new: bool) -> int:
    if what == "check":
        return _check(is_new)
    if is_new:
        _warm()
    if what == "setup":
        _say(f"Ready. The command is {_tool('fleet-carbon')}")
        return 0
    if what == "demo":
        code = _call("fleet-carbon", "demo", *further)
        activate = _tool("activate").with_suffix("")
        _say(f"\nTo type such commands yourself, in {ROOT}: source {activate}")
        return code
    if what == "test":
        return _call_pytest(*further)
    pages = sorted(ROOT.glob("docs/write_*.py"))
    return _worst([_call("python", str(page)) for page in pages])


def _check(is_new: bool) -> int:
    """Look at style and types beside the compiling and the tests; one run shows all there is."""
    with ThreadPoolExecutor(len(LOOKS)) as beside:
        looks = [beside.submit(_looked, *words) for words in LOOKS]
        if is_new:
            _warm()
        code = _call_pytest()
        return _worst([code, *(_told(look.result()) for look in looks)])


def _worst(codes: list[int]) -> int:
    """Fail if one failed: who is killed has a negative code, which no other may hide."""
    return int(any(codes))


def _looked(tool: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a tool and keep what it says: among the lines of the tests nobody would find it."""
    command = [str(_tool(tool)), *words]
    return subprocess.run(
        command, cwd=ROOT, env=_environment(), capture_output=True, text=True, check=False
    )


def _told(look: subprocess.CompletedProcess[str]) -> int:
    tool, *words = look.args
    _say(f"$ {' '.join((Path(tool).name, *words))}\n{look.stdout}{look.stderr}".rstrip())
    return look.returncode


def _call_pytest(*further: str) -> int:
    # One more than processors: tests wait for disks, databases and servers. The order of files,
    # the longest first, is that of tests/conftest.py.
    workers = str(min(4, (os.cpu_count() or 1) + 1))
    spread = ("-n", workers, "--dist", "loadfile", "--no-loadscope-reorder")
    with _quick_folder() as variables:
        return _call("python", "-m", "pytest", *spread, *further, variables=variables)


@contextmanager
def _quick_folder() -> Iterator[dict[str, str]]:
    """Let tests write to memory where there is plenty: nothing that they write is to last."""
    if not _has_plenty_of_memory():
        yield {}
        return
    with tempfile.TemporaryDirectory(
        prefix="fleet-carbon-", dir=IN_MEMORY, ignore_cleanup_errors=True
    ) as folder:
        os.chmod(folder, 0o755)  # servers that run as another user have theirs in it
        yield {"TMPDIR": folder}


def _has_plenty_of_memory() -> bool:
    if "TMPDIR" in os.environ or not os.access(IN_MEMORY, os.W_OK):
        return False
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    available_kib = [int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")]
    free_bytes = [shutil.disk_usage(IN_MEMORY).free, *(1024 * kib for kib in available_kib)]
    return min(free_bytes) >= IN_MEMORY_FREE_BYTES_MIN


def _call(tool: str, *words: str, variables: dict[str, str] | None = None) -> int:
    _say(f"$ {' '.join((tool, *words))}")
    environment = _environment() | (variables or {})
    return subprocess.call([str(_tool(tool)), *words], cwd=ROOT, env=environment)


def _tool(name: str) -> Path:
    windows = os.name == "nt"
    return VENV / ("Scripts" if windows else "bin") / (f"{name}.exe" if windows else name)


def _environment() -> dict[str, str]:
    kept = {key: text for key, text in os.environ.items() if key not in VARIABLES_DROPPED}
    # Commands printed by the demo can be typed as they stand, and tests find the same tools.
    return kept | {"PATH": os.pathsep.join((str(_tool("python").parent), kept.get("PATH", "")))}


def _venv_works() -> bool:
    command = [str(_tool("python")), "-c", "import sys, pip; print(sys.prefix)"]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    # A folder that was moved still points to where it was made.
    return Path(found.stdout.strip()).resolve() == VENV


def _read_stamp() -> dict[str, str]:
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _digest(*paths: Path) -> str:
    parts = [path.read_bytes() if path.is_file() else b"" for path in paths]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
