import re
from pathlib import Path

import pandas as pd
import polars as pl

from compare import assert_same_column
from expected import TIMES, as_time, exact

WRITTEN = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z")


def micros(texts: list) -> list:
    assert all(text is None or WRITTEN.fullmatch(text) for text in texts)
    return [text and as_time(text) for text in texts]


def test_every_value(snapshot):
    text = Path(snapshot.path("ndjson")).read_text(encoding="utf-8")
    assert text.endswith("\n")
    # Splits at U+2028 and its like as well, which must not stand in a line as they are.
    rows = [exact(line) for line in text.splitlines()]
    names = [column["name"] for column in snapshot.manifest["columns"]]
    assert all(list(row) == names for row in rows)
    for name in names:
        found = [row[name] for row in rows]
        assert_same_column(name, micros(found) if name in TIMES else found, snapshot.column(name))


def test_pandas(snapshot):
    frame = pd.read_json(
        snapshot.path("ndjson"), lines=True, engine="pyarrow", dtype_backend="pyarrow"
    )
    assert str(frame["runs"].dtype) == "int64[pyarrow]"
    for name in frame.columns:
        found = frame[name].array.__arrow_array__().to_pylist()
        assert_same_column(name, micros(found) if name in TIMES else found, snapshot.column(name))


def test_polars(snapshot):
    schema = pl.read_parquet(snapshot.path("parquet")).schema
    frame = pl.read_ndjson(snapshot.path("ndjson"), schema=schema)
    for name in frame.columns:
        column = frame[name].dt.epoch("us") if name in TIMES else frame[name]
        assert_same_column(name, column.to_list(), snapshot.column(name))
