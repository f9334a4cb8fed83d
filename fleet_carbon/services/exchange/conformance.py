"""Whether a host conforms to iLEAP: the 28 cases of its test tool, and the laws of the data.

001 to 003 ask for product footprints of PACT 2 as iLEAP 1.0 has them; 004 to 023 fetch shipments,
categories, hubs and reports of 1.1 whole, filtered, limited, and with a token that is none or has
ended; 024 to 028 do so with activity data where both versions have them. The titles of 004 to 023
have no bodies in the first draft of 1.1: they are written here as those of 024 to 028, and what
002 and 003 want of product footprints, 009 and 014 want of the lists: that all is there that
shipments name. Beside the cases, activity data must stand at both their addresses.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import jsonschema

from fleet_carbon.errors import FleetCarbonError, Unavailable
from fleet_carbon.services.exchange.exchange_client import HostClient, Reply, documents_of
from fleet_carbon.services.exchange.exchanging import KINDS
from fleet_carbon.services.exchange.wishes import ID_NAMES
from fleet_carbon.statements import ileap, ileap_sense, pact
from fleet_carbon.statements.document_filters import Condition

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
PATHS = {kind: f"/v1/ileap/{kind}" for kind in KINDS} | {"tad": "/2/ileap/tad"}
_FIRST_NUMBERS = {"shipments": 4, "tocs": 9, "hocs": 14, "aed": 19, "tad": 24}
_OPTIONAL = ("aed", "tad")  # DT3 is optional, DT4 out of scope so far
_CALLED = {
    "shipments": "shipment footprints",
    "tocs": "transport operation categories",
    "hocs": "hub operation categories",
    "aed": "aggregated reports",
    "tad": "transport activity data",
}
_WALKED_MAX, _NAMED_MAX = 5_000, 3
_NOT_A_TOKEN = "no-token-of-this-host"


class _Failed(Exception):
    """The host does not do what the case wants; the text says what it does."""


class _Skipped(Exception):
    """The case cannot be tried, or need not be; the text says why."""


@dataclass(frozen=True)
class Verdict:
    """What came of a case.

    Attributes
    ----------
    case, title : str
        Number, or name of a law.
    verdict : str
        passed, failed or skipped.
    detail : str
        Why it did not pass; empty if it did.
    """

    case: str
    title: str
    verdict: str
    detail: str = ""


@dataclass(frozen=True)
class Checked:
    """What came of every case.

    Attributes
    ----------
    url : str
    verdicts : tuple of Verdict
    """

    url: str
    verdicts: tuple[Verdict, ...]

    @property
    def conforms(self) -> bool:
        """Whether nothing failed."""
        return all(one.verdict != FAILED for one in self.verdicts)

    def as_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "url": self.url,
            "conforms": self.conforms,
            "cases": [vars(one) for one in self.verdicts],
        }

    def lines(self) -> list[str]:
        """The verdicts for people."""
        width = max(len(one.case) for one in self.verdicts)
        found = []
        for one in self.verdicts:
            found.append(f"{one.verdict:<8}{one.case:<{width}}  {one.title}")
            found += [f"{'':<{8 + width}}  {line}" for line in one.detail.splitlines()]
        count = {
            name: sum(one.verdict == name for one in self.verdicts)
            for name in (PASSED, FAILED, SKIPPED)
        }
        told = ", ".join(f"{number} {name}" for name, number in count.items())
        return [*found, "", f"{self.url}: {told}."]


@dataclass
class _Host:
    """A host under test, and what it has told so far."""

    client: HostClient
    expired_token: str
    is_let_in: bool = False
    held: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    valid: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def documents(self, kind: str) -> list[dict[str, Any]]:
        """All of a kind, held against its schema; asked for once."""
        if kind not in self.held:
            found: list[dict[str, Any]] = []
            for page in self.client.pages(PATHS[kind]):
                found += page
                if len(found) > _WALKED_MAX:
                    break
            self.held[kind] = found
        return self.held[kind]

    def footprints(self) -> list[dict[str, Any]]:
        """Product footprints of PACT 2, asked for once."""
        if "pact" not in self.held:
            found: list[dict[str, Any]] = []
            for page in self.client.pages("/2/footprints"):
                found += page
                if len(found) > _WALKED_MAX:
                    break
            self.held["pact"] = found
        return self.held["pact"]

    def sound(self) -> dict[str, list[dict[str, Any]]]:
        """What was fetched and is valid; the case of a schema names the rest."""
        if not self.valid:
            self.valid = {
                kind: [one for one in held if _is_sound(kind, one)]
                for kind, held in self.held.items()
            }
        return self.valid

    def carried(self, schema: str) -> list[dict[str, Any]]:
        """What footprints carry of a type of iLEAP 1.0."""
        return [
            one["data"]
            for footprint in self.footprints()
            for one in footprint.get("extensions", ())
            if str(one.get("dataSchema", "")).endswith(f"/{schema}.json")
        ]


def check_host(client: HostClient, *, expired_token: str = "") -> Checked:
    """Try every case at a host.

    Parameters
    ----------
    client : HostClient
        With the credentials of a customer or tester.
    expired_token : str
        One that let in and has ended; without it those cases are skipped.
    """
    host = _Host(client, expired_token)
    token, *others = _cases()
    first = _tried(*token, host)
    if not host.is_let_in:  # once is enough to be told so
        why = "there is no token to ask with"
        left = (Verdict(case, title, SKIPPED, why) for case, title, _ in others)
        return Checked(client.url, (first, *left))
    return Checked(client.url, (first, *(_tried(*case, host) for case in others)))


Case = tuple[str, str, Callable[[_Host], None]]


def _cases() -> Iterator[Case]:
    yield "token", "a token for good credentials, none for bad ones", _token
    yield "001", "shipment footprints among the product footprints of PACT 2", _footprints
    yield "002", "every category that a shipment names is among them", _referenced("toc", "tocId")
    yield "003", "every hub that a shipment names is among them", _referenced("hoc", "hocId")
    for kind, first in _FIRST_NUMBERS.items():
        tries: tuple[tuple[str, Callable[[_Host, str], None]], ...] = (
            ("get all", _whole),
            ("get filtered", _filtered),
            ("get limited", _limited),
            ("with an invalid token", _with_invalid),
            ("with an expired token", _with_expired),
        )
        for number, (words, act) in enumerate(tries, start=first):
            yield f"{number:03d}", f"{_CALLED[kind]}: {words}", _of_kind(act, kind)
    yield "tad_twice", "activity data are the same at both addresses", _of_kind(_at_both, "tad")
    for law, (words, _) in ileap_sense.LAWS.items():
        yield law, words, _law(law)


def _of_kind(act: Callable[[_Host, str], None], kind: str) -> Callable[[_Host], None]:
    def tried(host: _Host) -> None:
        if kind in _OPTIONAL and host.client.get(PATHS[kind], {"limit": "1"}).status == 404:
            raise _Skipped("the host does not offer it, and need not")
        act(host, kind)

    return tried


def _tried(case: str, title: str, act: Callable[[_Host], None], host: _Host) -> Verdict:
    try:
        act(host)
    except _Failed as failed:
        return Verdict(case, title, FAILED, str(failed))
    except _Skipped as skipped:
        return Verdict(case, title, SKIPPED, str(skipped))
    except Unavailable:
        raise
    except FleetCarbonError as refused:
        return Verdict(case, title, FAILED, refused.message)
    return Verdict(case, title, PASSED)


def _token(host: _Host) -> None:
    good = host.client.token_reply()
    told = good.content if isinstance(good.content, dict) else {}
    if good.status != 200 or not isinstance(told.get("access_token"), str):
        raise _Failed(f"good credentials are answered {good.status}")
    host.is_let_in = True
    if str(told.get("token_type", "")).lower() != "bearer":
        raise _Failed("the token is no bearer token")
    bad = host.client.token_reply("nobody", "nothing")
    if bad.status not in (400, 401):
        raise _Failed(f"bad credentials are answered {bad.status}, not 400 or 401")


def _footprints(host: _Host) -> None:
    _refuse_invalid(host.footprints(), "Footprint2", "id")
    for one in host.footprints():
        if len(one.get("extensions", ())) > 1:
            raise _Failed(f"{one['id']} carries more than one type of iLEAP")
        if one["pcf"]["packagingEmissionsIncluded"]:
            raise _Failed(f"{one['id']} says packagingEmissionsIncluded, which must be false")
    shipments = host.carried("shipment-footprint")
    if not shipments:
        raise _Failed("no product footprint carries a shipment footprint")
    _refuse_invalid(shipments, "ShipmentFootprint", "shipmentId")


def _referenced(name: str, id_name: str) -> Callable[[_Host], None]:
    def act(host: _Host) -> None:
        found = host.carried(name)
        _refuse_invalid(found, name.upper(), id_name)
        _refuse_lacking(id_name, host.carried("shipment-footprint"), found)

    return act


def _whole(host: _Host, kind: str) -> None:
    found = host.documents(kind)
    _refuse_invalid(found, _type_of(kind), ID_NAMES[kind])
    if kind == "shipments" and not found:
        raise _Failed("there is no shipment; publish one for the tester")
    if kind in ("tocs", "hocs"):
        _refuse_lacking(ID_NAMES[kind], host.documents("shipments"), found)


def _refuse_lacking(
    id_name: str, shipments: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]
) -> None:
    """Every category or hub that shipments name must be found."""
    tces = [one for told in shipments for one in told.get("tces", ())]
    wanted = {one[id_name] for one in tces if id_name in one}
    if lacking := sorted(wanted - {one[id_name] for one in found}):
        raise _Failed(f"not found: {', '.join(lacking[:_NAMED_MAX])}")


def _at_both(host: _Host, kind: str) -> None:
    other = f"/v1/ileap/{kind}"
    known, found = host.documents(kind), [one for page in host.client.pages(other) for one in page]
    if len(known) <= _WALKED_MAX and _ids(kind, known) != _ids(kind, found):
        raise _Failed(f"{PATHS[kind]} has {len(known)}, {other} has others: {len(found)}")


def _ids(kind: str, documents: Sequence[Mapping[str, Any]]) -> set[str]:
    return {str(one.get(ID_NAMES[kind])) for one in documents}


def _filtered(host: _Host, kind: str) -> None:
    """By its identifier, and activity data by their mode, too, as 1.0 tries them."""
    for name in (ID_NAMES[kind], *(("mode",) if kind == "tad" else ())):
        _filtered_by(host, kind, name)


def _filtered_by(host: _Host, kind: str, name: str) -> None:
    """Found is what fits; a host that does not filter may answer with all, or say so."""
    known = host.documents(kind)
    wanted = str(known[0][name]) if known else "nobody"
    reply = host.client.get(PATHS[kind], {name: wanted})
    if (reply.status, reply.code) == (400, "NotImplemented"):
        return
    found = documents_of(reply, PATHS[kind])
    _refuse_invalid(found, _type_of(kind), ID_NAMES[kind])
    fits = [one for one in found if Condition(((name,),), (wanted,)).fits(one)]
    if known and not fits:
        raise _Failed(f"{name}={wanted} does not find what the list has")
    if len(fits) != len(found) and not _is_unfiltered(found, known):
        raise _Failed(f"{name}={wanted} finds {len(found) - len(fits)} others, and not all either")


def _is_unfiltered(found: Sequence[Mapping[str, Any]], known: Sequence[Mapping[str, Any]]) -> bool:
    return list(found) == list(known[: len(found)])


def _limited(host: _Host, kind: str) -> None:
    known = host.documents(kind)
    reply = host.client.get(PATHS[kind], {"limit": "1"})
    found = documents_of(reply, PATHS[kind])
    if len(found) > 1:
        raise _Failed(f"limit=1 brings {len(found)}")
    if len(known) < 2:
        return
    link = reply.next_url
    if not link:
        raise _Failed("there is more than limit=1 brings, and no header Link with rel=next")
    if not link.startswith(("https://", "http://")):
        raise _Failed(f"the link is not absolute: {link}")
    if urlsplit(link).netloc != urlsplit(host.client.url).netloc:
        raise _Failed(f"the link is of another host: {link}")
    second, again = (documents_of(host.client.get(link), link) for _ in range(2))
    if second != again:
        raise _Failed("the link brings other data when it is followed again")
    if len(second) > 1:
        raise _Failed(f"the link brings {len(second)} where limit was 1")
    if found and second and second[0] == found[0]:
        raise _Failed("the link brings the first page again")


def _with_invalid(host: _Host, kind: str) -> None:
    reply = host.client.get(PATHS[kind], token=_NOT_A_TOKEN)
    _refuse_let_in(reply)
    if (reply.status, reply.code) not in ((403, "AccessDenied"), (401, "AccessDenied")):
        raise _Failed(f"it is answered {reply.status} {reply.code!r}, not 403 'AccessDenied'")


def _with_expired(host: _Host, kind: str) -> None:
    if not host.expired_token:
        raise _Skipped("no expired token was given")
    reply = host.client.get(PATHS[kind], token=host.expired_token)
    _refuse_let_in(reply)
    # The title of the case writes ExpiredToken, PACT has TokenExpired, which is but a SHOULD.
    if reply.status != 401:
        raise _Failed(f"it is answered {reply.status} {reply.code!r}, not 401 'TokenExpired'")


def _refuse_let_in(reply: Reply) -> None:
    if reply.status < 400 or (isinstance(reply.content, dict) and "data" in reply.content):
        raise _Failed(f"it is let in: {reply.status}")


def _law(law: str) -> Callable[[_Host], None]:
    def act(host: _Host) -> None:
        if not any(host.sound().values()):
            raise _Skipped("there is no sound document to try it with")
        found = ileap_sense.breaches(host.sound(), law)
        if found:
            told = [f"{one.where}: {one.text}" for one in found[:_NAMED_MAX]]
            more = len(found) - len(told)
            raise _Failed("\n".join([*told, *([f"and {more} more"] if more else [])]))

    return act


def _is_sound(kind: str, document: Mapping[str, Any]) -> bool:
    if kind != "pact":
        return bool(_validator(_type_of(kind)).is_valid(document))
    data = [one["data"] for one in document.get("extensions", ())]
    return (
        _validator("Footprint2").is_valid(document)
        and len(data) == 1
        and ("tces" not in data[0] or _validator("ShipmentFootprint").is_valid(data[0]))
    )


def _type_of(kind: str) -> str:
    return dict(zip(KINDS, ileap.TYPES, strict=True))[kind]


@cache
def _validator(name: str) -> Any:
    schemas = pact.schemas() if name.startswith("Footprint") else ileap.schemas()
    return jsonschema.Draft202012Validator({"$ref": f"#/$defs/{name}", **schemas})


def _refuse_invalid(documents: Sequence[Mapping[str, Any]], name: str, id_name: str) -> None:
    told = [
        f"{document.get(id_name)} {flaw}"
        for document in documents
        if (flaw := flaw_of(name, document))
    ]
    if told:
        more = [f"and {len(told) - _NAMED_MAX} more"] if len(told) > _NAMED_MAX else []
        raise _Failed("\n".join([*told[:_NAMED_MAX], *more]))


def flaw_of(name: str, document: Mapping[str, Any]) -> str:
    """What makes a document other than the schema of that name has it; empty if nothing does."""
    for wrong in _validator(name).iter_errors(document):
        said = json.dumps(wrong.instance, ensure_ascii=False)[:80]
        return f"{wrong.json_path}: {said}: {wrong.message[:120]}"
    return ""
