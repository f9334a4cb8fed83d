"""A real mail server on loopback, with a certificate of its own."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "fleet", "correct horse"


@dataclass
class Box:
    """What arrived, and how the server behaves."""

    messages: list[tuple[str, EmailMessage]] = field(default_factory=list)
    rcpt_answer: str = "250 OK"
    data_answer: str = "250 taken"
    breaks_off: bool = False

    async def handle_RCPT(  # noqa: N802  # as the server calls it
        self,
        server: Any,  # noqa: ARG002
        session: Any,  # noqa: ARG002
        envelope: Any,
        address: str,
        options: Any,  # noqa: ARG002
    ) -> str:
        """Accept the recipient or not."""
        if self.rcpt_answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt_answer

    async def handle_DATA(  # noqa: N802  # as the server calls it
        self,
        server: Any,
        session: Any,  # noqa: ARG002
        envelope: Any,
    ) -> str:
        """Take the message."""
        read = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(read, EmailMessage)
        self.messages.append((envelope.rcpt_tos[0], read))
        if self.breaks_off:
            server.transport.abort()
        return self.data_answer


def free_port() -> int:
    """A port on loopback that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def certificate(folder: Path) -> Path:
    """A certificate of 127.0.0.1 that vouches for itself, with its key in the same file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    held = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(held, critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "mail.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@contextmanager
def receiving(
    port: int, box: Box, *, pem: Path | None = None, signs_in: bool = False
) -> Iterator[None]:
    """Serve while the block runs; with a certificate STARTTLS is required."""
    options: dict[str, Any] = {}
    if pem is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pem)
        options |= {"tls_context": context, "require_starttls": True}
    if signs_in:
        options |= {"authenticator": _authenticated, "auth_required": True}
    controller = Controller(box, hostname="127.0.0.1", port=port, ready_timeout=20, **options)
    controller.start()
    try:
        yield
    finally:
        controller.stop()


def _authenticated(
    server: Any, session: Any, envelope: Any, mechanism: str, given: Any
) -> AuthResult:
    is_right = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=False)
