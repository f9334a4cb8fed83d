"""The ledger: what stands in it, what proves it, and the acts that move what it holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from flask import Response
from flask_openapi.models.tag import Tag
from pydantic import BaseModel

from fleet_carbon.services.ledger import (
    bookkeeping,
    certifying,
    claimants,
    disposing,
    locating,
    lots,
    obligations,
    peering,
    proving,
    releasing,
    selling,
    signing,
)
from fleet_carbon.services.ledger.acting import Posted
from fleet_carbon.services.people.access import Deed
from fleet_carbon.services.support.progress import Silent
from fleet_carbon.settings import Settings
from fleet_carbon.web import ledger_shapes as shapes
from fleet_carbon.web.answers import api, asked, changed, named, problems, told
from fleet_carbon.web.callers import allowed, fleet_settings
from fleet_carbon.web.shapes import Asked, Told

LEDGER = Tag(name="Ledger", description="Grams, from whom to whom; nothing is ever changed")


class _NoPath(Asked):
    """Nothing is asked for by the address."""


class _NoQuery(Asked):
    """Nothing is asked for besides."""


@dataclass(frozen=True)
class _Read:
    """A question to the ledger: address, what it is, who answers, and in which shape."""

    path: str
    summary: str
    answer: Callable[[Settings, Any, Any], Any]
    model: type[BaseModel] = Told
    of_path: type[Asked] = _NoPath
    of_query: type[Asked] = _NoQuery
    statuses: tuple[int, ...] = ()


_READS = (
    _Read(
        "/ledger/entries",
        "Entries of the ledger in their order; of a driver also what became of the grams.",
        lambda settings, _, query: bookkeeping.list_entries(
            settings,
            month=query.month or None,
            account=query.account or None,
            driver_id=query.driver_id or None,
            after=query.after,
            limit_count=query.limit,
            language=query.language,
        ),
        shapes.EntriesTold,
        of_query=shapes.EntriesQuery,
    ),
    _Read(
        "/ledger/entries/<int:sequence>/proof",
        "That an entry is in the ledger: its path to a signed root, to be checked offline.",
        lambda settings, path, _: certifying.prove_entry(settings, path.sequence),
        of_path=shapes.EntryPath,
        statuses=(404, 409),
    ),
    _Read(
        "/ledger/balances",
        "Balances as of a month and as known at a moment, and where every gram is.",
        lambda settings, _, query: bookkeeping.read_balances(
            settings,
            until_month=query.until_month or None,
            known_at=query.known_at or None,
            prefix=query.prefix or None,
        ),
        shapes.BalancesTold,
        of_query=shapes.BalancesQuery,
    ),
    _Read(
        "/ledger/serials",
        "Who holds serials now, and every entry that moved them since their issue.",
        lambda settings, _, query: locating.locate_serials(
            settings, query.serial, edition=query.edition, limit_count=query.limit
        ),
        of_query=shapes.SerialsQuery,
        statuses=(404,),
    ),
    _Read(
        "/ledger/keys",
        "The public keys that sign the ledger, each with the time in which it signs.",
        lambda settings, *_: signing.list_keys(settings),
    ),
    _Read(
        "/ledger/checkpoints",
        "Every checkpoint: its number, how many entries it covers, the signed note.",
        lambda settings, *_: certifying.list_checkpoints(settings),
    ),
    _Read(
        "/ledger/consistency",
        "That the ledger only grew between two checkpoints, to be checked offline.",
        lambda settings, _, query: certifying.prove_consistency(
            settings, (query.first, query.second)
        ),
        of_query=shapes.ConsistencyQuery,
        statuses=(404, 409),
    ),
    _Read(
        "/ledger/verification",
        "The whole ledger checked from its bytes: every row that does not hold is named.",
        lambda settings, *_: proving.check_ledger(settings),
    ),
    _Read(
        "/ledger/owed",
        "What the operator owes for figures that fell after they were sold.",
        lambda settings, *_: obligations.list_obligations(settings),
    ),
    _Read(
        "/ledger/lots",
        "Every lot as it was reserved, and how it stands.",
        lambda settings, *_: lots.list_lots(settings),
        shapes.LotsTold,
    ),
    _Read(
        "/ledger/lots/<string:lot_id>",
        "One lot as it was reserved, and how it stands.",
        lambda settings, path, _: lots.read_lot(settings, path.lot_id),
        shapes.LotsTold,
        of_path=shapes.LotPath,
        statuses=(404,),
    ),
    _Read(
        "/ledger/retirements/<string:client_id>/certificate",
        "The certificate of a retirement, signed, to be checked offline.",
        lambda settings, path, _: certifying.certify_retirement(settings, path.client_id),
        of_path=shapes.ActPath,
        statuses=(404, 409),
    ),
    _Read(
        "/ledger/claims",
        "Who reports which grams as its own: claimant, scope, period, serials, orders.",
        lambda settings, *_: claimants.list_claimants(settings),
    ),
    _Read(
        "/claims",
        "Which truck is claimed when, for whom; also what was superseded or released.",
        lambda settings, _, query: releasing.list_claims(settings, query.month),
        of_query=shapes.ClaimsQuery,
        statuses=(404,),
    ),
    _Read(
        "/peers",
        "The other platforms on record, with their keys.",
        lambda settings, *_: peering.list_peers(settings),
    ),
)


@dataclass(frozen=True)
class _Act:
    """Something that moves what the ledger holds: address, what it is, and who does it."""

    path: str
    summary: str
    do: Callable[[Settings, Any, Any], Posted]
    of_body: type[shapes.ActAsked]
    of_path: type[Asked] = _NoPath


def _how(body: Any) -> dict[str, Any]:
    return {"is_dry_run": body.dry_run, "progress": Silent()}


def _sell(settings: Settings, _: Any, body: Any) -> Posted:
    wanted = selling.SaleRequest(**body.model_dump(exclude={"dry_run"}))
    return selling.sell(settings, wanted, **_how(body))


def _claim(settings: Settings, _: Any, body: Any) -> Posted:
    asked_for = body.model_dump(exclude={"dry_run", "order_ids", "amount_g"})
    order_ids = tuple(sorted(set(body.order_ids)))
    amount_g = None if order_ids else bookkeeping.amount_of(None, body.amount_g)
    wanted = claimants.Claimed(**asked_for, amount_g=amount_g, order_ids=order_ids)
    return claimants.claim(settings, wanted, **_how(body))


def _disposal(verb: str, path: str, summary: str) -> _Act:
    def dispose(settings: Settings, _: Any, body: Any) -> Posted:
        wanted = disposing.Disposal(verb, **body.model_dump(exclude={"dry_run"}))
        return disposing.dispose(settings, wanted, **_how(body))

    is_priced = verb == "redeem"
    model = shapes.RedemptionAsked if is_priced else shapes.DisposalAsked
    return _Act(f"/ledger/{path}", summary, dispose, model)


_ACTS = (
    _Act(
        "/ledger/lots",
        "Build a lot of the oldest serials and reserve it; then settle or void it.",
        _sell,
        shapes.SaleAsked,
    ),
    _Act(
        "/ledger/lots/<string:lot_id>/settlement",
        "The buyer has paid: the serials are sold, the holders are owed the proceeds.",
        lambda settings, path, body: selling.settle(
            settings, path.lot_id, fees=body.fees, **_how(body)
        ),
        shapes.SettlementAsked,
        shapes.LotPath,
    ),
    _Act(
        "/ledger/lots/<string:lot_id>/voiding",
        "Let a reserved lot go: every serial returns to its holder.",
        lambda settings, path, body: selling.void(settings, path.lot_id, **_how(body)),
        shapes.ActAsked,
        shapes.LotPath,
    ),
    _Act(
        "/ledger/lots/<string:lot_id>/payment",
        "Record that the holders of a settled lot were paid what it owes them.",
        lambda settings, path, body: selling.pay(settings, path.lot_id, **_how(body)),
        shapes.ActAsked,
        shapes.LotPath,
    ),
    _disposal("retire", "retirements", "Use grams up on somebody's behalf, for good."),
    _disposal("cancel", "cancellations", "Declare grams void, for nobody's benefit."),
    _disposal("transfer", "transfers", "Give held grams to the account of a public good."),
    _disposal("redeem", "redemptions", "Redeem a driver's grams for vouchers."),
    _disposal("refill", "refills", "Hand units in to the buffer."),
    _Act(
        "/ledger/redemptions/<string:client_id>/delivery",
        "Record that the vouchers of a redemption were handed over.",
        lambda settings, path, body: disposing.deliver(settings, path.client_id, **_how(body)),
        shapes.ActAsked,
        shapes.ActPath,
    ),
    _Act(
        "/ledger/meetings",
        "Meet what the operator owes with units of the buffer, the oldest month first.",
        lambda settings, _, body: obligations.meet_obligations(
            settings, body.client_id, amount_g=body.amount_g, **_how(body)
        ),
        shapes.MeetingAsked,
    ),
    _Act(
        "/ledger/claims",
        "Let a shipper or fleet report grams as avoided: they are retired for it.",
        _claim,
        shapes.ClaimAsked,
    ),
)


def _name_of(verb: str, path: str) -> str:
    words = [word for word in path.strip("/").split("/") if not word.startswith("<")]
    of_one = "_of_one" if "<" in path else ""
    return f"{verb}_{'_'.join(words)}{of_one}"


def _read_route(one: _Read) -> None:
    @api.get(
        one.path,
        tags=[LEDGER],
        summary=one.summary,
        responses={200: one.model, 304: None, **problems(*one.statuses)},
    )
    @named(_name_of("read", one.path))
    @allowed(Deed.READ, audited=True)
    @asked(path=one.of_path, query=one.of_query)
    def read(path: Any, query: Any) -> Response:
        return told(one.answer(fleet_settings(), path, query).as_dict())


def _act_route(one: _Act) -> None:
    @api.post(
        one.path,
        tags=[LEDGER],
        summary=one.summary,
        responses={200: shapes.PostedTold, **problems(400, 404, 409, 413, 415)},
    )
    @named(_name_of("post", one.path))
    @allowed(Deed.SELL)
    @asked(path=one.of_path, body=one.of_body)
    def act(path: Any, body: Any) -> Response:
        return changed(lambda: one.do(fleet_settings(), path, body))


for _one in _READS:
    _read_route(_one)
for _one_act in _ACTS:
    _act_route(_one_act)


@api.post(
    "/ledger/checkpoints",
    tags=[LEDGER],
    responses={201: Told, **problems(409)},
)
@allowed(Deed.SELL)
def sign_ledger() -> Response:
    """Sign what the ledger is now, as every close does; changes nothing if it is signed."""
    return changed(lambda: signing.sign_ledger(fleet_settings()), HTTPStatus.CREATED)
