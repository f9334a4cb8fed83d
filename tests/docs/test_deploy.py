"""The files for running the service: commands, settings and limits are those of the program."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fleet_carbon.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
PROGRAM = re.compile(r"(?:[\w/.-]*/)?fleet-carbon (.*)")


def command_lines() -> list[str]:
    found = []
    for unit in UNITS:
        lines = re.findall(r"^ExecStart=(.*)$", unit.read_text("utf-8"), re.MULTILINE)
        assert lines, unit
        found += [one.replace("%%", "%") for one in lines]
    container = (DEPLOY / "Containerfile").read_text("utf-8")
    (words,) = re.findall(r"^CMD \[(.*)\]$", container, re.MULTILINE)
    return [*found, " ".join(re.findall(r'"([^"]*)"', words))]


@pytest.mark.parametrize("line", command_lines())
def test_every_command_is_one_of_the_program(line: str) -> None:
    from typer.main import get_command

    from fleet_carbon.cli import app

    inner = re.search(r"-c '(?:exec )?(.*)'", line)
    told = PROGRAM.search(inner[1] if inner else line)
    assert told is not None
    words = shlex.split(told[1])
    command: Any = get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    assert not getattr(command, "commands", {})
    known = {
        name
        for one in command.params
        for name in (*one.opts, *one.secondary_opts)
        if name[0] == "-"
    }
    assert {word for word in words if word.startswith("-")} <= known


def test_every_variable_is_a_setting() -> None:
    text = "".join(path.read_text("utf-8") for path in DEPLOY.iterdir())
    named = set(re.findall(r"FLEET_CARBON_([A-Z_]+)", text))
    assert named
    assert named <= {name.upper() for name in Settings.model_fields}


def test_the_proxy_takes_bodies_as_large_as_the_service_does() -> None:
    text = (DEPLOY / "nginx.conf").read_text("utf-8")
    (size_mib,) = re.findall(r"client_max_body_size (\d+)m;", text)
    assert int(size_mib) << 20 == Settings.model_fields["request_bytes_max"].default
    assert text.count("{") == text.count("}")


def test_the_proxy_is_what_nginx_reads(tmp_path: Path) -> None:
    tool = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    openssl = shutil.which("openssl")
    if tool is None or openssl is None:
        pytest.skip("not allowed here: there is no nginx, or no openssl to make a certificate")
    pair = [tmp_path / "privkey.pem", tmp_path / "fullchain.pem"]
    made = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=carbon.example"]
    made += ["-keyout", str(pair[0]), "-out", str(pair[1])]
    subprocess.run(made, check=True, capture_output=True)
    text = (
        (DEPLOY / "nginx.conf").read_text("utf-8").replace("/etc/ssl/fleet-carbon", str(tmp_path))
    )
    whole = (
        f"pid {tmp_path}/pid; error_log stderr; events {{}}\nhttp {{ access_log off;\n{text}\n}}\n"
    )
    (tmp_path / "nginx.conf").write_text(whole, encoding="utf-8")
    told = subprocess.run(
        [tool, "-t", "-c", str(tmp_path / "nginx.conf")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert "syntax is ok" in told.stderr, told.stderr


def test_the_units_are_what_systemd_reads(tmp_path: Path) -> None:
    for path in [*UNITS, *DEPLOY.glob("*.timer")]:
        # The program is not installed there on the machine of the test.
        text = path.read_text("utf-8").replace(
            "/usr/local/lib/fleet-carbon/bin/fleet-carbon", "/bin/true"
        )
        (tmp_path / path.name).write_text(text, encoding="utf-8")
    tool = shutil.which("systemd-analyze")
    if tool is None:  # what can be read without it
        assert all("[Service]" in path.read_text("utf-8") for path in UNITS)
        return
    told = subprocess.run(
        [tool, "verify", "--man=no", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in told.stderr.splitlines() if "fleet-carbon" in line]
    assert (told.returncode, ours) == (0, [])
