"""Sign-on at another place by OpenID Connect: the code flow with PKCE, state and nonce.

After OpenID Connect Core 1.0 section 3.1, Discovery 1.0, RFC 7636 (PKCE) and RFC 9207 (issuer in
the answer). Nothing is kept here between the two halves of a sign-on: the browser carries a ticket
that only we can make, and state, nonce and verifier follow from it by a key that never leaves.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from fleet_carbon.services.people.users import SignInRefused
from fleet_carbon.settings import Settings, is_safe_address

TICKET_LASTS_S = 600
"""How long somebody may take at the other place. [s]"""
_TIMEOUT_S = 5.0
_KEPT_S = 3600.0
# While the other place is down, those who come meanwhile do not wait for it each by themselves.
_DOWN_S = 5.0
_CLOCKS_DIFFER_S = 60
# By keys that the other place publishes; never by a secret that both know, and never by none.
_ALGORITHMS = [f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)]
_JSON = {"Accept": "application/json"}
_SCOPE = "openid email profile"


@dataclass(frozen=True)
class Begun:
    """Where a browser is sent, and the ticket that it brings back."""

    address: str
    ticket: str


@dataclass(frozen=True)
class Told:
    """What the other place told of somebody, and where in our pages this person wanted to go."""

    claims: Mapping[str, Any]
    wanted: str


class Provider:
    """The other place, by the settings; its document and keys are kept for an hour.

    Parameters
    ----------
    settings : Settings
        Those that begin with `oidc_`.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._kept: dict[str, tuple[float, dict[str, Any] | None]] = {}

    def begin(self, wanted: str) -> Begun:
        """Where somebody signs on who wanted to see a page of ours.

        Raises
        ------
        SignInRefused
            ``sign_on_unavailable``.
        """
        until_s = int(time.time()) + TICKET_LASTS_S
        packed = base64.urlsafe_b64encode(wanted.encode()).decode()
        content = f"{until_s}.{secrets.token_urlsafe(32)}.{packed}"
        asked = self._metadata()
        address = prepare_grant_uri(
            asked["authorization_endpoint"],
            self._settings.oidc_client_id,
            "code",
            redirect_uri=self._settings.oidc_redirect_url,
            scope=_SCOPE,
            state=self._derived("state", content),
            nonce=self._derived("nonce", content),
            code_challenge=create_s256_code_challenge(self._derived("verifier", content)),
            code_challenge_method="S256",
        )
        return Begun(address, f"{content}.{self._derived('ticket', content)}")

    def finish(self, ticket: str, answer: Mapping[str, str]) -> Told:
        """Who comes back, after everything was checked that proves it.

        Parameters
        ----------
        ticket : str
            As `begin` gave it to this very browser.
        answer : Mapping of str to str
            What stands in the address: `code` and `state`, or `error`.

        Raises
        ------
        SignInRefused
            ``sign_on_refused`` or ``sign_on_unavailable``.
        """
        content, wanted = self._opened(ticket)
        if not _same(answer.get("state", ""), self._derived("state", content)):
            raise _refused("The answer belongs to no sign-on of this browser.")
        asked = self._metadata()
        names_issuer = asked.get("authorization_response_iss_parameter_supported") is True
        if answer.get("iss", "" if names_issuer else asked["issuer"]) != asked["issuer"]:
            raise _refused("The answer comes from another place.")
        if "error" in answer or not answer.get("code"):
            raise _refused("Nobody was signed on there.")
        token = self._token(asked, answer["code"], self._derived("verifier", content))
        claims = self._claims(asked, token, self._derived("nonce", content))
        return Told(self._completed(asked, token, claims), wanted)

    def _opened(self, ticket: str) -> tuple[str, str]:
        content, _, proof = ticket.rpartition(".")
        if not _same(proof, self._derived("ticket", content)):
            raise _refused("No sign-on was begun by this browser.")
        until_s, _, packed = content.split(".")
        if time.time() >= int(until_s):
            raise _refused("The sign-on took too long.")
        return content, base64.urlsafe_b64decode(packed).decode()

    def _derived(self, purpose: str, content: str) -> str:
        message = f"fleet-carbon sign-on {purpose} {content}".encode()
        digest = hmac.new(self._secret().encode(), message, hashlib.sha256).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def _secret(self) -> str:
        secret = self._settings.oidc_client_secret
        assert secret is not None  # the settings hold all or none
        return secret.get_secret_value()

    def _token(self, asked: Mapping[str, Any], code: str, verifier: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": verifier,
            "redirect_uri": self._settings.oidc_redirect_url,
        }
        name, secret = self._settings.oidc_client_id, self._secret()
        basic: httpx.BasicAuth | None = httpx.BasicAuth(quote_plus(name), quote_plus(secret))
        ways = asked.get("token_endpoint_auth_methods_supported")
        if isinstance(ways, list) and "client_secret_basic" not in ways:
            form |= {"client_id": name, "client_secret": secret}
            basic = None
        try:
            answer = httpx.post(
                asked["token_endpoint"], data=form, auth=basic, timeout=_TIMEOUT_S, headers=_JSON
            )
            if answer.is_client_error:  # a code that was used, or is of somebody else
                raise _refused("The code is not taken there.")
            token = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as failed:
            raise _unavailable() from failed
        if not isinstance(token, dict) or not isinstance(token.get("id_token"), str):
            raise _refused("The answer holds no ID token.")
        return token

    def _claims(
        self, asked: Mapping[str, Any], token: Mapping[str, Any], nonce: str
    ) -> dict[str, Any]:
        try:
            try:
                found = self._verified(asked, token["id_token"], is_anew=False)
            except InvalidKeyIdError:  # the other place has a new key
                found = self._verified(asked, token["id_token"], is_anew=True)
            claims = CodeIDToken(
                found.claims,
                found.header,
                {
                    "iss": {"essential": True, "value": asked["issuer"]},
                    "aud": {"essential": True, "value": self._settings.oidc_client_id},
                    "nonce": {"essential": True, "value": nonce},
                },
                {
                    "client_id": self._settings.oidc_client_id,
                    "nonce": nonce,
                    "access_token": token.get("access_token"),
                },
            )
            claims.validate(leeway=_CLOCKS_DIFFER_S)
        except (JoseError, ValueError, TypeError, KeyError, binascii.Error) as wrong:
            raise _refused("The ID token does not hold what it must.") from wrong
        if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
            raise _refused("The ID token names nobody.")
        return dict(claims)

    def _verified(self, asked: Mapping[str, Any], id_token: str, *, is_anew: bool) -> jwt.Token:
        keys = KeySet.import_key_set(self._fetched(asked["jwks_uri"], is_anew=is_anew))  # type: ignore[arg-type]
        # Private members of the header are allowed by the standard and mean nothing to us.
        registry = JWSRegistry(algorithms=_ALGORITHMS, strict_check_header=False)
        return jwt.decode(id_token, keys, algorithms=_ALGORITHMS, registry=registry)

    def _completed(
        self, asked: Mapping[str, Any], token: Mapping[str, Any], claims: dict[str, Any]
    ) -> dict[str, Any]:
        """The claims with those that this place tells at another address only."""
        settings = self._settings
        named = (settings.oidc_login_claim, settings.oidc_fleet_claim, settings.oidc_role_claim)
        where = asked.get("userinfo_endpoint")
        if all(name in claims for name in named if name) or not where:
            return claims
        bearer = {"Authorization": f"Bearer {token.get('access_token', '')}"}
        more = self._get(where, headers=bearer)
        if more.get("sub") != claims["sub"]:
            raise _refused("What is told of the user is told of somebody else.")
        return more | claims

    def _metadata(self) -> dict[str, Any]:
        issuer = self._settings.oidc_issuer or ""
        told = self._fetched(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        has_all = all(self._is_safe(told.get(name)) for name in needed)
        if told.get("issuer") != issuer or not has_all:
            raise _unavailable()
        return told

    def _is_safe(self, address: object) -> bool:
        return isinstance(address, str) and is_safe_address(
            address, on_loopback=self._settings.oidc_loopback
        )

    def _fetched(self, address: str, *, is_anew: bool = False) -> dict[str, Any]:
        """What stands at an address, as known for a while."""
        with self._lock:
            until_s, told = self._kept.get(address, (0.0, None))
            is_known = time.monotonic() < until_s and not (is_anew and told is not None)
            if not is_known:
                told = self._remembered(address, self._get)
        if told is None:
            raise _unavailable()
        return told

    def _remembered(
        self, address: str, get: Callable[[str], dict[str, Any]]
    ) -> dict[str, Any] | None:
        try:
            told: dict[str, Any] | None = get(address)
        except SignInRefused:
            told = None
        kept_s = _DOWN_S if told is None else _KEPT_S
        self._kept[address] = (time.monotonic() + kept_s, told)
        return told

    def _get(self, address: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        if not self._is_safe(address):
            raise _unavailable()
        try:
            answer = httpx.get(address, headers=_JSON | dict(headers or {}), timeout=_TIMEOUT_S)
            told = answer.raise_for_status().json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as failed:
            raise _unavailable() from failed
        if not isinstance(told, dict):
            raise _unavailable()
        return told


def _same(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def _refused(message: str) -> SignInRefused:
    return SignInRefused("sign_on_refused", message, "Begin again at the sign-in page.")


def _unavailable() -> SignInRefused:
    return SignInRefused(
        "sign_on_unavailable",
        "The place where people sign on does not answer as it should.",
        "Try again in a moment, or sign in with a password.",
    )
