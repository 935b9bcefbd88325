"""Comparison of what a reader found with what it must find, value by value."""

import re
from decimal import Decimal
from pathlib import Path

from expected import TIMES, exact

JSON_COLUMNS = ["variables", "extra"]


COLUMNS = Path(__file__).parents[2] / "docs/columns.md"


def section(heading: str) -> str:
    """The part of docs/columns.md under a heading."""
    return COLUMNS.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]


def assert_documented_types(reader: str, manifest: dict, found: dict) -> None:
    """Each column has a type that the table of docs/columns.md gives for the reader."""
    lines = [line for line in section("In each reader").split("\n") if line.startswith("|")]
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    at = [name.replace("`", "") for name in head].index(reader)
    allowed = {row[0]: re.findall("`([^`]+)`", row[at]) for row in rows}
    wanted = {column["name"]: allowed[column["type"]] for column in manifest["columns"]}
    assert list(found) == list(wanted)
    other = {name: kind for name, kind in found.items() if str(kind) not in wanted[name]}
    assert not other, f"docs/columns.md says {({name: wanted[name] for name in other})}, found {other}"


def same(found, wanted) -> bool:
    """Equal as JSON values: 1 and 1.0 are the same number, 1 and true are not the same value."""
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    if isinstance(wanted, dict):
        return (
            isinstance(found, dict)
            and found.keys() == wanted.keys()
            and all(same(found[key], wanted[key]) for key in wanted)
        )
    if isinstance(wanted, list):
        return isinstance(found, list) and len(found) == len(wanted) and all(map(same, found, wanted))
    if isinstance(wanted, float) and isinstance(found, Decimal):
        return float(found) == wanted
    return found == wanted


def parsed(cells: list) -> list:
    """The values that cells of JSON text stand for."""
    return [None if cell is None else exact(cell) for cell in cells]


def assert_same_column(name: str, found: list, wanted: list) -> None:
    """Cells of a table, in which JSON columns are text."""
    assert_same_values(name, parsed(found) if name in JSON_COLUMNS else found, wanted)


def assert_same_values(name: str, found: list, wanted: list) -> None:
    assert len(found) == len(wanted)
    for row, (cell, value) in enumerate(zip(found, wanted)):
        if name == "anomalies":
            cell = sorted(cell)
        assert same(cell, value), f"row {row}, column {name}: {cell!r} is not {value!r}"


def assert_interesting(rows: list[dict]) -> None:
    """The data hold what is easily lost; otherwise the comparisons would prove little."""
    assert any(row["runs"] == 2**53 + 1 for row in rows)
    assert any(row["creation_order"] == 2**63 - 1 for row in rows)
    assert any(row[name] is None for row in rows for name in ("runs", "errors", "end_timestamp"))
    assert any(row[name] is not None and row[name] % 1000 for row in rows for name in TIMES)
    assert any(row["errors"] == [] for row in rows)
    assert any("\0" in (row["slurm_job_id"] or "") for row in rows)
    assert any(2**53 + 1 in numbers(row["variables"]) for row in rows)
    assert any(Decimal("1e400") in numbers(row["variables"]) for row in rows)
    assert any("\u2028" in (row["slurm_job_id"] or "") for row in rows)
    flags = {flag for row in rows for flag in row["anomalies"]}
    assert {f"lone_surrogate:{name}" for name in ("slurm_job_id", "errors", "variables", "extra")} <= flags
    assert "unparsable:end_timestamp" in flags
    assert any({"omega", "Omega"} <= keys(row["variables"]) for row in rows)


def keys(value) -> set:
    return set(value) if isinstance(value, dict) else set()


def numbers(value) -> list:
    if isinstance(value, dict):
        return [number for item in value.values() for number in numbers(item)]
    if isinstance(value, list):
        return [number for item in value for number in numbers(item)]
    return [] if isinstance(value, (str, bool, type(None))) else [value]
