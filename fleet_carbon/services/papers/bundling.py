"""What an auditor takes along of a driver's month: the proof, its chain, and what it rests on."""

from __future__ import annotations

import io
import json
import zipfile
from contextlib import closing

import pandas as pd

from fleet_carbon.frames import LEGS, ORDER_RESULTS
from fleet_carbon.periods import parse_month
from fleet_carbon.services.accounts import explaining
from fleet_carbon.services.accounts.leg_fixes import fixes_of
from fleet_carbon.services.accounts.mapping import legs_of, trace_of_month
from fleet_carbon.services.ledger import proving
from fleet_carbon.services.support.runs import latest_run
from fleet_carbon.settings import Settings
from fleet_carbon.statements import tables
from fleet_carbon.storage.unit_of_work import open_storage

_FIRST_DAY_OF_ZIP = (1980, 1, 1, 0, 0, 0)  # no moment: the same records give the same bytes
_READ_ME = """\
statement.json  what was credited, signed. Check it: python checker.py statement.json
evidence.json   every number of it, step by step, with its sources and the files received
legs.csv        the legs of the month: loaded or empty and why, km, litres
orders.csv      the orders of the trucks: proven or not and why
fixes.csv       every position received during the legs; `dropped` says why one counts for nothing
checker.py      the check, which needs only Python and the package cryptography

statement.json  已签名的入账结果。核验：python checker.py statement.json
evidence.json   每个数字的逐步依据、来源及收到的文件
legs.csv        本月行程：重载或空驶及依据、里程、油耗
orders.csv      车辆的运单：是否证明及原因
fixes.csv       行程中收到的全部轨迹点；dropped 说明不计入的原因
checker.py      核验程序，只需 Python 和 cryptography
"""


def audit_bundle(settings: Settings, driver_id: str, month: str, *, language: str) -> bytes:
    """A zip of the signed statement, its evidence, and the legs, orders and fixes behind it.

    Parameters
    ----------
    settings : Settings
        Where the fleet's records are.
    driver_id : str
        The driver.
    month : str
        YYYY-MM, closed.
    language : str
        Of the evidence: ``en`` or ``zh``.

    Raises
    ------
    NotFound
        If the driver has no account in the month, or it was never closed.
    """
    proof = proving.prove_account(settings, driver_id, month)
    told = explaining.explain_account(settings, driver_id, month, language=language).as_dict()
    legs, orders, fixes = _behind(settings, driver_id, month)
    members = {
        "README.txt": _READ_ME.encode(),
        "statement.json": proof.text().encode(),
        "evidence.json": f"{json.dumps(told, ensure_ascii=False, indent=1)}\n".encode(),
        "legs.csv": tables.to_bytes(legs, LEGS, "csv"),
        "orders.csv": tables.to_bytes(orders, ORDER_RESULTS, "csv"),
        "fixes.csv": fixes.to_csv(index=False, lineterminator="\n").encode(),
        "checker.py": proving.checker_script().encode(),
    }
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in members.items():
            bundle.writestr(zipfile.ZipInfo(name, _FIRST_DAY_OF_ZIP), content, zipfile.ZIP_DEFLATED)
    return packed.getvalue()


def _behind(
    settings: Settings, driver_id: str, name: str
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """The legs of a driver, the orders of their trucks, and the fixes of the legs."""
    with closing(open_storage(settings)) as storage, storage.begin(read_only=True) as work:
        month = parse_month(name, storage.zone)
        run = latest_run(work, str(month))
        own = work.closings.rows_of_driver(run, "legs", driver_id)
        legs, orders, fixes = [], [], []
        for vehicle_id in sorted(set(own["vehicle_id"].tolist())):
            of_truck = legs_of(work, run, vehicle_id)
            of_truck = of_truck[of_truck["driver_id"] == driver_id]
            legs.append(of_truck)
            orders.append(
                work.closings.rows_with(run, "order_results", column="vehicle_id", value=vehicle_id)
            )
            trace = trace_of_month(work, settings, month, vehicle_id=vehicle_id)
            if trace is not None:
                found = fixes_of(trace, of_truck)
                found.insert(0, "vehicle_id", vehicle_id)
                fixes.append(found)
    return _together(legs, LEGS.names), _together(orders, ORDER_RESULTS.names), _together(fixes, [])


def _together(parts: list[pd.DataFrame], names: list[str]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=names)
