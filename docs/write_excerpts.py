"""Write the excerpts of real output into the pages that show them.

    python docs/write_excerpts.py

A comment such as `<!-- excerpt of: fleet-carbon demo, lines 1 to 24 -->` before a text block
names the command and the lines. The pages are committed; a test fails if they show other lines.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXCERPT = re.compile(
    r"(<!-- excerpt of: (fleet-carbon [^\n]*?), lines (\d+) to (\d+) -->\n\n```text\n)(.*?)(```)",
    re.DOTALL,
)


def excerpts(text: str) -> list[tuple[str, int, int, str]]:
    """Command, first and last line, and what is shown, of every excerpt on a page."""
    return [(m[2], int(m[3]), int(m[4]), m[5]) for m in EXCERPT.finditer(text)]


def with_real_output(text: str) -> str:
    """Return the page with what its commands print now, each in a fresh home."""

    def refreshed(match: re.Match[str]) -> str:
        lines = _printed(match[2])[int(match[3]) - 1 : int(match[4])]
        return match[1] + "".join(f"{line.rstrip()}\n" for line in lines) + match[6]

    return EXCERPT.sub(refreshed, text)


def _printed(command: str) -> list[str]:
    with tempfile.TemporaryDirectory() as home:
        words = ["--home", home, *shlex.split(command)[1:]]
        done = subprocess.run(
            [sys.executable, "-m", "fleet_carbon.cli", *words],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            check=True,
        )
    return done.stdout.splitlines()


if __name__ == "__main__":
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        before = page.read_text(encoding="utf-8")
        after = with_real_output(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            print(f"{page.relative_to(ROOT)} refreshed")
