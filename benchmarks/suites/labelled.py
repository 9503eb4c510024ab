"""A table with a label column, for turning classification into a bandit."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from policies.policy import Floats, PolicyError

LABEL = "label"


def read(file: str | Path, label: str = LABEL) -> tuple[Floats, pd.Series]:
    """Features and labels of a Parquet, CSV or ARFF file.

    Numbers are standardised; every other column becomes one column a value. Rows with a gap are left out.

    Returns:
        (n, d) features without a constant, and (n,) labels.

    Raises:
        PolicyError: the file is not there, is of another kind, or has no column of that name; or ARFF is to be read
            without the extra `arff`.
    """
    table = _table(Path(file)).dropna()
    if label not in table:
        raise PolicyError(f"{file} must have a column {label!r}, got {', '.join(map(str, table.columns))}")
    labels, columns = table[label].astype(str), table.drop(columns=label)
    wide = pd.get_dummies(columns).astype(float)
    numbers = wide.columns.intersection(columns.columns)
    spread = wide[numbers].std().replace(0.0, 1.0)
    wide[numbers] = (wide[numbers] - wide[numbers].mean()) / spread
    return wide.to_numpy(), labels


def _table(file: Path) -> pd.DataFrame:
    if not file.is_file():
        raise PolicyError(f"data must be a Parquet, CSV or ARFF file, got {str(file)!r}, which is none")
    if file.suffix == ".parquet":
        return pd.read_parquet(file)
    if file.suffix == ".arff":
        return _attributes(file)
    return pd.read_csv(file)


def _attributes(file: Path) -> pd.DataFrame:
    try:
        import arff
    except ModuleNotFoundError:
        raise PolicyError("ARFF files require liac-arff. Install it with pip install launchsim[arff]") from None
    try:
        with file.open(encoding="utf-8") as lines:
            found = arff.load(lines)
    except (arff.ArffException, UnicodeDecodeError) as reason:
        raise PolicyError(f"{file}: {' '.join(str(reason).split())}") from None
    return pd.DataFrame(found["data"], columns=[name for name, _ in found["attributes"]])
