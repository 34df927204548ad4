"""Who is called to the command line in a story: after a restore of the table, and when a notice asks for a decision."""

from functools import partial

from tests.simulation.invariants.base import View
from tests.simulation.invariants.books import Placed
from tests.simulation.recovery import Operator
from tests.simulation.world import World


class People:
    """Sends operators to work."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.at_work = 0
        """How many are at work, or on their way to it."""
        self.lifted = 0
        """How many restored tables they have let send again."""
        self.decisions = 0
        """How many orders of unknown outcome they have decided."""
        self._called = 0
        world.aws.topics.on_message = self._hear

    def recover(self) -> None:
        """Let a person reconcile the restored table and lift its halt."""
        number = len(self._world.restored)
        if number == self.lifted or self.at_work:
            return
        self.at_work += 1
        operator = self._operator(f"operator-{number}", "operator")

        def work() -> None:
            if operator.recover():
                self.lifted = number
                self._world.trouble.over("restored")
                self._world.trouble.begin("killed", 125_000)
            self._back()

        self._world.hub.start(work)

    def _hear(self, message: str) -> None:
        """Let a person read the notice some time later, and look into what it asks about."""
        if "orderbridge unresolved" not in message:
            return
        self.at_work += 1
        self._called += 1
        name, hub = f"person-{self._called}", self._world.hub
        hub.after(self._world.dice(name).randint(5_000, 40_000), lambda: hub.start(partial(self._decide, name)))

    def _decide(self, name: str) -> None:
        operator = self._operator(name, f"terminal of {name}")
        done = operator.decide()
        self.decisions += operator.decided
        if not done:
            self._hear("orderbridge unresolved")
        self._back()

    def _back(self) -> None:
        self.at_work -= 1
        self._world.changed()

    def _operator(self, name: str, dice: str) -> Operator:
        world = self._world
        took = lambda account, root: world.taken_over.add((account, root))  # noqa: E731
        return Operator(world.equipment.terminal(name, dice), self, took, world.note)

    # ---- Truth

    def owner_of(self, order_id: str) -> str:
        """Give the strategy that has placed an order in truth."""
        found = next((one for one in self._placed() if one.row.id == order_id), None)
        return found.strategy if found is not None and found.strategy in self._world.strategies else ""

    def order_of(self, command_id: str) -> str:
        """Give the order that a command has become in truth, without its exits."""
        mine = (one for one in self._placed() if one.command is not None and not one.row.parent_id)
        found = next((one for one in mine if one.command and one.command.record.command_id == command_id), None)
        return "" if found is None else found.row.id

    def _placed(self) -> list[Placed]:
        view = View(self._world)
        view.refresh()
        return [one for book in view.books.by_account.values() for one in book.placed]
