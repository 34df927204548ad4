"""The `orderbridge` command. It ships in the package and is left out of the layer; nothing outside imports it."""

import sys


def main() -> None:
    """Run the command line. Says what to install when its libraries are missing."""
    try:
        from orderbridge.cli.app import app
        from orderbridge.cli.world import this_machine
    except ModuleNotFoundError as error:
        if error.name and error.name.partition(".")[0] in ("rich", "ruamel", "typer"):
            sys.exit(f"The command line needs {error.name}: install orderbridge[cli].")
        raise
    app(obj=this_machine())
