import pandas as pd
import pyarrow as pa
import pytest

from compare import assert_same_column
from expected import INTEGERS, STRINGS, TIMES

COUNTS = [*INTEGERS, "error_count"]
TEXTS = [*STRINGS, "sequence", "variables", "extra"]
DURATIONS = ["queue_seconds", "run_seconds", "total_seconds"]
TYPES = {
    "default": {
        **dict.fromkeys(TEXTS, "str"),
        **dict.fromkeys(COUNTS, "float64"),
        **dict.fromkeys(TIMES, "datetime64[us, UTC]"),
        **dict.fromkeys(DURATIONS, "float64"),
        "creation_order": "int64",
        "is_final": "bool",
    },
    "numpy_nullable": {
        **dict.fromkeys(TEXTS, "string"),
        **dict.fromkeys(COUNTS, "Int64"),
        **dict.fromkeys(TIMES, "datetime64[us, UTC]"),
        **dict.fromkeys(DURATIONS, "Float64"),
        "is_final": "boolean",
    },
    "pyarrow": {
        **dict.fromkeys(TEXTS, "string[pyarrow]"),
        **dict.fromkeys(COUNTS, "int64[pyarrow]"),
        **dict.fromkeys(TIMES, "timestamp[us, tz=UTC][pyarrow]"),
        **dict.fromkeys(DURATIONS, "double[pyarrow]"),
        "is_final": "bool[pyarrow]",
    },
}


def cells(column: pd.Series) -> list:
    """Python values with None for what is missing; timestamps as microseconds."""
    if isinstance(column.dtype, pd.ArrowDtype):
        array = pa.chunked_array(column.array.__arrow_array__())
        return (array.cast(pa.int64()) if pa.types.is_timestamp(array.type) else array).to_pylist()
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        micros = column.astype("int64")
        return [None if missing else int(at) for at, missing in zip(micros, column.isna())]
    return [
        value if isinstance(value, list) else value.tolist() if hasattr(value, "tolist") else value
        for value in column.astype(object).where(column.notna(), None)
    ]


@pytest.fixture(scope="module", params=TYPES)
def read(request, snapshot):
    backend = {} if request.param == "default" else {"dtype_backend": request.param}
    return request.param, pd.read_parquet(snapshot.path("parquet"), **backend)


def test_types(read):
    backend, frame = read
    assert {name: str(frame[name].dtype) for name in TYPES[backend]} == TYPES[backend]


def test_every_value(snapshot, read):
    backend, frame = read
    assert list(frame.columns) == [column["name"] for column in snapshot.manifest["columns"]]
    for name in frame.columns:
        wanted = snapshot.column(name)
        if TYPES[backend].get(name) == "float64":
            # By default integers with nulls become doubles: docs/columns.md.
            wanted = [value if value is None else float(value) for value in wanted]
        assert_same_column(name, cells(frame[name]), wanted)


def test_text_functions(snapshot, read):
    _, frame = read
    wanted = sum("omega" in (cell or "") for cell in cells(frame["variables"]))
    assert int(frame["variables"].str.contains("omega").fillna(False).sum()) == wanted > 0
