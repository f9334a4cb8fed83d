"""Fleets are kept apart twice: by the database, and by a look at every statement that is sent.

On PostgreSQL every table with a fleet has row-level security, which binds the owner, too: a row
is there only for a transaction that was begun for its fleet. SQLite has nothing like it. On both,
no statement leaves the program that could read or change rows of another fleet: each is examined
once as it is compiled, and what it is bound to each time it is sent.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import DDL, Column, Connection, Engine, MetaData, Table, event, text
from sqlalchemy.schema import DDLElement
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import (
    BinaryExpression,
    BindParameter,
    BooleanClauseList,
    ClauseElement,
    Grouping,
    TextClause,
)
from sqlalchemy.sql.selectable import (
    AliasedReturnsRows,
    CompoundSelect,
    FromClause,
    Join,
    Select,
    SelectBase,
)

ACROSS: dict[str, tuple[str, ...]] = {
    # A truck is claimed once, whichever fleet claims it.
    "claims": ("claims",),
    # Whose a secret is, is asked before it is known which fleet is meant.
    "keys": ("access_keys", "access_key_ends", "access_key_scopes", "access_key_shippers"),
    # What is done for every fleet of the installation begins with their names.
    "fleets": ("fleets",),
}
"""Why rows of other fleets may be read, and of which tables; there is no other way."""

_FLEET, _ACROSS = "fleet_carbon_fleet", "fleet_carbon_across"
_OF_FLEET = "(SELECT current_setting('fleet_carbon.fleet', true))"
_IS_ACROSS = "(SELECT current_setting('fleet_carbon.across', true))"
_ENTER = text("SELECT set_config('fleet_carbon.fleet', :fleet, true)")
_CROSS = text("SELECT set_config('fleet_carbon.across', :purpose, true)")
_ROLE = (
    "SELECT rolname AS name, rolsuper OR rolbypassrls AS is_unbound FROM pg_roles"
    " WHERE rolname = current_user"
)
_LACKING = (
    "SELECT relname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
    " WHERE attname = 'fleet_id' AND relkind = 'r'"
    " AND relnamespace = current_schema()::regnamespace"
    " AND NOT (relrowsecurity AND relforcerowsecurity) ORDER BY relname"
)
_TOLD = re.compile(r"\bfleet_id(_m\d+)?\b")
_NAMED = re.compile(
    r"\b(FROM|JOIN|UPDATE|INTO)\s+(?:ONLY\s+)?\"?(\w+)\"?(?:\s+AS\s+(\w+))?", re.IGNORECASE
)
_SELECTED = re.compile(r"\bSELECT fleet_id\b")
_INSERTED = re.compile(r"INSERT INTO (\w+) \(fleet_id(?P<others>[^)]*)\) VALUES")


class OtherFleet(RuntimeError):
    """A statement that could reach rows of another fleet: a fault of the program."""


def row_security(table: Table) -> Iterator[str]:
    """The statements that let PostgreSQL keep the fleets of a table apart.

    Parameters
    ----------
    table : Table
        One without the column `fleet_id` has none.
    """
    if "fleet_id" not in table.c:
        return
    name = table.name
    yield f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY"
    yield f"ALTER TABLE {name} FORCE ROW LEVEL SECURITY"
    yield (
        f"CREATE POLICY {name}_of_fleet ON {name} USING (fleet_id = {_OF_FLEET}) "
        f"WITH CHECK (fleet_id = {_OF_FLEET})"
    )
    for purpose, names in ACROSS.items():
        if name in names:
            yield (
                f"CREATE POLICY {name}_across_{purpose} ON {name} FOR SELECT "
                f"USING ({_IS_ACROSS} = '{purpose}')"
            )


def secured(metadata: MetaData) -> None:
    """Let row-level security come with every table that is made."""

    def secure(_metadata: MetaData, connection: Any, **named: Any) -> None:
        if connection.dialect.name == "postgresql":
            # By name: they come in the order in which modules happened to be imported.
            for table in sorted(named["tables"], key=lambda one: one.name):
                for statement in row_security(table):
                    connection.execute(DDL(statement))  # type: ignore[no-untyped-call]

    event.listen(metadata, "after_create", secure)


def enter(connection: Connection, fleet_id: str) -> None:
    """Begin a transaction's work for one fleet, and no other."""
    connection.execution_options(**{_FLEET: fleet_id})
    if connection.dialect.name == "postgresql":
        connection.execute(_ENTER, {"fleet": fleet_id})


@contextmanager
def across(connection: Connection, purpose: str) -> Iterator[None]:
    """Read rows of other fleets for a purpose of `ACROSS`, from its tables alone.

    Parameters
    ----------
    connection : Connection
        In a transaction.
    purpose : str
        Of `ACROSS`.
    """
    _let_across(connection, purpose)
    yield
    _let_across(connection, "")  # after a failure the transaction ends, and the setting with it


