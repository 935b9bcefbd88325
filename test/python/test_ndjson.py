import json
import re
from pathlib import Path

import pandas as pd
import polars as pl
import pytest

from compare import JSON_COLUMNS, assert_same_values
from expected import TIMES, as_time, exact

WRITTEN = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z")


def lines(snapshot) -> list[str]:
    text = Path(snapshot.path("ndjson")).read_text(encoding="utf-8")
    assert text.endswith("\n")
    return text.split("\n")[:-1]


def micros(texts: list) -> list:
    assert all(text is None or WRITTEN.fullmatch(text) for text in texts)
    return [text and as_time(text) for text in texts]


def test_every_value(snapshot):
    rows = [exact(line) for line in lines(snapshot)]
    names = [column["name"] for column in snapshot.manifest["columns"]]
    assert all(list(row) == names for row in rows)
    for name in names:
        found = [row[name] for row in rows]
        found = micros(found) if name in TIMES else found
        assert_same_values(name, found, snapshot.column(name))


@pytest.fixture(scope="module")
def flat(snapshot, tmp_path_factory):
    """The same lines without the nested columns, whose free shapes and huge numbers no table reader takes."""
    path = tmp_path_factory.mktemp("flat") / "jobs.ndjson"
    rows = [json.loads(line) for line in lines(snapshot)]
    kept = [{name: row[name] for name in row if name not in JSON_COLUMNS} for row in rows]
    path.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
    return str(path)


def test_pandas(snapshot, flat):
    frame = pd.read_json(flat, lines=True, engine="pyarrow", dtype_backend="pyarrow")
    assert str(frame["runs"].dtype) == "int64[pyarrow]"
    for name in frame.columns:
        found = frame[name].array.__arrow_array__().to_pylist()
        found = micros(found) if name in TIMES else found
        assert_same_values(name, found, snapshot.column(name))


def test_polars(snapshot, flat):
    schema = pl.read_parquet(snapshot.path("parquet")).drop(JSON_COLUMNS).schema
    frame = pl.read_ndjson(flat, schema=schema)
    for name in frame.columns:
        column = frame[name].dt.epoch("us") if name in TIMES else frame[name]
        assert_same_values(name, column.to_list(), snapshot.column(name))
