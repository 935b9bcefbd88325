import duckdb
import pytest

from compare import assert_same_column
from expected import INTEGERS, STRINGS, TIMES

TYPES = {
    **dict.fromkeys([*STRINGS, "sequence", "variables", "extra"], "VARCHAR"),
    **dict.fromkeys([*INTEGERS, "error_count"], "BIGINT"),
    **dict.fromkeys(TIMES, "TIMESTAMP WITH TIME ZONE"),
    **dict.fromkeys(["queue_seconds", "run_seconds", "total_seconds"], "DOUBLE"),
    "is_final": "BOOLEAN",
    "errors": "VARCHAR[]",
    "anomalies": "VARCHAR[]",
}


@pytest.fixture(scope="module")
def table(snapshot):
    return duckdb.connect().read_parquet(snapshot.path("parquet"))


def test_types(table):
    assert dict(zip(table.columns, map(str, table.types))) == TYPES


def test_every_value(snapshot, table):
    for name in table.columns:
        cell = f"epoch_us({name})" if name in TIMES else name
        found = [value for (value,) in table.project(cell).fetchall()]
        assert_same_column(name, found, snapshot.column(name))
