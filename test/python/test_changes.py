"""The pandas lines of docs/changes.md, over five nights whose changes are known from the list itself."""

import json
import re
import subprocess
from collections import Counter

import pytest
from conftest import ROOT


@pytest.fixture(scope="module")
def nights(tmp_path_factory):
    command = ["node", "--import", "tsx", "test/support/five-nights.ts", str(tmp_path_factory.mktemp("nights"))]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, check=True)
    return json.loads(done.stdout)


def test_the_lines_of_the_document(nights, monkeypatch):
    monkeypatch.chdir(nights["folder"])
    (lines,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs/changes.md").read_text(), re.S)
    found = {}
    exec(lines, found)
    changes = nights["changes"]
    last = [change for change in changes if change["run"] == changes[-1]["run"]]

    def kind(change):
        previous = change["previous_status"]
        return change["change"], previous if isinstance(previous, str) else None, change["status"]

    counts = {kind(row): row["jobs"] for row in found["yesterday"].to_dict("records")}
    assert counts == Counter(map(kind, last))
    failed = [c["id"] for c in last if c["change"] != "deleted" and c["status"] in ("ERROR", "TIMED_OUT")]
    assert sorted(found["failed"]["id"]) == sorted(failed)
    assert {" ".join(key): jobs for key, jobs in found["by_status"].items()} == nights["statuses"]
    history = [(row["id"], row["run"], *kind(row)) for row in found["history"].to_dict("records")]
    assert history == sorted(((c["id"], c["run"], *kind(c)) for c in changes), key=lambda c: c[:2])
