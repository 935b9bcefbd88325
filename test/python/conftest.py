"""One export of odd generated jobs, shared by every test, beside the pages that the server sent."""

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


def pages(url: str):
    """Every job as sent, oldest first. Nothing changes the list meanwhile, so plain paging is enough."""
    for offset in range(0, JOBS, 100):
        query = {"order_by": "created_at", "order_by_direction": "ASC", "offset": offset}
        address = f"{url}/api/v2/jobs?{urllib.parse.urlencode(query | {'limit': 100})}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            yield from exact(answer.read().decode())["data"]


def export(env: dict, url: str, output: Path, *flags: str) -> dict:
    command = ["export", "--api-url", url, "--output", str(output), "--json", *flags]
    done = subprocess.run(PROGRAM + command, stdout=subprocess.PIPE, text=True, env=env, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory):
    output = tmp_path_factory.mktemp("output")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PASQAL_")}
    simulate = ["--jobs", str(JOBS), "--oddities", "all", "--seed", "7", "--json"]
    with subprocess.Popen(
        SIMULATOR + simulate, stdout=subprocess.PIPE, text=True, env=kept, cwd=ROOT
    ) as server:
        try:
            url = json.loads(server.stdout.readline())["url"]
            result = export(kept, url, output)
            lines = export(kept, url, output / "lines", "--format", "ndjson")["folder"]
            jobs = list(pages(url))
        finally:
            server.terminate()
    manifest = result["manifest"]
    assert len(jobs) == JOBS
    rows = sorted(map(row_of, jobs), key=lambda row: (row["created_at"], row["id"].encode()))
    return Snapshot(Path(result["folder"]), Path(lines), manifest, rows)
