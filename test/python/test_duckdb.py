import contextlib
import os
from pathlib import Path

import duckdb
import pytest

from compare import assert_documented_types, assert_same_column
from expected import TIMES


@pytest.fixture(scope="module", params=["parquet", "ndjson"])
def table(request, snapshot):
    """The view that `load.sql` makes, with the snapshot as working folder; for NDJSON in one that has no Parquet."""
    with contextlib.chdir(snapshot.folder if request.param == "parquet" else snapshot.lines):
        connection = duckdb.connect()
        connection.execute("SET TimeZone = 'America/New_York'")
        connection.execute(Path("load.sql").read_text(encoding="utf-8"))
        yield connection.table("jobs")


def test_version():
    """The one that `run` means: two are tested side by side, and a search path decides which."""
    assert duckdb.__version__ == os.environ["DUCKDB"]


def test_types(snapshot, table):
    assert_documented_types("DuckDB", snapshot.manifest, dict(zip(table.columns, table.types)))


def test_every_value(snapshot, table):
    for name in table.columns:
        cell = f"epoch_us({name})" if name in TIMES else name
        found = [value for (value,) in table.project(cell).fetchall()]
        assert_same_column(name, found, snapshot.column(name))
