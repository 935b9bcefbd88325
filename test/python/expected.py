"""The columns of a job, worked out a second time: by the rules of docs/columns.md and with Python's own readers."""

import json
import math
import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
EARLIEST_PLAUSIBLE = datetime(2015, 1, 1, tzinfo=timezone.utc)
FIRST_IMPLAUSIBLE = datetime(2100, 1, 1, tzinfo=timezone.utc)
EARLIEST = datetime(1, 1, 1, tzinfo=timezone.utc)
LATEST = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=timezone.utc)
HALF = re.compile("[\ud800-\udfff]")
KNOWN = {"PENDING", "RUNNING", "DONE", "ERROR", "CANCELED", "TIMED_OUT", "PAUSED", "CANCELING"}
FINAL = {"DONE", "ERROR", "CANCELED", "TIMED_OUT"}
STRINGS = ["id", "batch_id", "project_id", "status", "parent_id", "slurm_job_id"]
INTEGERS = ["runs", "progress", "creation_order"]
TIMES = ["created_at", "updated_at", "start_timestamp", "end_timestamp"]
SENT = {*STRINGS, *INTEGERS, *TIMES, "errors", "variables", "sequence"}


def exact(text: str):
    """JSON without a value altered: integers of any size, decimals with their digits."""
    return json.loads(text, parse_float=Decimal)


class Unreadable(Exception):
    """The value is of another type than its column."""


def micros(instant: datetime) -> int:
    return (instant - EPOCH) // timedelta(microseconds=1)


def as_string(value):
    if not isinstance(value, str):
        raise Unreadable
    return value


def as_integer(value):
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)) or value != int(value):
        raise Unreadable
    if not -(2**63) <= value < 2**63:
        raise Unreadable
    return int(value)


def as_time(value):
    text = str(value) if isinstance(value, (int, Decimal)) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        raise Unreadable
    if re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", text):
        found = math.floor(Decimal(text) * 1_000_000)
    else:
        try:
            instant = datetime.fromisoformat(text.upper())
        except ValueError as error:
            raise Unreadable from error
        found = micros(instant if instant.tzinfo else instant.replace(tzinfo=timezone.utc))
    if not micros(EARLIEST) <= found <= micros(LATEST):
        raise Unreadable
    return found


def as_strings(value):
    if not isinstance(value, list) or any(not isinstance(item, (str, type(None))) for item in value):
        raise Unreadable
    return value


def said(value):
    """The value with every half of a surrogate pair, in texts and keys at any depth, as the six characters of its escape."""
    if isinstance(value, str):
        return HALF.sub(lambda half: f"\\u{ord(half.group()):04x}", value)
    if isinstance(value, list):
        return [said(item) for item in value]
    if isinstance(value, dict):
        return {said(key): said(item) for key, item in value.items()}
    return value


def seconds(start, end):
    return None if start is None or end is None else float(end - start) / 1e6


def row_of(job: dict, left_out: tuple = ()) -> dict:
    """
    The row of a job, some columns left out. `variables` and `extra` are JSON values, `anomalies` is sorted.
    """
    row, unread = {}, []

    def read(name, convert):
        try:
            row[name] = None if job.get(name) is None else convert(job[name])
        except Unreadable:
            row[name] = None
            unread.append(name)

    for name in [*STRINGS, "sequence"]:
        read(name, as_string)
    for name in INTEGERS:
        read(name, as_integer)
    for name in TIMES:
        read(name, as_time)
    read("errors", as_strings)
    row["variables"] = job.get("variables")
    created, start, end = (row[name] for name in ("created_at", "start_timestamp", "end_timestamp"))
    row["queue_seconds"] = seconds(created, start)
    row["run_seconds"] = seconds(start, end)
    row["total_seconds"] = seconds(created, end)
    row["is_final"] = row["status"] in FINAL
    row["error_count"] = None if "errors" in unread else len(row["errors"] or [])
    extra = {name: value for name, value in job.items() if name not in SENT or name in unread and name not in left_out}
    row["extra"] = extra or None
    halved = [name for name, value in row.items() if said(value) != value]
    row |= {name: said(row[name]) for name in halved}
    unreadable = [f"unparsable:{name}" for name in unread]
    found = unreadable + [f"lone_surrogate:{name}" for name in halved] + flags(row)
    row["anomalies"] = sorted(flag for flag in found if flag.partition(":")[2] not in left_out)
    return {name: value for name, value in row.items() if name not in left_out}


def flags(row: dict) -> list[str]:
    created, start, end = (row[name] for name in ("created_at", "start_timestamp", "end_timestamp"))
    earliest = micros(EARLIEST_PLAUSIBLE)
    end_of_plausible = micros(FIRST_IMPLAUSIBLE)
    found = [
        f"implausible:{name}"
        for name in TIMES
        if row[name] is not None and not earliest <= row[name] < end_of_plausible
    ]
    if start is not None and start < created:
        found.append("start_before_created")
    if start is not None and end is not None and end < start:
        found.append("end_before_start")
    if row["status"] not in KNOWN:
        found.append("unknown_status")
    return found
