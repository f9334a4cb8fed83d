"""As much of curl as the docs use, for machines without it: `python -m tests.web.curl URL ...`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

_TIMEOUT_S = 120


def main() -> int:
    """Ask once, print the answer, and fail as curl does."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-X", dest="method")
    parser.add_argument("-d", "--data-binary", dest="data")
    parser.add_argument("-o", dest="output", type=Path)
    parser.add_argument("-w", dest="after", default="")
    for ignored in ("-sS", "--fail-with-body"):
        parser.add_argument(ignored, action="store_true", dest="_")
    asked = parser.parse_args()
    body = None
    if asked.data is not None:
        is_file = asked.data.startswith("@")
        body = Path(asked.data[1:]).read_bytes() if is_file else asked.data.encode()
    headers = dict(header.split(": ", 1) for header in asked.headers)
    request = Request(asked.url, data=body, headers=headers, method=asked.method)
    try:
        with urlopen(request, timeout=_TIMEOUT_S) as answer:
            status, content = 0, answer.read()
    except HTTPError as refused:
        status, content = 22, refused.read()
    if asked.output is not None:
        asked.output.write_bytes(content)
        content = b""
    sys.stdout.buffer.write(content + asked.after.replace("\\n", "\n").encode())
    return status


if __name__ == "__main__":
    sys.exit(main())
