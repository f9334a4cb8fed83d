"""People who sign in, what they were let in with, and how often somebody failed: on record.

Unlike keys these rows change: a password that was replaced, and a session that is over, are gone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    delete,
    insert,
    select,
    update,
)

from fleet_carbon.storage.database import Transaction
from fleet_carbon.storage.tables import METADATA, Moment, fleet_column

users = Table(
    "users",
    METADATA,
    fleet_column(),
    Column("user_id", Text, primary_key=True),
    Column("login", Text, nullable=False),
    Column("role", Text, nullable=False),
    # Whose account a user of the role driver sees; empty for the other roles.
    Column("driver_id", Text, nullable=False),
    # argon2id; empty for who signs in elsewhere.
    Column("password_hash", Text, nullable=False),
    # What the other place knows the user by: issuer and subject. Empty until the first time.
    Column("subject", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("ended_at", Moment),
    UniqueConstraint("fleet_id", "login"),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
)

# Sessions of people and tokens of programs; the secret itself is kept nowhere.
grants = Table(
    "grants",
    METADATA,
    fleet_column(),
    Column("secret_sha256", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    # A user or a key.
    Column("holder_id", Text, nullable=False),
    # Deeds with a space between; empty is all that the role allows.
    Column("scope", Text, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
    Index("grants_by_holder", "fleet_id", "holder_id"),
)

sign_in_failures = Table(
    "sign_in_failures",
    METADATA,
    fleet_column(),
    # A digest, for people type passwords where names belong.
    Column("login_sha256", Text, primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("failed_at", Moment, nullable=False),
    ForeignKeyConstraint(["fleet_id"], ["fleets.fleet_id"]),
)


@dataclass(frozen=True)
class UserRow:
    """A user as on record."""

    user_id: str
    login: str
    role: str
    driver_id: str
    password_hash: str
    subject: str
    created_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True)
class Grant:
    """A session or a token as on record."""

    secret_sha256: str
    kind: str
    holder_id: str
    scope: str
    seen_at: datetime
    expires_at: datetime


class Users:
    """The people of a fleet who may sign in."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, user: UserRow) -> None:
        """Put a new user on record."""
        row = vars(user) | {"fleet_id": self._transaction.fleet_id}
        self._transaction.writing.execute(insert(users).values(row))

    def find(self, **by: str) -> UserRow | None:
        """The user with this `user_id`, `login` or `subject`; None if there is none."""
        conditions = [users.c[name] == value for name, value in by.items()]
        found = self._transaction.reading.execute(_rows_of(users, UserRow, self, *conditions))
        row = found.mappings().one_or_none()
        return None if row is None else UserRow(**row)

    def list(self) -> list[UserRow]:
        """All users that ever were, in the order of their making."""
        chosen = _rows_of(users, UserRow, self).order_by(users.c.created_at, users.c.user_id)
        return [UserRow(**row) for row in self._transaction.reading.execute(chosen).mappings()]

    def change(self, user_id: str, **columns: Any) -> None:
        """Give columns of a user another value."""
        changed = update(users).where(
            users.c.fleet_id == self._transaction.fleet_id, users.c.user_id == user_id
        )
        self._transaction.writing.execute(changed.values(columns))


class Grants:
    """What lets people and programs in for a while."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, grant: Grant) -> None:
        """Let somebody in."""
        row = vars(grant) | {"fleet_id": self._transaction.fleet_id}
        self._transaction.writing.execute(insert(grants).values(row))

    def get(self, secret_sha256: str) -> Grant | None:
        """What a secret stands for; None if nothing."""
        chosen = _rows_of(grants, Grant, self, grants.c.secret_sha256 == secret_sha256)
        row = self._transaction.reading.execute(chosen).mappings().one_or_none()
        return None if row is None else Grant(**row)

    def of_holder(self, holder_id: str) -> list[Grant]:
        """What a user or key holds, what ended by itself among it until it is let go of."""
        chosen = _rows_of(grants, Grant, self, grants.c.holder_id == holder_id)
        ordered = chosen.order_by(grants.c.expires_at, grants.c.secret_sha256)
        return [Grant(**row) for row in self._transaction.reading.execute(ordered).mappings()]

    def seen(self, secret_sha256: str, at: datetime) -> None:
        """Note that it was used."""
        mine = grants.c.fleet_id == self._transaction.fleet_id
        changed = update(grants).where(mine, grants.c.secret_sha256 == secret_sha256)
        self._transaction.writing.execute(changed.values(seen_at=at))

    def end(self, secret_sha256: str) -> None:
        """Let it open nothing more."""
        mine = grants.c.fleet_id == self._transaction.fleet_id
        gone = delete(grants).where(mine, grants.c.secret_sha256 == secret_sha256)
        self._transaction.writing.execute(gone)

    def end_of_holder(self, holder_id: str) -> None:
        """Let nothing that a user or key holds open anything more."""
        mine = grants.c.fleet_id == self._transaction.fleet_id
        self._transaction.writing.execute(
            delete(grants).where(mine, grants.c.holder_id == holder_id)
        )

    def forget_before(self, at: datetime) -> None:
        """Let go of what ended by itself."""
        mine = grants.c.fleet_id == self._transaction.fleet_id
        self._transaction.writing.execute(delete(grants).where(mine, grants.c.expires_at < at))


class Failures:
    """How often, and when last, a sign-in failed by each name."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def of(self, login_sha256: str) -> tuple[int, datetime | None]:
        """How many in a row, and when the last one was."""
        table = sign_in_failures
        chosen = select(table.c.failures, table.c.failed_at).where(
            table.c.fleet_id == self._transaction.fleet_id, table.c.login_sha256 == login_sha256
        )
        row = self._transaction.reading.execute(chosen).one_or_none()
        return (0, None) if row is None else (row.failures, row.failed_at)

    def note(self, login_sha256: str, failures_count: int, at: datetime) -> None:
        """Note how many there were; 0 forgets them."""
        table, fleet_id = sign_in_failures, self._transaction.fleet_id
        writing = self._transaction.writing
        writing.execute(
            delete(table).where(table.c.fleet_id == fleet_id, table.c.login_sha256 == login_sha256)
        )
        if failures_count:
            writing.execute(
                insert(table).values(
                    fleet_id=fleet_id,
                    login_sha256=login_sha256,
                    failures=failures_count,
                    failed_at=at,
                )
            )

    def forget_before(self, at: datetime) -> None:
        """Let go of what is older."""
        table = sign_in_failures
        mine = table.c.fleet_id == self._transaction.fleet_id
        self._transaction.writing.execute(delete(table).where(mine, table.c.failed_at < at))


def _rows_of(table: Table, kind: type[Any], of: Any, *conditions: Any) -> Any:
    named = [table.c[one.name] for one in fields(kind)]
    return select(*named).where(table.c.fleet_id == of._transaction.fleet_id, *conditions)
