# ruff: noqa: INP001  a script that runs inside an image, not part of a package
"""Runs inside the Prometheus image: starts it, lets it scrape itself, asks it, stops it; prints what it saw as JSON.

`/prometheus` is writable, as in the Deployment of manifests/monitoring; nothing else is.
"""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ADDRESS = "127.0.0.1:9090"
CONFIG = f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
scrape_configs: [{{job_name: itself, static_configs: [{{targets: ["{ADDRESS}"]}}]}}]
"""
DEADLINE_SECONDS = 30


def ask(query: str) -> list[list[str]]:
    """Return the values of an instant query; none while nobody answers."""
    try:
        with urllib.request.urlopen(f"http://{ADDRESS}/api/v1/query?query={query}", timeout=5) as answer:
            return [series["value"] for series in json.load(answer)["data"]["result"]]
    except (urllib.error.URLError, OSError):
        return []


data = Path("/prometheus")
(data / "prometheus.yml").write_text(CONFIG)
begin = time.monotonic()
process = subprocess.Popen(
    ["prometheus", f"--config.file={data}/prometheus.yml", f"--storage.tsdb.path={data}/tsdb"],
    stderr=subprocess.PIPE,
    text=True,
)
while not (values := ask("up")) and time.monotonic() - begin < DEADLINE_SECONDS:
    time.sleep(0.2)
user = Path(f"/proc/{process.pid}/status").read_text().split("Uid:", 1)[1].split()[0]
process.terminate()
_, log = process.communicate(timeout=DEADLINE_SECONDS)
sys.stdout.write(
    json.dumps({"up": [value for _, value in values], "user": int(user), "exit_code": process.returncode, "log": log})
)
