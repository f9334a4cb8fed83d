"""Somebody before the pages, with a browser of their own."""

from __future__ import annotations

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

PASSWORD = "correct horse battery"


class Person:
    """Somebody with a browser of their own."""

    def __init__(self, client: FlaskClient, login: str = "", password: str = PASSWORD) -> None:
        self.client = client.application.test_client()
        self.client.environ_base |= {"HTTP_ACCEPT": "text/html", "HTTP_ACCEPT_LANGUAGE": "en"}
        if login:
            form = {"fleet": "north", "name": login, "password": password}
            assert self.client.post("/sign-in", data=form).status_code == 303

    def get(self, path: str) -> TestResponse:
        """A page."""
        return self.client.get(path)

    def post(
        self, path: str, *, headers: dict[str, str] | None = None, **form: Any
    ) -> TestResponse:
        """The answer to a form of ours."""
        token = self.client.get("/v1/session").json.get("csrf_token", "")
        return self.client.post(path, data=form | {"csrf_token": token}, headers=headers)
