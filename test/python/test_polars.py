import polars as pl
import pytest

from compare import assert_documented_types, assert_same_column
from expected import TIMES


def parquet(snapshot):
    return pl.read_parquet(snapshot.path("parquet"))


def arrow(snapshot):
    return pl.read_ipc(snapshot.path("arrow"))


@pytest.mark.parametrize("read", [parquet, arrow])
def test_types(snapshot, read):
    assert_documented_types("polars", snapshot.manifest, dict(read(snapshot).schema))


@pytest.mark.parametrize("read", [parquet, arrow])
def test_every_value(snapshot, read):
    frame = read(snapshot)
    for name in frame.columns:
        column = frame[name]
        if name in TIMES:
            column = column.dt.epoch("us")
        assert_same_column(name, column.to_list(), snapshot.column(name))
