"""Makes `manifests` importable: it is a folder of things to apply, not an installed package."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
