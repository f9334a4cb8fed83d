"""Numbers, dates and money as people of a language write them, by the tables of CLDR."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache
from zoneinfo import ZoneInfo

from babel import Locale, dates, numbers

from fleet_carbon.statements.wording import CHINESE, ENGLISH

_LOCALES = {ENGLISH: Locale("en"), CHINESE: Locale("zh", "CN", script="Hans")}
_MONTHS = {ENGLISH: "MMMM y", CHINESE: "y年M月"}
_DAYS = {ENGLISH: "d MMM y", CHINESE: "y年M月d日"}
_MOMENTS = {ENGLISH: "d MMM y, HH:mm", CHINESE: "y年M月d日 HH:mm"}
_MINUS = "\N{MINUS SIGN}"
# Those of other languages are written as they are named.
_CHINESE_UNITS = {
    "km": "公里",
    "kg": "千克",
    "g": "克",
    "l": "升",
    "h": "小时",
    "t": "吨",
    "tkm": "吨公里",
    "days": "天",
    "years": "年",
    "kWh": "千瓦时",
    "l/h": "升/小时",
    "kg/l": "千克/升",
    "l/100 km": "升/百公里",
    "l/100 km t": "升/百吨公里",
    "km/h": "公里/小时",
    "CNY": "元",
}


def number(value: float | Decimal, digits: int, language: str) -> str:
    """A number with so many digits after the point, thousands parted.

    Examples
    --------
    >>> number(1234.5, 1, "zh"), number(-0.04, 1, "en")
    ('1,234.5', '0.0')
    """
    return f"{rounded(value, digits):,.{digits}f}".translate(_signs(language))


@cache
def _signs(language: str) -> dict[int, str]:
    """What a language writes for the signs that programs put between figures.

    Both part thousands. To have CLDR's pattern applied to each of the five hundred numbers of a
    statement took ten times as long.
    """
    locale = _LOCALES[language]
    symbols = numbers.get_group_symbol(locale), numbers.get_decimal_symbol(locale), _MINUS
    return dict(zip(map(ord, ",.-"), symbols, strict=True))


def signed(value: float | Decimal, digits: int, language: str) -> str:
    """A number with its sign, none at zero.

    Examples
    --------
    >>> signed(12.04, 1, "en"), signed(0.0, 1, "en")
    ('+12.0', '0.0')
    """
    exact = rounded(value, digits)
    return f"{'+' if exact > 0 else ''}{number(exact, digits, language)}"


def percent(share: float, language: str, digits: int = 1) -> str:
    """A share in percent.

    Examples
    --------
    >>> percent(0.2513, "en")
    '25.1%'
    """
    return f"{number(100 * share, digits, language)}%"


def money(amount: float | Decimal, currency: str, language: str) -> str:
    """An amount with the sign of its currency.

    Examples
    --------
    >>> money(8229.54, "CNY", "zh"), money(Decimal("30.86"), "CNY", "en")
    ('¥8,229.54', 'CN¥30.86')
    """
    exact = Decimal(repr(amount)) if isinstance(amount, float) else amount
    text = numbers.format_currency(exact, currency, locale=_LOCALES[language])
    return str(text).replace("-", _MINUS)


def unit(name: str, language: str) -> str:
    """A unit as it stands behind a number.

    Examples
    --------
    >>> unit("km", "zh"), unit("km", "en"), unit("%", "zh")
    ('公里', 'km', '%')
    """
    return _CHINESE_UNITS.get(name, name) if language == CHINESE else name


def month(name: str, language: str) -> str:
    """A month YYYY-MM.

    Examples
    --------
    >>> month("2026-09", "zh"), month("2026-09", "en")
    ('2026年9月', 'September 2026')
    """
    first = date.fromisoformat(f"{name}-01")
    return dates.format_date(first, format=_MONTHS[language], locale=_LOCALES[language])


def short_month(name: str, language: str) -> str:
    """A month for the axis of a chart.

    Examples
    --------
    >>> short_month("2026-09", "zh"), short_month("2026-09", "en")
    ('9月', 'Sep')
    """
    first = date.fromisoformat(f"{name}-01")
    form = "LLL" if language == ENGLISH else "M月"
    return dates.format_date(first, format=form, locale=_LOCALES[language])


def day(on: str, language: str) -> str:
    """A day YYYY-MM-DD.

    Examples
    --------
    >>> day("2026-09-01", "zh"), day("2026-09-01", "en")
    ('2026年9月1日', '1 Sep 2026')
    """
    found = date.fromisoformat(on)
    return dates.format_date(found, format=_DAYS[language], locale=_LOCALES[language])


def moment(at: datetime, zone: ZoneInfo, language: str) -> str:
    """An aware moment, in the civil time of a zone."""
    local = at.astimezone(zone)
    form = _MOMENTS[language]
    return dates.format_datetime(local, format=form, tzinfo=zone, locale=_LOCALES[language])


def moment_of(at: str, zone: ZoneInfo, language: str) -> str:
    """A moment of ISO 8601 with an offset, in the civil time of a zone.

    Examples
    --------
    >>> moment_of("2026-09-01T16:05:00+00:00", ZoneInfo("Asia/Shanghai"), "zh")
    '2026年9月2日 00:05'
    """
    return moment(datetime.fromisoformat(at), zone, language)


def rounded(value: float | Decimal, digits: int) -> Decimal:
    """A number rounded half to even, without a negative zero."""
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    found = exact.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_EVEN)
    return found if found else abs(found)


def shown_parts(parts: Sequence[float], total: float, digits: int) -> list[Decimal]:
    """Parts rounded so that they add up to their rounded total: the largest remainder.

    Parameters
    ----------
    parts : sequence of float
        What adds up to `total`; each may be negative.
    total : float
        Their sum.
    digits : int
        Digits after the point.

    Returns
    -------
    shown : list of Decimal
        In the order of the parts; none differs from its part by a whole last digit.

    Examples
    --------
    >>> [str(one) for one in shown_parts([0.25, 0.25, 0.5], 1.0, 1)]
    ['0.3', '0.2', '0.5']
    """
    step = Decimal(1).scaleb(-digits)
    exact = [Decimal(repr(float(part))) / step for part in parts]
    floors = [one.to_integral_value("ROUND_FLOOR") for one in exact]
    left = int(rounded(total, digits) / step - sum(floors))
    by_loss = sorted(range(len(parts)), key=lambda place: floors[place] - exact[place])
    for place in by_loss[: max(0, left)]:
        floors[place] += 1
    return [one * step + 0 for one in floors]
