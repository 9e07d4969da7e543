"""Where things are in the pod; tests put them elsewhere."""

from dataclasses import dataclass
from pathlib import Path

from aviary_crds.botconfig import CONFIG_DIR


@dataclass(frozen=True, slots=True)
class BotPaths:
    """The pod's layout, as the contract has it."""

    home: Path = Path("/home/hummingbot")
    mounted: Path = Path(CONFIG_DIR)
    packages: Path = Path("/tmp/aviary")  # noqa: S108  an emptyDir of this pod, nobody else writes there
    termination_log: Path = Path("/dev/termination-log")

    @property
    def conf(self) -> Path:
        """Hummingbot's configuration folder."""
        return self.home / "conf"

    @property
    def data(self) -> Path:
        """The volume."""
        return self.home / "data"

    @property
    def state(self) -> Path:
        """This bot's own memory on the volume."""
        return self.data / "aviary"
