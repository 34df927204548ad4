"""Run the simulation: `python -m tests.simulation --seeds 1..200`."""

from tests.simulation.command import main

if __name__ == "__main__":
    raise SystemExit(main())
