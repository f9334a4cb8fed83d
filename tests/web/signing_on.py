"""An OpenID Connect provider on loopback that can be told to do wrong, each way that matters."""

from __future__ import annotations

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote_plus, urlencode

from flask import Flask, Response, jsonify, make_response, redirect, request
from joserfc import jws, jwt
from joserfc.jwk import KeySet, OctKey, RSAKey
from werkzeug.serving import BaseWSGIServer, make_server

CLIENT_ID, CLIENT_SECRET = "fleet", "a client secret of forty characters long"


def _key(name: str) -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig"})


@dataclass
class LocalProvider:
    """What it does; tests change it.

    `claims` go into every ID token, over what belongs there; `told` is what userinfo tells;
    `published` are the keys that it shows, if not the one that signs.
    """

    claims: dict[str, Any] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)
    algorithm: str = "RS256"
    key: RSAKey = field(default_factory=lambda: _key("first"))
    published: list[RSAKey] = field(default_factory=list)
    is_down: bool = False
    keys_count: int = 0
    issuer: str = ""
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def app(self) -> Flask:
        """Its routes."""
        app = Flask("provider")
        app.before_request(self._down)
        app.get("/.well-known/openid-configuration")(self._document)
        app.get("/keys")(self._keys)
        app.get("/authorize")(self._authorize)
        app.post("/token")(self._token)
        app.get("/userinfo")(lambda: jsonify(self.told))
        return app

    def rotate(self, name: str = "second") -> None:
        """Sign with a new key."""
        self.key = _key(name)

    def _down(self) -> Response | None:
        return make_response("down", 503) if self.is_down else None

    def _document(self) -> Response:
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token"}
        places |= {"jwks_uri": "keys", "userinfo_endpoint": "userinfo"}
        told = {name: f"{self.issuer}/{place}" for name, place in places.items()}
        return jsonify({"issuer": self.issuer, **told})

    def _keys(self) -> Response:
        self.keys_count += 1
        keys = KeySet(self.published or [self.key])
        return jsonify(keys.as_dict(private=False))

    def _authorize(self) -> Response:
        asked = request.args
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT_ID)
        assert asked["code_challenge_method"] == "S256"
        code = secrets.token_hex(8)
        self._codes[code] = {name: asked[name] for name in ("nonce", "code_challenge")}
        answer = urlencode({"code": code, "state": asked["state"]})
        return make_response(redirect(f"{asked['redirect_uri']}?{answer}"))

    def _token(self) -> Response:
        known = request.authorization
        assert known is not None
        assert known.username == CLIENT_ID
        assert unquote_plus(known.password or "") == CLIENT_SECRET
        begun = self._codes.pop(request.form["code"], None)  # once
        digest = hashlib.sha256(request.form["code_verifier"].encode()).digest()
        proven = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if begun is None or proven != begun["code_challenge"]:
            return make_response(jsonify({"error": "invalid_grant"}), 400)
        token = self._signed(begun["nonce"])
        return jsonify({"access_token": "at", "token_type": "Bearer", "id_token": token})

    def _signed(self, nonce: str) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {"iss": self.issuer, "aud": CLIENT_ID, "sub": "s-1"}
        claims |= {"iat": now, "exp": now + 300, "nonce": nonce}
        claims |= {"email": "ann@example.org", "email_verified": True} | self.claims
        claims = {name: value for name, value in claims.items() if value is not None}
        header = {"alg": self.algorithm, "kid": str(self.key.kid)}
        registry = jws.JWSRegistry(algorithms=["RS256", "HS256", "none"])
        key = OctKey.import_key(CLIENT_SECRET) if self.algorithm == "HS256" else self.key
        return jwt.encode(header, claims, key, registry=registry)


@contextmanager
def provided() -> Iterator[LocalProvider]:
    """One that listens until the block ends."""
    provider = LocalProvider()
    server: BaseWSGIServer = make_server("127.0.0.1", 0, provider.app(), threaded=True)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
