"""The code on a statement that leads to its verification."""

from __future__ import annotations

import io

import segno


def code_svg(text: str) -> str:
    """A QR code as SVG text, with the quiet zone that readers need.

    Parameters
    ----------
    text : str
        An address, or the digest of the signed statement.
    """
    drawn = io.BytesIO()
    code = segno.make(text, error="m", micro=False)
    code.save(drawn, kind="svg", border=4, scale=4, dark="#000", light="#fff", xmldecl=False)
    return drawn.getvalue().decode()
