"""Webhooks go to the public internet only, whatever a name answers."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from fleet_carbon.errors import InputRefused
from fleet_carbon.services.messages.sending import Message, Sender
from fleet_carbon.services.support.addressing import is_public, read_url
from fleet_carbon.storage.webhooks import WAITING, DeliveryRow

PRIVATE = [
    "127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "::1", "::", "fe80::1",
    "fe80::1%eth0", "fc00::1", "ff02::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:c0a8:101::1",
]  # fmt: skip


def message(url: str) -> Message:
    at = datetime.now(UTC)
    row = DeliveryRow("ep_1", "msg_1", "webhook.ping", {}, at, WAITING, 0, 0, at)
    return Message(row, url, ("whsec_" + "QUJD" * 8,))


def failure(url: str, *addresses: str) -> str:
    """Why nothing was sent to a name that answers with these addresses."""

    async def resolve(_host: str, _port: int) -> list[str]:
        return list(addresses)

    async def send() -> str:
        sender = Sender(is_private_allowed=False, resolve=resolve)
        answer = await sender.send(message(url), datetime.now(UTC))
        await sender.close()
        assert answer.attempt.status is None
        return answer.attempt.failure

    return asyncio.run(send())


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_not_connected_to(address: str) -> None:
    assert not is_public(address)
    assert "not public" in failure("https://hooks.example/", address)
    # One bad address among good ones is enough: the next look-up may begin with it.
    assert "not public" in failure("https://hooks.example/", "93.184.215.14", address)


@pytest.mark.parametrize(
    "address", ["93.184.215.14", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"]
)
def test_a_public_address_is_one(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1:8443/x", "https://[fe80::1]/"]
)
def test_an_address_that_is_written_out_is_refused_at_once(url: str) -> None:
    with pytest.raises(InputRefused) as refused:
        read_url(url, is_private_allowed=False)
    assert refused.value.code == "webhook_url_private"
    assert read_url(url, is_private_allowed=True) == url


def test_http_is_for_tests() -> None:
    with pytest.raises(InputRefused) as refused:
        read_url("http://example.com/", is_private_allowed=False)
    assert refused.value.code == "webhook_url_insecure"
    # Also if it was allowed when the endpoint was made.
    assert "https" in failure("http://example.com/", "93.184.215.14")


def test_a_number_that_stands_for_an_address_is_looked_up_and_judged() -> None:
    # http://2130706433/ is 127.0.0.1 for many clients.
    assert read_url("https://2130706433/", is_private_allowed=False)
    assert "not public" in failure("https://2130706433/", "127.0.0.1")


def test_a_name_without_address_is_a_failure() -> None:
    assert "no address" in failure("https://hooks.example/")
