"""Texts of a column as values of its declared type; what does not fit is counted by row, never shown.

Runs in: ingest host
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from workbench.ingest.tables.declaration import Column

BOOLEANS = {
    "true": True, "t": True, "yes": True, "y": True, "1": True, "false": False, "f": False, "no": False, "n": False,
    "0": False,
}  # fmt: skip
OLDEST_AGE, LONGEST_LIFE = 89, 130
LARGEST_INTEGER = 2**53
ISO_DATE = r"\d{4}-?\d{2}-?\d{2}(?:[T ].*)?"
COMMA_DECIMAL = r"[+-]?\d+,\d+"


@dataclass(frozen=True)
class Converted:
    """A piece of a column.

    Parameters
    ----------
    values : pandas.Series or None
        Typed values; nothing when some do not fit.
    code, reason : str
        Why not.
    wrong : tuple of int
        Places (from 0) of the values that do not fit.
    """

    values: Any
    code: str = ""
    reason: str = ""
    wrong: tuple[int, ...] = ()


def convert(texts: Any, column: Column, decimal: str) -> Converted:
    """Give a series of texts as values of the column's type.

    Parameters
    ----------
    texts : pandas.Series of str
        A piece of the column; a missing value is an empty text.
    column : Column
        What is declared.
    decimal : str
        `.` or `,`.
    """
    import numpy as np  # noqa: PLC0415 - heavy, loaded on first use
    import pandas as pd  # noqa: PLC0415 - heavy, loaded on first use

    # Each different text is looked at once; the columns of real tables hold few.
    places, different = pd.factorize(texts.fillna(""))
    made = _convert(pd.Series(np.asarray(different, object), dtype="str").str.strip(), column, decimal)
    if made.wrong:
        wrong = np.isin(places, made.wrong).nonzero()[0].tolist()
        return Converted(None, made.code, made.reason, tuple(wrong))
    return Converted(made.values.take(places).set_axis(texts.index))


def _convert(texts: Any, column: Column, decimal: str) -> Converted:
    is_missing = texts.eq("") | texts.isin(list(column.missing))
    known = texts.where(~is_missing)
    if column.type in ("subject", "id", "text"):
        wrong = is_missing if column.type == "subject" else is_missing & False
        return _checked(known, wrong, "missing-subject", "no subject; every row needs one")
    if column.type == "code":
        values = known.map(dict(column.values or {}))
        return _checked(values, values.isna() & ~is_missing, "unknown-code", "a value that is not declared")
    if column.type == "boolean":
        values = known.str.casefold().map(BOOLEANS)
        return _checked(values.astype("boolean"), values.isna() & ~is_missing, "wrong-type", "no yes or no")
    if column.type == "date":
        return _dates(known, is_missing, column.format)
    return _numbers(known, is_missing, column, decimal)


def _numbers(known: Any, is_missing: Any, column: Column, decimal: str) -> Converted:
    import numpy as np  # noqa: PLC0415 - heavy, loaded on first use
    import pandas as pd  # noqa: PLC0415 - heavy, loaded on first use

    plain = known.str.replace(",", ".", regex=False) if decimal == "," else known
    values = pd.to_numeric(plain, errors="coerce").astype("float64")
    wrong = (~np.isfinite(values)) & ~is_missing
    if wrong.any() and decimal == "." and known[wrong].str.fullmatch(COMMA_DECIMAL).all():
        return _checked(values, wrong, "decimal-comma", 'a decimal comma; declare `decimal: ","`')
    if column.type == "integer":
        wrong |= (values.mod(1) != 0) & ~is_missing | (values.abs() > LARGEST_INTEGER)
        return _checked(values.where(~wrong).astype("Int64"), wrong, "wrong-type", "no whole number")
    if column.type == "age":
        wrong |= (values < 0) | (values > LONGEST_LIFE)
        # Everybody above 89 is one group (45 CFR 164.514(b)(2)(i)(C)).
        values = values.mask(values > OLDEST_AGE, OLDEST_AGE + 1.0)
        return _checked(values, wrong, "wrong-type", "no age in years")
    return _checked(values, wrong, "wrong-type", "no number")


def _dates(known: Any, is_missing: Any, form: str) -> Converted:
    import pandas as pd  # noqa: PLC0415 - heavy, loaded on first use

    if form:
        values = pd.to_datetime(known, format=form, errors="coerce")
        return _checked(values, values.isna() & ~is_missing, "wrong-type", "no date of the declared format")
    plain = known.where(known.str.fullmatch(ISO_DATE).fillna(False).astype(bool))
    plain = plain.str.replace("-", "", n=2, regex=False).str.slice(0, 8)
    values = pd.to_datetime(plain, format="%Y%m%d", errors="coerce")
    reason = "no date like 2019-05-23; declare how dates are written, such as `format: '%d.%m.%Y'`"
    return _checked(values, values.isna() & ~is_missing, "wrong-type", reason)


def _checked(values: Any, wrong: Any, code: str, reason: str) -> Converted:
    places = tuple(wrong.to_numpy(dtype=bool).nonzero()[0].tolist())
    return Converted(None, code, reason, places) if places else Converted(values)


def generalised(values: Any, column: Column) -> Any:
    """Give numbers as the declared groups or multiples; what lies outside the groups is missing.

    >>> import pandas as pd
    >>> column = Column("age", "age", "age", "quasi", bins=(0, 50, 70))
    >>> generalised(pd.Series([49.5, 50, 71]), column).tolist()
    ['0-50', '50-70', None]
    """
    import numpy as np  # noqa: PLC0415 - heavy, loaded on first use
    import pandas as pd  # noqa: PLC0415 - heavy, loaded on first use

    if column.bins:
        labels = np.array(
            [f"{low:g}-{high:g}" for low, high in zip(column.bins, column.bins[1:], strict=False)] + [None], object
        )
        numbers = values.astype("float64").to_numpy(na_value=np.nan)
        place = np.searchsorted(np.array(column.bins), numbers, side="right") - 1
        outside = (place < 0) | (place >= len(column.bins) - 1)
        return pd.Series(labels[np.where(outside, len(labels) - 1, place)], index=values.index, dtype=object)
    if column.round:
        rounded = (values.astype("float64") / column.round).round() * column.round
        return rounded.astype("Int64") if column.type == "integer" and column.round % 1 == 0 else rounded
    return values
