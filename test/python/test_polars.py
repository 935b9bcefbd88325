import polars as pl
import pytest

from compare import assert_same_column
from expected import INTEGERS, STRINGS, TIMES

TYPES = {
    **dict.fromkeys([*STRINGS, "sequence", "variables", "extra"], pl.String),
    **dict.fromkeys([*INTEGERS, "error_count"], pl.Int64),
    **dict.fromkeys(TIMES, pl.Datetime("us", "UTC")),
    **dict.fromkeys(["queue_seconds", "run_seconds", "total_seconds"], pl.Float64),
    "is_final": pl.Boolean,
    "errors": pl.List(pl.String),
    "anomalies": pl.List(pl.String),
}


def parquet(snapshot):
    return pl.read_parquet(snapshot.path("parquet"))


def arrow(snapshot):
    return pl.read_ipc(snapshot.path("arrow"))


@pytest.mark.parametrize("read", [parquet, arrow])
def test_types(snapshot, read):
    assert dict(read(snapshot).schema) == TYPES


@pytest.mark.parametrize("read", [parquet, arrow])
def test_every_value(snapshot, read):
    frame = read(snapshot)
    for name in frame.columns:
        column = frame[name]
        if name in TIMES:
            column = column.dt.epoch("us")
        assert_same_column(name, column.to_list(), snapshot.column(name))
