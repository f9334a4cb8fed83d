"""What joining changed for others, put on top of what a driver has done since he joined.

Of who joined without months on record nobody saw what he did before. How he drives since is on
record, and of others of his class both are: what these drove more for the same work before they
joined than since, added to what he drives now, tells what he would do without the platform, as
surely as it tells it of them. Those who changed nothing are among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from fleet_carbon.periods import Month
from fleet_carbon.quantification.counterfactual import Baseline, BaselineRules, believed_scatter
from fleet_carbon.quantification.lanes import first_days, months_of_joining
from fleet_carbon.quantification.month_scatter import MonthScatters
from fleet_carbon.quantification.own_months import oldest_counted
from fleet_carbon.quantification.savings import empty_share

SINCE_JOINING = "since_joining"
_OF_DRIVER = ["vehicle_class", "driver_id"]
_KM = ["loaded_km", "empty_km", "unknown_km"]
_SUMMED = [*_KM, "transport_work_tkm", "capacity_tkm"]
_Key = tuple[str, str]


@dataclass(frozen=True)
class _Others:
    """Of a class or of one driver: how many there are, and sums over them.

    Attributes
    ----------
    drivers_count : float
        Drivers of whom months before and since joining are on record.
    loaded_km_ratio, empty_km_ratio : float
        By how much more kilometres the same work took before joining, per kilometre that it
        takes at full payload.
    empty_square, payload_square : float
        Squares of what the shares told so lie off those before joining, relative.
    luck_square : float
        Sums of squared weights of months on either side: what luck of a month has in these.
    """

    drivers_count: float = 0.0
    loaded_km_ratio: float = 0.0
    empty_km_ratio: float = 0.0
    empty_square: float = 0.0
    payload_square: float = 0.0
    luck_square: float = 0.0

    def without(self, one: _Others) -> _Others:
        """All but one of them."""
        pairs = zip(vars(self).values(), vars(one).values(), strict=True)
        return _Others(*(whole - part for whole, part in pairs))


@dataclass(frozen=True)
class Changes:
    """What joining changed, by class and by driver, and what everybody has driven since.

    Attributes
    ----------
    by_class : mapping of str to _Others
        All drivers of the class of whom both sides of joining are on record.
    by_driver : mapping of (str, str) to _Others
        The part of each class and driver in them.
    since : DataFrame
        Kilometres and work of every driver and class since joining.
    from_on : mapping of str to str
        First day of the data of each class.
    scatters : MonthScatters
        How months of a driver differ.
    rules : BaselineRules
        Section `baseline` of the edition.
    """

    by_class: Mapping[str, _Others]
    by_driver: Mapping[_Key, _Others]
    since: pd.DataFrame
    from_on: Mapping[str, str]
    scatters: MonthScatters
    rules: BaselineRules

    @classmethod
    def of_lanes(
        cls,
        lanes: pd.DataFrame,
        joined_month: Mapping[str, str],
        *,
        month: Month,
        scatters: MonthScatters,
        rules: BaselineRules,
    ) -> Changes:
        """From all drivers of whom it is known when they joined.

        Parameters
        ----------
        lanes : DataFrame
            `frames.LANES` of earlier months.
        joined_month : mapping of str to str
            Month of joining by driver, YYYY-MM; others tell nothing.
        month : Month
            The month accounted; months too long before it do not count.
        scatters : MonthScatters
            How months of a driver differ.
        rules : BaselineRules
            Section `baseline` of the edition. On either side of joining a driver needs the
            kilometres of an own history.
        """
        joined = months_of_joining(lanes, joined_month)
        oldest = oldest_counted(month, rules)
        is_in = (joined != "") & (lanes["month"] >= oldest) & (lanes["month"] < str(month))
        rows = lanes.loc[is_in.to_numpy(bool)]
        is_since = (rows["month"] >= joined.loc[rows.index]).to_numpy(bool)
        since = _sums(rows.loc[is_since], _OF_DRIVER)
        before = _sums(rows.loc[~is_since], _OF_DRIVER)
        by_driver = _changes(_driven(before, rules), _driven(since, rules))
        return cls(
            by_class={str(name): _Others(*row) for name, *row in _summed(by_driver)},
            by_driver={key: _Others(*row) for key, row in _rows(by_driver)},
            since=since,
            from_on=first_days(rows),
            scatters=scatters,
            rules=rules,
        )

    def baselines(self, lanes: pd.DataFrame) -> dict[tuple[str, ...], Baseline]:
        """What it tells of the accounts of the month, by driver and truck.

        Parameters
        ----------
        lanes : DataFrame
            `frames.LANES` of the month accounted, of drivers who have joined.

        Notes
        -----
        With ``v = 1 / u`` loaded and ``w = r / u`` empty kilometres per kilometre at full payload:
        ``v0 = v + mean of others (v before - v since)``, likewise w, and ``u0 = 1 / v0``,
        ``r0 = w0 / v0`` (difference in differences). So a kilometre that a driver drives for
        nothing raises what he is compared with by no more than itself.

        Standard uncertainty: how far this lies off for the others, less what the luck of months
        does to them, drawn to the edition's scatter of drivers, times ``sqrt(1 + 1 / n)``: one
        driver's change differs from the others' as these do from one another. Luck of the
        driver's own months, and of the others' in their mean, is added in squares.

        References
        ----------
        J.D. Angrist, J.-S. Pischke, Mostly Harmless Econometrics, 2009, section 5.2.
        """
        now = _sums(lanes, [*_OF_DRIVER, "vehicle_id"])
        of_driver = pd.MultiIndex.from_tuples([key[:2] for key in now.index], names=_OF_DRIVER)
        earlier_months = self.since.reindex(of_driver).fillna(0.0).to_numpy(np.float64)
        found: dict[tuple[str, ...], Baseline] = {}
        for names, ratios in _rows(_driven(now + earlier_months, self.rules)):
            class_id, driver_id, vehicle_id = names
            one = self._of_driver((class_id, driver_id), *ratios)
            if one is not None:
                found[driver_id, vehicle_id] = one
        return found

    def _of_driver(
        self, key: _Key, loaded_km_ratio: float, empty_km_ratio: float, luck_square: float
    ) -> Baseline | None:
        class_id, driver_id = key
        others = self.by_class.get(class_id, _Others()).without(self.by_driver.get(key, _Others()))
        count = others.drivers_count
        if count < self.rules.cohort_driver_count_min:
            return None
        loaded_km_ratio += others.loaded_km_ratio / count
        empty_km_ratio += others.empty_km_ratio / count
        if loaded_km_ratio <= 0 or empty_km_ratio <= 0:
            return None
        usual = self.scatters.of_others(class_id, driver_id)
        empty_standard, payload_standard = (
            self._standard_share(others, square, luck_square=luck_square, month_share=share)
            for square, share in (
                (others.empty_square, usual.empty_share),
                (others.payload_square, usual.payload_share),
            )
        )
        return Baseline(
            source=SINCE_JOINING,
            empty_share=empty_share(empty_km_ratio / loaded_km_ratio),
            payload_utilisation_share=1 / loaded_km_ratio,
            efficiency_index=None,
            from_on=self.from_on[class_id],
            empty_standard_share=empty_standard,
            payload_standard_share=payload_standard,
            sample_count=int(count),
            of_orders_share=1.0,
        )

    def _standard_share(
        self, others: _Others, square: float, *, luck_square: float, month_share: float
    ) -> float:
        """How far what is told of a driver lies off, from how far it lies off for the others."""
        count = others.drivers_count
        of_luck = others.luck_square / count * month_share**2
        scatter = believed_scatter(
            max(0.0, square / (count - 1) - of_luck),
            count - 1,
            prior_share=self.rules.driver_scatter_share,
            prior_count=self.rules.scatter_weight_count,
        )
        own_luck = luck_square * month_share**2
        return float(np.sqrt(scatter**2 * (1 + 1 / count) + own_luck + of_luck / count))


def _sums(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """Kilometres and work of all months, and the sum of the squares of their kilometres."""
    is_work = (rows["transport_work_tkm"] > 0) & (rows["capacity_tkm"] > 0)
    months = rows.loc[is_work.to_numpy(bool)].groupby([*by, "month"])[_SUMMED].sum()
    squares = months[_KM].sum(axis=1) ** 2
    return months.assign(square_km2=squares).groupby(by).sum()


def _driven(sums: pd.DataFrame, rules: BaselineRules) -> pd.DataFrame:
    """Loaded and empty km per km at full payload, and how much of luck of months is in them.

    Unknown kilometres count as driven and not as empty, as in every baseline.
    """
    driven_km = sums[_KM].sum(axis=1)
    luck = sums["square_km2"] / driven_km**2
    loaded = sums["capacity_tkm"] / sums["transport_work_tkm"]
    empty = loaded * sums["empty_km"] / (sums["loaded_km"] + sums["unknown_km"])
    found = pd.DataFrame({"loaded": loaded, "empty": empty, "luck": luck})
    return found.loc[(driven_km >= rules.own_history_km_min).to_numpy(bool)]


def _changes(before: pd.DataFrame, since: pd.DataFrame) -> pd.DataFrame:
    """By class and driver the fields of `_Others`, from ratios before and since joining."""
    told = before.join(since.add_suffix("_since"), how="inner")
    more = {name: told[name] - told[f"{name}_since"] for name in ("loaded", "empty")}
    loaded, empty = (
        told[f"{name}_since"] + one.groupby(level="vehicle_class").transform("mean")
        for name, one in more.items()
    )
    share_before = told["empty"] / (told["empty"] + told["loaded"])
    found = pd.DataFrame(
        {
            "drivers_count": 1.0,
            "loaded_km_ratio": more["loaded"],
            "empty_km_ratio": more["empty"],
            # Of the shares before joining beside those told, as which they will be relative.
            "empty_square": (share_before * (empty + loaded) / empty - 1) ** 2,
            "payload_square": (loaded / told["loaded"] - 1) ** 2,
            "luck_square": told["luck"] + told["luck_since"],
        }
    )
    # Of others nothing would be told either.
    return found.loc[((loaded > 0) & (empty > 0)).to_numpy(bool)]


def _summed(by_driver: pd.DataFrame) -> Iterable[tuple[Any, ...]]:
    return by_driver.groupby(level="vehicle_class").sum().itertuples(name=None)


def _rows(by_driver: pd.DataFrame) -> Iterable[tuple[Any, tuple[Any, ...]]]:
    values = by_driver.itertuples(index=False, name=None)
    return zip(by_driver.index.tolist(), values, strict=True)
