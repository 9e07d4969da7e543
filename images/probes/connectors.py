# ruff: noqa: INP001  a script that runs inside an image, not part of a package
"""Runs inside the bot image; loads every connector of Hummingbot and prints, as JSON, which do and which do not."""

import importlib
import json
import resource
import sys
import time

begin = time.process_time()
import hummingbot.client.runner  # noqa: E402  its time is measured

boot_seconds = time.process_time() - begin

from hummingbot.client.settings import AllConnectorSettings  # noqa: E402

loaded: list[str] = []
broken: dict[str, str] = {}
boot_peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for name, setting in AllConnectorSettings.get_connector_settings().items():
    if setting.uses_gateway_generic_connector() or name.endswith("_paper_trade"):
        continue
    try:
        getattr(importlib.import_module(setting.module_path()), setting.class_name())
    except Exception as error:  # noqa: BLE001  whatever it is, the connector does not load
        broken[name] = repr(error)
    else:
        loaded.append(name)
document = {
    "runner": hummingbot.client.runner.__file__,
    "boot_cpu_seconds": round(boot_seconds, 2),
    "boot_peak_mib": boot_peak_kib // 1024,
    "loaded": sorted(loaded),
    "broken": broken,
}
sys.stdout.write(json.dumps(document))
