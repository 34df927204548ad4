"""The kinds of stories. `full` has everything; the others put their weight where one kind of mistake would show."""

from collections.abc import Mapping

from tests.simulation.stories import Shape

SHORT = {"minutes": (1.0, 2.5), "alerts_a_minute": (3.0, 6.0), "disturbances": (0, 0), "switches": (0, 0, 1)}

SHAPES: Mapping[str, Shape] = {
    "full": Shape(),
    "plain": Shape(**SHORT, ages_ms=(0,)),  # type: ignore[arg-type]
}
