"""Who may import whom, and what may only happen in one place: read from the syntax trees."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

FLOOR = {"units", "periods", "errors", "settings", "frames"}
PURE = {"ingest", "traces", "legs", "quantification", "ledger"}
BELOW_SERVICES = PURE | {"statements", "papers", "storage", "engine", "learning", "dispatch"}
MAY_IMPORT: dict[str, set[str]] = {
    **{room: set() for room in FLOOR | PURE | {"engine"}},
    "legs": {"traces"},
    "learning": {"quantification"},
    "dispatch": {"quantification"},
    "statements": {"ledger"},
    "papers": {"statements"},
    "storage": {"ledger"},
    "services": BELOW_SERVICES,
    "commands": {"services", "web"},
    "cli": {"commands", "services"},
    # Pages say things in the words of statements.
    "web": {"services", "statements"},
    "client": {"web"},
}
# Within the services, too, data flows one way: each of their rooms leans on those before it.
SERVICES = (
    "support", "intake", "pulls", "ledger", "months", "positions", "accounts", "papers", "trips",
    "messages", "exchange", "people", "running",
)  # fmt: skip
COMPILED_LEGS = (
    "candidates", "car_signs", "kernels", "packing", "profiles", "surroundings", "verdicts",
)  # fmt: skip
# Third-party or standard library -> the only places that may import it.
ONLY_IN: dict[str, set[str]] = {
    "flask": {"web"},
    "flask_openapi": {"web"},
    "gunicorn": {"web"},
    "dbos": {"services/running/jobs.py"},
    "sqlalchemy": {"storage"},
    "psycopg": {"storage"},
    "sqlite3": {"storage"},
    "structlog": {"services/support/logs.py"},
    "prometheus_client": {"services/running/gauging.py", "services/support/metering.py"},
    "alembic": {
        "storage/migrations/running.py",
        "storage/migrations/statements.py",
    },
    "numba": {
        "traces",
        *("quantification/exact_sums.py", "quantification/trees.py"),
        *("ingest/eights.py", "ingest/scanning.py", "ingest/dialects/framing.py"),
        "storage/arranging.py",
        *(f"legs/{name}.py" for name in COMPILED_LEGS),
    },
    "yaml": {"quantification"},
    "cryptography": {
        *("storage/persons.py", "ledger/signing.py", "ledger/checker.py"),
        "services/support/sealing.py",
    },
    "deltalake": {"storage/exporting.py"},
    "argon2": {"services/people/users.py"},
    "limits": {"web/limiting.py"},
    "sklearn": {"learning"},
    "skops": {"learning"},
    "threadpoolctl": {"learning"},
    "typst": {"papers"},
    "segno": {"papers"},
    "quickjs": {"papers"},
    "jinja2": {"papers", "web"},
    "babel": {"statements"},
    "typer": {"cli", "commands"},
    "rich": {"commands"},
    "random": {"services"},
    "secrets": {"services"},
    "uuid": {"services", "client"},
    "requests": set(),
    "httpx": {
        "client",
        "services/exchange/exchange_client.py",
        "services/messages/sending.py",
        "services/people/oidc.py",
        "services/pulls/pull_client.py",
    },
    "paho": {"services/intake/subscribing.py"},
    "authlib": {"services/people/oidc.py"},
    "joserfc": {"services/people/oidc.py"},
    "standardwebhooks": {"web/webhook_trust.py", "services/messages/sending.py"},
    "stamina": {"client"},
    "urllib.request": set(),
    "http.client": set(),
    "socket": set(),
}
NOT_IN: dict[str, set[str]] = {room: {"pandas", "numpy"} for room in ("cli", "commands", "web")}
# What reads the clock, the environment or chance; only these rooms may.
OUTSIDE_WORLD = {
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns",
    "Timestamp.now", "Timestamp.utcnow", "os.environ", "os.getenv", "os.urandom",
    "np.random", "numpy.random",
}  # fmt: skip
MAY_LOOK_OUTSIDE = {"services", "settings"}
MAY_CATCH_ALL = {"cli", "web"}
FORBIDDEN_MODULES = {
    "utils", "util", "helpers", "helper", "common", "core", "base", "manager", "misc",
}  # fmt: skip

Found = Iterator[str]


def imported(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and dotted name of every import at any depth, also inside functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(
            ("import_module", "__import__")
        ):
            yield node.lineno, ".by name at run time"


def rooms_import_downwards(place: str, room: str, tree: ast.AST) -> Found:
    """Imports of our own packages go only where the table allows."""
    if room not in MAY_IMPORT:
        yield f"{place}:1 is in no known room"
        return
    for line, name in imported(tree):
        if name.startswith("."):
            yield f"{place}:{line} imports {name}: write the full name"
        elif name.split(".")[0] == "fleet_carbon":
            target = [*name.split("."), ""][1]
            if target not in FLOOR | {room} | MAY_IMPORT[room]:
                yield f"{place}:{line} {room} imports {target or 'the root'}"


def services_lean_on_those_before(place: str, room: str, tree: ast.AST) -> Found:
    """Use cases stand in rooms of their own, which know only those before them."""
    if room != "services" or place == "services/__init__.py":
        return
    inner = place.split("/")[1]
    if inner not in SERVICES:
        yield f"{place}:1 is in no known room of the services"
        return
    for line, name in imported(tree):
        if name.startswith("fleet_carbon.services."):
            target = name.split(".")[2]
            if target not in SERVICES[: SERVICES.index(inner) + 1]:
                yield f"{place}:{line} {inner} imports {target}"


def libraries_stay_in_their_room(place: str, room: str, tree: ast.AST) -> Found:
    """A library with one home is imported nowhere else."""
    for line, name in imported(tree):
        for library, homes in ONLY_IN.items():
            inside = f"{name}.".startswith(f"{library}.")
            if inside and room not in homes and place not in homes:
                yield f"{place}:{line} imports {library}"
        if name.split(".")[0] in NOT_IN.get(room, set()):
            yield f"{place}:{line} {room} computes: it imports {name}"


def audit_does_not_know_posting(place: str, room: str, tree: ast.AST) -> Found:
    """The checkers share no code with the makers; what is handed out runs by itself."""
    allowed = {"ledger/audit.py": {"fleet_carbon.ledger.checker"}, "ledger/checker.py": set[str]()}
    for line, name in imported(tree) if place in allowed else ():
        ours = name.startswith("fleet_carbon")
        if ours and name.rpartition(".")[0] not in allowed[place]:
            yield f"{place}:{line} imports {name}"


def only_the_unit_of_work_commits(place: str, room: str, tree: ast.AST) -> Found:
    """One commit in the code."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Attribute)
            and node.attr == "commit"
            and place != "storage/unit_of_work.py"
        ):
            yield f"{place}:{node.lineno} commits"