def _let_across(connection: Connection, purpose: str) -> None:
    connection.execution_options(**{_ACROSS: purpose})
    if connection.dialect.name == "postgresql":
        connection.execute(_CROSS, {"purpose": purpose})


def unguarded(connection: Connection) -> str:
    """Why row-level security does not bind this connection; empty if it does."""
    if connection.dialect.name != "postgresql":
        return "SQLite has no row-level security"
    role = connection.execute(text(_ROLE)).one()
    if role.is_unbound:
        return f"the role {role.name} is a superuser or has BYPASSRLS"
    lacking = connection.scalars(text(_LACKING)).all()
    return f"tables without it: {', '.join(lacking)}" if lacking else ""


def guard(engine: Engine, metadata: MetaData) -> None:
    """Refuse every statement that could reach rows of another fleet.

    Parameters
    ----------
    engine : Engine
        Whose statements are looked at.
    metadata : MetaData
        The tables; those with a column `fleet_id` are guarded.
    """
    known: WeakKeyDictionary[Any, _Bound] = WeakKeyDictionary()
    guarded = frozenset(name for name, table in metadata.tables.items() if "fleet_id" in table.c)

    @event.listens_for(engine, "before_cursor_execute")
    def look(*sent: Any) -> None:
        connection, _cursor, statement, parameters, context, _executemany = sent
        compiled = context.compiled
        if compiled is None:
            _look_at_driver_sql(connection, statement, parameters, guarded)
            return
        bound = known.get(compiled)
        if bound is None:
            bound = known[compiled] = _examined(compiled, guarded)
        bound.refuse_others(connection, context.compiled_parameters)


@dataclass
class _Bound:
    """What a statement is bound to: names of parameters that must be the fleet.

    Attributes
    ----------
    names : set of str
        Parameters.
    inserted : set of str
        Tables that rows go into: every `fleet_id` that is given must be the fleet.
    unbound : set of str
        Tables whose rows of any fleet are reached.
    """

    names: set[str] = field(default_factory=set)
    inserted: set[str] = field(default_factory=set)
    unbound: set[str] = field(default_factory=set)

    def refuse_others(self, connection: Connection, given: Sequence[Mapping[str, Any]]) -> None:
        """Refuse if the parameters, or what is not bound, are of another fleet."""
        if not (self.names or self.inserted or self.unbound):
            return
        options = connection.get_execution_options()
        _refuse_unbound(self.unbound, options)
        fleet_id = options.get(_FLEET)
        if self.names and any(row[name] != fleet_id for row in given for name in self.names):
            raise OtherFleet("a statement is bound to another fleet")
        if self.inserted and not (fleet_id and _all_of(fleet_id, given)):
            raise OtherFleet(f"rows of another fleet would go into {sorted(self.inserted)}")


def _all_of(fleet_id: str, given: Sequence[Mapping[str, Any]]) -> bool:
    names = [name for name in given[0] if _TOLD.fullmatch(name)] if given else []
    return bool(names) and all(row[name] == fleet_id for row in given for name in names)


def _refuse_unbound(unbound: set[str], options: Mapping[str, Any]) -> None:
    if unbound and not unbound <= {*ACROSS.get(options.get(_ACROSS, ""), ())}:
        raise OtherFleet(f"a statement reaches rows of every fleet in {sorted(unbound)}")


def _look_at_driver_sql(
    connection: Connection, statement: str, parameters: Any, guarded: frozenset[str]
) -> None:
    """Raw SQL may insert rows whose first column is the fleet, and nothing else."""
    touched = _tables_named(statement) & guarded
    if not touched:
        return
    inserting = _INSERTED.match(statement)
    fleet_id = connection.get_execution_options().get(_FLEET)
    if inserting is None or not fleet_id or touched != {inserting[1]}:
        raise OtherFleet(f"raw SQL reaches {sorted(touched)}")
    width = 1 + inserting["others"].count(",")
    rows = parameters if isinstance(parameters, list) else [parameters]
    for row in rows:
        if row[::width].count(fleet_id) * width != len(row):
            raise OtherFleet(f"rows of another fleet would go into {inserting[1]}")


@cache
def _tables_named(statement: str) -> frozenset[str]:
    return frozenset(found[1].lower() for found in _NAMED.findall(statement))


def _examined(compiled: Any, guarded: frozenset[str]) -> _Bound:
    statement, bound = compiled.statement, _Bound()
    if statement is None or isinstance(statement, DDLElement):
        return bound
    if isinstance(statement, TextClause):
        return _examined_text(str(statement.text), guarded)
    criteria: set[BindParameter[Any]] = set()
    _examine(statement, frozenset(), criteria, bound)
    bound.names = {compiled.bind_names[one] for one in criteria}
    return bound


