"""Exports of odd generated jobs, shared by every test, beside the pages that the server sent."""

import functools
import json
import os
import subprocess
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from expected import exact, row_of

ROOT = Path(__file__).parents[2]
PROGRAM = ["node", str(ROOT / "dist/src/cli/main.js")]
SIMULATOR = ["node", "--import", "tsx", "test/simulator/main.ts"]
JOBS = 5000
# When the last of them was created: with the day of the test the jobs would change, and with them which dictionaries pay.
END = "2026-11-26T01:00:00Z"
LEFT_OUT = ["queue_seconds", "sequence", "variables"]
# Beside the 5,000: none, one, a page and its neighbours, one more than the rows from which DuckDB guesses the types of
# NDJSON, and a table without some of its columns. Each is the number of jobs and what is left out.
CASES = [(JOBS, []), (0, []), (1, []), (99, []), (100, []), (101, []), (20_481, []), (500, LEFT_OUT)]


@dataclass(frozen=True)
class Snapshot:
    folder: Path
    lines: Path
    """A snapshot of the same jobs as NDJSON alone."""
    manifest: dict
    rows: list[dict]
    """What every reader must find, in file order; timestamps as microseconds since the epoch."""

    def column(self, name: str) -> list:
        return [row[name] for row in self.rows]

    def path(self, extension: str) -> str:
        return str(self.folder / f"jobs.{extension}")


def pages(url: str, jobs: int):
    """Every job as sent, oldest first. Nothing changes the list meanwhile, so plain paging is enough."""
    for offset in range(0, jobs, 100):
        query = {"order_by": "created_at", "order_by_direction": "ASC", "offset": offset}
        address = f"{url}/api/v2/jobs?{urllib.parse.urlencode(query | {'limit': 100})}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            yield from exact(answer.read().decode())["data"]


def export(env: dict, url: str, output: Path, *flags: str) -> dict:
    command = ["export", "--api-url", url, "--output", str(output), "--json", *flags]
    done = subprocess.run(PROGRAM + command, stdout=subprocess.PIPE, text=True, env=env, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def snapshots(tmp_path_factory):
    """Makes each snapshot when it is first asked for."""
    return functools.cache(lambda jobs, *left_out: export_of(tmp_path_factory.mktemp("output"), jobs, left_out))


def export_of(output: Path, jobs: int, left_out: tuple) -> Snapshot:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PASQAL_")}
    simulate = ["--jobs", str(jobs), "--oddities", "all", "--seed", "7", "--end", END, "--json"]
    without = ["--without", ",".join(left_out)] if left_out else []
    with subprocess.Popen(
        SIMULATOR + simulate, stdout=subprocess.PIPE, text=True, env=kept, cwd=ROOT
    ) as server:
        try:
            url = json.loads(server.stdout.readline())["url"]
            result = export(kept, url, output, *without)
            lines = export(kept, url, output / "lines", "--format", "ndjson", *without)["folder"]
            sent = list(pages(url, jobs))
        finally:
            server.terminate()
    manifest = result["manifest"]
    assert len(sent) == jobs
    rows = [row_of(job, left_out) for job in sent]
    rows.sort(key=lambda row: (row["created_at"], row["id"].encode()))
    return Snapshot(Path(result["folder"]), Path(lines), manifest, rows)


@pytest.fixture(scope="session", params=CASES, ids=lambda case: "-".join(map(str, [case[0], *case[1]])))
def snapshot(request, snapshots):
    jobs, left_out = request.param
    return snapshots(jobs, *left_out)


@pytest.fixture(scope="session")
def odd(snapshots):
    """Enough rows for whatever is odd to be among them."""
    return snapshots(JOBS)
