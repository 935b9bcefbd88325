import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest

from compare import assert_interesting, assert_same_column
from expected import INTEGERS, STRINGS, TIMES

TIME = pa.timestamp("us", tz="UTC")
TYPES = {
    **dict.fromkeys([*STRINGS, "sequence", "variables", "extra"], pa.string()),
    **dict.fromkeys([*INTEGERS, "error_count"], pa.int64()),
    **dict.fromkeys(TIMES, TIME),
    **dict.fromkeys(["queue_seconds", "run_seconds", "total_seconds"], pa.float64()),
    "is_final": pa.bool_(),
    "errors": pa.list_(pa.string()),
    "anomalies": pa.list_(pa.string()),
}


def parquet(snapshot):
    return pq.read_table(snapshot.path("parquet"))


def arrow(snapshot):
    with pa.memory_map(snapshot.path("arrow")) as source:
        return ipc.open_file(source).read_all()


def plain(kind: pa.DataType) -> pa.DataType:
    """The type without what a list calls its items, and without the JSON mark on a string."""
    if pa.types.is_list(kind):
        return pa.list_(kind.value_type)
    return kind.storage_type if isinstance(kind, pa.BaseExtensionType) else kind


def test_the_data_are_worth_comparing(snapshot):
    assert_interesting(snapshot.rows)


@pytest.mark.parametrize("read", [parquet, arrow])
def test_types(snapshot, read):
    schema = read(snapshot).schema
    assert schema.names == [column["name"] for column in snapshot.manifest["columns"]]
    assert {field.name: plain(field.type) for field in schema} == TYPES


@pytest.mark.parametrize("read", [parquet, arrow])
def test_every_value(snapshot, read):
    table = read(snapshot)
    for name, kind in TYPES.items():
        column = table[name]
        if kind == TIME:
            column = column.cast(pa.int64())
        assert_same_column(name, column.to_pylist(), snapshot.column(name))
