import pandas as pd
import pytest

from compare import assert_same_column
from expected import INTEGERS, TIMES


def cells(column: pd.Series) -> list:
    """Python values with None for what is missing; timestamps as microseconds."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        micros = column.astype("int64")
        return [None if missing else int(at) for at, missing in zip(micros, column.isna())]
    return [
        value if isinstance(value, list) else value.tolist() if hasattr(value, "tolist") else value
        for value in column.astype(object).where(column.notna(), None)
    ]


@pytest.fixture(scope="module")
def frame(snapshot):
    return pd.read_parquet(snapshot.path("parquet"), dtype_backend="numpy_nullable")


def test_timestamps_are_utc_microseconds(snapshot, frame):
    for read in (frame, pd.read_parquet(snapshot.path("parquet"))):
        assert [str(read[name].dtype) for name in TIMES] == ["datetime64[us, UTC]"] * 4


def test_integers_are_nullable(frame):
    assert [str(frame[name].dtype) for name in [*INTEGERS, "error_count"]] == ["Int64"] * 4
    assert frame["runs"].isna().any()


def test_other_types(frame):
    assert str(frame["is_final"].dtype) == "boolean"
    assert str(frame["queue_seconds"].dtype) == "Float64"
    assert str(frame["id"].dtype) == "string"


def test_every_value(snapshot, frame):
    assert list(frame.columns) == [column["name"] for column in snapshot.manifest["columns"]]
    for name in frame.columns:
        assert_same_column(name, cells(frame[name]), snapshot.column(name))
