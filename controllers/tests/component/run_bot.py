"""`run_bot.py HOME`: the bot's process as a pod runs it, with folders of its own and the venue on loopback.

HOME holds what the pod mounts: etc (the ConfigMap), home/conf, home/data, home/logs, tmp.
"""

import os
import sys
from pathlib import Path

import hummingbot
from aviary_bot.bot_paths import BotPaths
from aviary_bot.launcher import main
from loopback import redirect_venue  # type: ignore[import-not-found]  # run as a script, its folder is on the path


def run(folder: Path) -> int:
    """Run the bot of a folder."""
    home = folder / "home"
    package = Path(hummingbot.__file__).parent
    # Hummingbot finds its folders beside its package, which is read-only here and shared by all bots of a test.
    if not (home / "hummingbot").exists():
        (home / "hummingbot").symlink_to(package)
    hummingbot.root_path = lambda: home
    hummingbot.set_prefix_path(str(home))
    redirect_venue()
    os.chdir(home)
    paths = BotPaths(
        home=home, mounted=folder / "etc", packages=folder / "tmp" / "aviary", termination_log=folder / "last-words"
    )
    return main(os.environ, paths)


if __name__ == "__main__":
    raise SystemExit(run(Path(sys.argv[1])))
