"""Every value as Spark reads it, in a session whose time zone is not that of the files."""

import re

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from compare import COLUMNS, assert_documented_types, assert_same_column
from expected import TIMES


@pytest.fixture(scope="module")
def spark():
    settings = {
        "spark.sql.session.timeZone": "America/New_York",
        "spark.ui.enabled": "false",
        "spark.driver.memory": "2g",
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
    }
    builder = SparkSession.builder.master("local[2]").appName("pasqal-jobs-export")
    for name, value in settings.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    yield session
    session.stop()


def parquet(spark, snapshot):
    return spark.read.parquet(snapshot.path("parquet"))


def ndjson(spark, snapshot):
    """As docs/columns.md tells: with the schema said, for Spark would guess it from the lines."""
    schema = parquet(spark, snapshot).schema
    return spark.read.schema(schema).json(snapshot.path("ndjson"))


@pytest.mark.parametrize("read", [parquet, ndjson])
def test_every_value(spark, snapshot, read):
    frame = read(spark, snapshot)
    types = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
    assert_documented_types("Spark", snapshot.manifest, types)
    exact = frame.select(
        [f.unix_micros(name).alias(name) if name in TIMES else f.col(name) for name in frame.columns]
    )
    rows = sorted(exact.collect(), key=lambda row: (row["created_at"], row["id"].encode()))
    for name in frame.columns:
        assert_same_column(name, [row[name] for row in rows], snapshot.column(name))


def test_filters_and_json(spark, odd):
    frame = parquet(spark, odd)
    done = frame.where((f.col("status") == "DONE") & (f.col("created_at") > f.lit("2015-01-01")))
    wanted = [row for row in odd.rows if row["status"] == "DONE" and row["created_at"] > 1420088400000000]
    assert done.count() == len(wanted)
    assert frame.where(f.get_json_object("variables", "$.omega").isNotNull()).count() > 0


def test_parts_are_one_table(spark, odd, tmp_path):
    """The line of docs/scale.md, on two parts."""
    for part in "0a":
        (tmp_path / f"part={part}/jobs").mkdir(parents=True)
        (tmp_path / f"part={part}/jobs/latest").symlink_to(odd.folder)
    page = (COLUMNS.parent / "scale.md").read_text(encoding="utf-8")
    [line] = re.findall(r"```python\n(.*?)```", page, re.S)
    names = {"spark": spark}
    exec(line.replace("'.'", f"'{tmp_path}'").replace("'part=", f"'{tmp_path}/part="), names)
    counts = names["jobs"].groupBy("part").count().collect()
    assert sorted(map(tuple, counts)) == [(part, len(odd.rows)) for part in "0a"]
