import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest

from compare import assert_documented_types, assert_interesting, assert_same_column
from expected import TIMES


def parquet(snapshot):
    return pq.read_table(snapshot.path("parquet"))


def arrow(snapshot):
    with pa.memory_map(snapshot.path("arrow")) as source:
        return ipc.open_file(source).read_all()


def test_the_data_are_worth_comparing(odd):
    assert_interesting(odd.rows)


@pytest.mark.parametrize("read", [parquet, arrow])
def test_types(snapshot, read):
    found = {field.name: field.type for field in read(snapshot).schema}
    assert_documented_types("pyarrow", snapshot.manifest, found)


@pytest.mark.parametrize("read", [parquet, arrow])
def test_every_value(snapshot, read):
    table = read(snapshot)
    for name in table.column_names:
        column = table[name].cast(pa.int64()) if name in TIMES else table[name]
        assert_same_column(name, column.to_pylist(), snapshot.column(name))


def test_arrow_is_mapped_without_a_copy(odd):
    before = pa.total_allocated_bytes()
    table = arrow(odd)
    assert table.nbytes > 1_000_000
    assert pa.total_allocated_bytes() - before < 10_000
