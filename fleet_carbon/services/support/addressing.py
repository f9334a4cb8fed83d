"""Where a message may go: to an address of the public internet, looked up when it is sent.

An address is asked of the name each time, judged, and then connected to as it is: a name that
answers with another address a moment later gains nothing.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

from fleet_carbon.errors import InputRefused

_LENGTH_MAX = 2000
# Addresses of IPv4 inside of those of IPv6, which a gateway leads to.
_NAT64 = IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48")


def is_this_machine(host: str) -> bool:
    """Whether a host is the machine that asks: what goes there crosses no network."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def read_url(text: str, *, is_private_allowed: bool) -> str:
    """The address of a receiver, if it is one.

    Parameters
    ----------
    text : str
        Such as ``https://example.com/hooks``.
    is_private_allowed : bool
        Whether http and private addresses will do.

    Raises
    ------
    InputRefused
        ``webhook_url_malformed``, ``webhook_url_insecure`` or ``webhook_url_private``.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
        host.encode("idna")
    except (ValueError, UnicodeError) as wrong:
        raise _malformed() from wrong
    plain = text.isprintable() and text.isascii() and not set(text) & set(' \\"<>^`{|}')
    if not host or len(text) > _LENGTH_MAX or not plain or parts.username is not None:
        raise _malformed()
    if parts.scheme != "https" and not (parts.scheme == "http" and is_private_allowed):
        raise InputRefused(
            "webhook_url_insecure",
            "The address of a webhook begins with https://.",
            "Give one that does; for tests FLEET_CARBON_WEBHOOK_PRIVATE allows http.",
        )
    if not is_private_allowed and _is_literal(host) and not is_public(host):
        raise InputRefused(
            "webhook_url_private",
            f"{host} is no address of the public internet.",
            "Give one that is; FLEET_CARBON_WEBHOOK_PRIVATE allows others.",
        )
    return text


def _malformed() -> InputRefused:
    return InputRefused(
        "webhook_url_malformed",
        "This is no address of a webhook.",
        "Give it as https://host/path, ASCII, without user and password.",
    )


def _is_literal(host: str) -> bool:
    try:
        ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return True


def is_public(address: str) -> bool:
    """Whether an address is one of the public internet, and no way around to another."""
    if "%" in address:  # with a zone it is one of this machine's links
        return False
    found = ip_address(address)
    inner = _inner(found) if isinstance(found, IPv6Address) else None
    if inner is not None:
        return is_public(str(inner))
    return found.is_global and not found.is_multicast and not found.is_reserved


def _inner(address: IPv6Address) -> IPv4Address | None:
    """The address of IPv4 that one of IPv6 leads to."""
    if any(address in network for network in _NAT64):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
