import pandas as pd
import pyarrow as pa
import pytest

from compare import assert_documented_types, assert_same_column

BACKENDS = ["", "numpy_nullable", "pyarrow"]


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


@pytest.fixture(scope="module", params=BACKENDS, ids=["default", *BACKENDS[1:]])
def backend(request):
    return request.param


def read(snapshot, backend):
    options = {"dtype_backend": backend} if backend else {}
    return pd.read_parquet(snapshot.path("parquet"), **options)


def test_types(snapshot, backend):
    frame = read(snapshot, backend)
    assert_documented_types(f"pandas {backend}".strip(), snapshot.manifest, dict(frame.dtypes))


def test_every_value(snapshot, backend):
    frame = read(snapshot, backend)
    for name in frame.columns:
        wanted = snapshot.column(name)
        if not backend and str(frame[name].dtype) == "float64":
            # Integers with nulls become doubles, as docs/columns.md says.
            wanted = [value if value is None else float(value) for value in wanted]
        assert_same_column(name, cells(frame[name]), wanted)


def test_text_functions(odd, backend):
    frame = read(odd, backend)
    wanted = sum("omega" in (cell or "") for cell in cells(frame["variables"]))
    assert int(frame["variables"].str.contains("omega").fillna(False).sum()) == wanted > 0