def _examined_text(statement: str, guarded: frozenset[str]) -> _Bound:
    """SQL as text: every table is bound where it is named, by `:fleet` or to another table."""
    bound = _Bound()
    for verb, name, alias in _NAMED.findall(statement):
        if name.lower() not in guarded:
            continue
        if verb.upper() == "INTO" and _SELECTED.search(statement):
            continue  # what is selected is bound
        column = rf"\b{alias}\.fleet_id" if alias else r"(?<![\w.])fleet_id"
        if re.search(rf"{column} = (:fleet\b|\w+\.fleet_id)", statement):
            bound.names = {"fleet"}
        else:
            bound.unbound.add(name)
    return bound


def _examine(
    statement: ClauseElement,
    around: frozenset[FromClause],
    criteria: set[BindParameter[Any]],
    bound: _Bound,
) -> None:
    """Find what every table of a statement is bound to, inside subqueries, too."""
    if isinstance(statement, CompoundSelect):
        for one in statement.selects:
            _examine(one, around, criteria, bound)
        return
    froms, conditions = _sources(statement, bound)
    sources = [one for one in froms if one not in around]
    tied = _tied(sources, conditions, around, criteria)
    bound.unbound |= {_table_of(one).name for one in sources if one not in tied}
    for inner in _within(statement):
        _examine(inner, around | frozenset(sources), criteria, bound)


def _sources(
    statement: Any, bound: _Bound
) -> tuple[list[FromClause], list[tuple[ClauseElement, frozenset[FromClause] | None]]]:
    """Guarded tables of a statement, and conditions, each with the tables that it may bind."""
    froms: list[FromClause] = []
    conditions: list[tuple[ClauseElement, frozenset[FromClause] | None]] = []

    def take(one: FromClause) -> list[FromClause]:
        if not isinstance(one, Join):
            found = [one] if _is_guarded(one) else []
            froms.extend(found)
            return found
        left, right = take(one.left), take(one.right)
        # What an outer join asks for keeps rows of its right side away, and no others.
        bindable = (frozenset() if one.full else frozenset(right)) if one.isouter else None
        conditions.extend((part, bindable) for part in _parts(one.onclause))
        return left + right

    if isinstance(statement, Select):
        for each in statement.get_final_froms():
            take(each)
        where = statement.whereclause
    elif getattr(statement, "is_insert", False):
        if _is_guarded(statement.table) and statement.select is None:
            bound.inserted.add(statement.table.name)
        where = None
    else:
        for each in (statement.table, *getattr(statement, "_extra_froms", ())):
            take(each)
        where = statement.whereclause
    return froms, conditions + [(part, None) for part in _parts(where)]


def _tied(
    sources: Sequence[FromClause],
    conditions: Sequence[tuple[ClauseElement, frozenset[FromClause] | None]],
    around: frozenset[FromClause],
    criteria: set[BindParameter[Any]],
) -> set[FromClause]:
    """Those of the tables whose fleet is given, or is that of one whose fleet is."""
    tied: set[FromClause] = set()
    found = True
    while found:
        found = False
        for part, bindable in conditions:
            for one, other in _sides(part):
                within = sources if bindable is None else bindable
                if one not in within or one not in sources or one in tied:
                    continue
                if isinstance(other, BindParameter):
                    criteria.add(other)
                elif other not in tied and other not in around and _is_guarded(other):
                    continue
                tied.add(one)
                found = True
    return tied


def _sides(part: ClauseElement) -> Iterator[tuple[FromClause, Any]]:
    """A table whose fleet is equal to something, and that: a parameter or another table."""
    if not isinstance(part, BinaryExpression) or part.operator is not operators.eq:
        return
    for one, other in ((part.left, part.right), (part.right, part.left)):
        if _is_fleet(one) and (isinstance(other, BindParameter) or _is_fleet(other)):
            yield one.table, other if isinstance(other, BindParameter) else other.table


def _is_fleet(element: Any) -> bool:
    return getattr(element, "name", "") == "fleet_id" and hasattr(element, "table")


def _parts(condition: Any) -> Iterator[ClauseElement]:
    if isinstance(condition, Grouping):
        yield from _parts(condition.element)
    elif isinstance(condition, BooleanClauseList) and condition.operator is operators.and_:
        for clause in condition.clauses:
            yield from _parts(clause)
    elif condition is not None:
        yield condition


def _is_guarded(one: Any) -> bool:
    table = _table_of(one)
    return isinstance(table, Table) and "fleet_id" in table.c


def _table_of(one: Any) -> Any:
    while isinstance(one, AliasedReturnsRows):
        one = one.element
    return one


def _within(element: ClauseElement) -> Iterator[SelectBase]:
    """Selects inside a statement, not those inside of them."""
    for child in element.get_children():
        if isinstance(child, SelectBase):
            yield child
        elif not isinstance(child, Table | Column):
            yield from _within(child)
