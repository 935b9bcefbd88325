import contextlib
import re
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.json
import pytest

from compare import assert_documented_types, assert_same_column, section
from expected import TIMES, as_time, exact

WRITTEN = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z")


def micros(texts: list) -> list:
    assert all(text is None or WRITTEN.fullmatch(text) for text in texts)
    return [text and as_time(text) for text in texts]


def test_every_value(snapshot):
    text = Path(snapshot.path("ndjson")).read_text(encoding="utf-8")
    assert text.endswith("\n") or not snapshot.rows
    # Splits at U+2028 and its like as well, which must not stand in a line as they are.
    rows = [exact(line) for line in text.splitlines()]
    names = [column["name"] for column in snapshot.manifest["columns"]]
    assert all(list(row) == names for row in rows)
    for name in names:
        found = [row[name] for row in rows]
        assert_same_column(name, micros(found) if name in TIMES else found, snapshot.column(name))


def examples(reader: str, folder: Path) -> dict:
    """What the lines of docs/columns.md for a reader leave behind, run with the snapshot as working folder."""
    [lines] = re.findall(f"^{reader}, of .*?```python\n(.*?)```", section("In each reader"), re.S | re.M)
    names: dict = {}
    with contextlib.chdir(folder):
        exec(lines, names)
    return names


def test_pandas(snapshot):
    if not snapshot.rows:
        with pytest.raises(pa.ArrowInvalid):
            examples("pandas", snapshot.folder)
        return
    names = examples("pandas", snapshot.folder)
    for frame in (names["jobs"], names["lines"]):
        assert_documented_types("pandas pyarrow", snapshot.manifest, kinds(frame))
        for name in frame.columns:
            column = pa.chunked_array(frame[name].array.__arrow_array__())
            found = column.cast(pa.int64()) if name in TIMES else column
            assert_same_column(name, found.to_pylist(), snapshot.column(name))


def kinds(frame) -> dict:
    """A list's items go by another name in what was JSON."""
    return {name: str(kind).replace("<item", "<element") for name, kind in frame.dtypes.items()}


def test_polars(snapshot):
    names = examples("polars", snapshot.folder)
    for frame in (names["jobs"], names["arrow"], names["lines"]):
        assert_documented_types("polars", snapshot.manifest, dict(frame.schema))
        for name in frame.columns:
            column = frame[name].dt.epoch("us") if name in TIMES else frame[name]
            assert_same_column(name, column.to_list(), snapshot.column(name))


def test_no_rows(tmp_path):
    """What docs/columns.md says of the empty file that a snapshot without jobs has."""
    empty = tmp_path / "jobs.ndjson"
    empty.touch()
    assert pl.read_ndjson(empty, schema={"id": pl.String}).is_empty()
    assert list(pd.read_json(empty, lines=True).columns) == []
    with pytest.raises(pl.exceptions.ComputeError):
        pl.read_ndjson(empty)
    with pytest.raises(pa.ArrowInvalid):
        pa.json.read_json(empty)