def only_services_look_outside(place: str, room: str, tree: ast.AST) -> Found:
    """Clock, environment and randomness are handed down as arguments."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and room not in MAY_LOOK_OUTSIDE:
            name = ".".join(ast.unparse(node).split(".")[-2:])
            if name in OUTSIDE_WORLD:
                yield f"{place}:{node.lineno} reads {name}"
    for line, name in imported(tree):
        hidden = name in {"os.environ", "os.getenv", "time.time", "time.time_ns", "numpy.random"}
        if hidden and room not in MAY_LOOK_OUTSIDE:
            yield f"{place}:{line} imports {name}"


def door_plates_hold_no_code(place: str, room: str, tree: ast.Module) -> Found:
    """An `__init__.py` is a docstring and nothing else."""
    if place.endswith("__init__.py"):
        has_text = ast.get_docstring(tree) is not None
        if not has_text or len(tree.body) > 1:
            yield f"{place}:1 {'holds code' if has_text else 'has no door plate'}"


def only_doors_catch_everything(place: str, room: str, tree: ast.AST) -> Found:
    """`except Exception` hides faults everywhere but at the doors."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler) and room not in MAY_CATCH_ALL:
            caught = ast.unparse(node.type) if node.type else "everything"
            if {"Exception", "BaseException", "everything"} & set(caught.strip("()").split(", ")):
                yield f"{place}:{node.lineno} catches {caught}"


def modules_are_named_for_what_they_do(place: str, room: str, tree: ast.AST) -> Found:
    """No drawers for odds and ends."""
    if set(place.removesuffix(".py").split("/")) & FORBIDDEN_MODULES:
        yield f"{place}:1 has a name that says nothing"


RULES: tuple[Callable[[str, str, ast.Module], Found], ...] = (
    rooms_import_downwards,
    services_lean_on_those_before,
    libraries_stay_in_their_room,
    audit_does_not_know_posting,
    only_the_unit_of_work_commits,
    only_services_look_outside,
    door_plates_hold_no_code,
    only_doors_catch_everything,
    modules_are_named_for_what_they_do,
)


@cache
def modules(package: Path) -> tuple[tuple[str, str, ast.Module], ...]:
    """Place in the package, room and syntax tree of every module but collected data."""
    found = []
    for path in sorted(package.rglob("*.py")):
        place = path.relative_to(package).as_posix()
        if place.startswith(("_collected/", "_shipped/")) or place == "__init__.py":
            continue
        room = place.split("/")[0].removesuffix(".py")
        found.append((place, room, ast.parse(path.read_bytes())))
    return tuple(found)


def violations(package: Path, rule: Callable[[str, str, ast.Module], Found]) -> list[str]:
    """Every breach of one rule, as `place:line what`."""
    return [text for module in modules(package) for text in rule(*module)]
