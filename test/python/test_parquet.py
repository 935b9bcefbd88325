"""What the footer of jobs.parquet tells readers about its pages, and the reader that shares least with the others."""

import re

import fastparquet
import pyarrow.parquet as pq
import pytest

from compare import assert_same_column
from expected import INTEGERS, STRINGS, TIMES

# parquet-mr's VersionParser
CREATED_BY = re.compile(r"(.*?)\s+version\s*(?:([^(]*?)\s*(?:\(\s*build\s*([^)]*?)\s*\))?)?")


@pytest.fixture(scope="module")
def metadata(odd):
    return pq.read_metadata(odd.path("parquet"))


def chunks(metadata):
    group = metadata.row_group(0)
    return {group.column(i).path_in_schema: group.column(i) for i in range(group.num_columns)}


def test_version_of_the_writer(odd, metadata):
    name, version, _ = CREATED_BY.fullmatch(metadata.created_by).groups()
    assert (name, version) == ("pasqal-jobs-export", odd.manifest["tool"]["version"])


def test_compression(metadata):
    assert {chunk.compression for chunk in chunks(metadata).values()} == {"ZSTD"}


def test_dictionaries_where_they_pay(metadata):
    found = {name for name, chunk in chunks(metadata).items() if chunk.has_dictionary_page}
    assert {"project_id", "batch_id", "status", "errors.list.element"} <= found
    assert "id" not in found


def test_statistics(odd, metadata):
    assert metadata.num_row_groups == 1
    for name in [*STRINGS, *INTEGERS, "error_count", "sequence", "queue_seconds", "is_final"]:
        statistics = chunks(metadata)[name].statistics
        values = [value for value in odd.column(name) if value is not None]
        assert statistics.null_count == len(odd.rows) - len(values)
        if not values:
            assert not statistics.has_min_max
        elif isinstance(values[0], str):
            raw = [value.encode() for value in values]
            least, most = statistics.min.encode(), statistics.max.encode()
            assert min(raw).startswith(least) and len(least) <= 64
            assert most == max(raw) or (most > max(raw) and len(max(raw)) > 64)
        else:
            assert (statistics.min, statistics.max) == (min(values), max(values))


def test_order_is_claimed_where_it_is_kept(odd, metadata):
    keys = [(row["created_at"], row["id"].encode()) for row in odd.rows]
    names = metadata.schema.names
    claimed = [(names[sort.column_index], sort.descending) for sort in metadata.row_group(0).sorting_columns]
    assert claimed == ([("created_at", False), ("id", False)] if keys == sorted(keys) else [])


def test_fastparquet(snapshot):
    frame = fastparquet.ParquetFile(snapshot.path("parquet")).to_pandas()
    assert list(frame.columns) == [column["name"] for column in snapshot.manifest["columns"]]
    for name in {*STRINGS, "sequence", "variables"} & set(frame.columns):
        found = frame[name].astype(object).where(frame[name].notna(), None)
        assert_same_column(name, found.tolist(), snapshot.column(name))
    for name in TIMES:
        missing = frame[name].isna()
        # It knows no time zones: UTC comes out as a time without one.
        micros = frame[name].astype("datetime64[us]").astype("int64")
        found = [None if gone else int(at) for at, gone in zip(micros, missing)]
        assert_same_column(name, found, snapshot.column(name))
