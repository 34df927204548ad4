"""The whole bridge on this machine: `make run` stays up, `make demo` ends with a verdict."""

import argparse
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import FrameType

from sandbox import processes
from sandbox.demo import endpoints, setup
from sandbox.demo.booked import told_by
from sandbox.demo.brokers import SimulatedBroker, simulated_broker
from sandbox.demo.firing import fire_all, misfires
from sandbox.demo.instance import Instance, TooManyRunsError, claim
from sandbox.demo.ledger import read_ledger, told_of
from sandbox.demo.logs import complaints
from sandbox.demo.progress import Progress
from sandbox.demo.samples import curl_examples
from sandbox.demo.table import print_table
from sandbox.demo.verdict import differences
from sandbox.local_aws import LocalAws, Stack, build, deploy, local_aws, warm_up

LOOK_EVERY_S = 0.5
SETTLED_WITHIN_S = 20.0
"""How long ledger and brokers may take to agree after the last alert has ended."""


@dataclass
class Run:
    """What a run has made so far."""

    instance: Instance
    progress: Progress
    aws: LocalAws
    brokers: tuple[SimulatedBroker, SimulatedBroker]
    stack: Stack
    keys: dict[str, str] = field(default_factory=dict)

    def children(self) -> list[processes.Child]:
        """Give the processes that must stay up."""
        return [self.aws.process, *(broker.process for broker in self.brokers)]


@contextmanager
def started(options: argparse.Namespace, progress: Progress) -> Iterator[Run]:
    """Start everything, and end everything that was started."""
    with ExitStack() as up:
        instance = up.enter_context(claim())
        with progress.step("Starting the local AWS (MiniStack, IAM enforced)"):
            aws = up.enter_context(local_aws(instance.folder, options.aws_port))
        with progress.step("Starting the simulated TradeStation and TradeLocker"):
            brokers = (
                up.enter_context(simulated_broker("tradestation", instance.folder, options.tradestation_port)),
                up.enter_context(simulated_broker("tradelocker", instance.folder, options.tradelocker_port)),
            )
            setup.open_markets(brokers[1])
        with progress.step("Building the functions and their layer (sam build)"):
            built = build(aws)
        with progress.step("Deploying template.yaml (sam deploy)"):
            hosts = tuple(origin(broker.base_url) for broker in brokers)
            stack = deploy(aws, built, instance.stack_name, broker_hosts=hosts)
        yield Run(instance, progress, aws, brokers, stack)


def make_ready(run: Run) -> None:
    """Connect the brokers, apply the settings and make the keys, with the command that a user has."""
    command = setup.CommandLine(run.aws, run.stack, run.instance.folder)
    with run.progress.step("Connecting TradeStation and TradeLocker (orderbridge connect)"):
        setup.connect(command, *run.brokers)
    with run.progress.step("Applying the settings with their sample strategies (orderbridge apply)"):
        setup.apply(command, *run.brokers)
    with run.progress.step("Making the strategies' webhook keys (orderbridge keys new)"):
        run.keys = setup.make_keys(command)
    setup.environment_file(command)
    endpoints.write(run.instance, run.aws, run.stack, run.brokers, run.keys)
    with run.progress.step("Warming the functions up"):
        warm_up(run.aws, run.stack)


def show(run: Run) -> list[str]:
    """Fire the sample alerts, print what became of them, and give what is wrong: nothing, if all is clean."""
    urls = {name: endpoints.webhook_url(run.stack, name, key) for name, key in run.keys.items()}
    run.progress.say("  Firing the sample alerts of events/alerts")
    fired = fire_all(run.aws, run.stack, urls, run.progress.say)
    give_up = time.monotonic() + SETTLED_WITHIN_S
    while True:
        ledger = read_ledger(run.aws, run.stack.outputs["TableName"])
        booked = {str(broker.name): told_by(broker.name, broker.journal(), broker.state()) for broker in run.brokers}
        wrong = misfires(fired, ledger.alerts)
        wrong += [one for name, told in booked.items() for one in differences(name, told_of(name, ledger), told)]
        if not wrong or time.monotonic() > give_up:
            break
        time.sleep(LOOK_EVERY_S)  # the watcher looks every two seconds; until then the ledger may not know a fill
    print_table(fired, ledger, booked)
    orders = sum(len(write.orders) for told in booked.values() for write in told.writes)
    run.progress.say(verdict(wrong, orders, complaints(run.aws, run.stack)))
    return wrong


def verdict(wrong: Sequence[str], orders: int, logged: Sequence[str]) -> str:
    """Word the verdict; `logged` are the errors that the functions logged, which are told only when it is not clean."""
    if wrong:
        lines = [*(f"  - {one}" for one in wrong), *(f"  logged by {one}" for one in logged)]
        return "\n".join(["Verdict: NOT clean.", *lines])
    return f"Verdict: clean. The brokers' journals and the ledger agree on {orders} orders and on all that is held."


def origin(url: str) -> str:
    """Give scheme, host and port of a URL: what the list of allowed broker hosts holds."""
    return "/".join(url.split("/")[:3])


def stay_up(run: Run) -> int:
    """Wait until a signal ends the run, or one of its processes ends by itself; give the exit code."""
    starter = os.getppid()
    while os.getppid() == starter:
        for child in run.children():
            if not child.running():
                run.progress.say(f"{child.name} ended by itself:\n{child.log_end()}")
                return 1
        time.sleep(LOOK_EVERY_S)
    return 1


def print_webhooks(run: Run) -> None:
    """Print `curl` lines for each strategy, and where the rest stands."""
    for strategy, key in run.keys.items():
        url = endpoints.webhook_url(run.stack, strategy, key)
        run.progress.say(f"\n{strategy}: {url}")
        for file in curl_examples(strategy):
            run.progress.say(f"  curl -d @events/alerts/{file} {url}")
    folder = run.instance.folder
    run.progress.say(f"\nEverything else stands in {run.instance.endpoint_files[-1]}. The command line on this run:")
    run.progress.say(f"  . {folder}/environment && {setup.ORDERBRIDGE} status")


def stop_once(number: int, frame: FrameType | None) -> None:
    """Turn the first signal into an orderly end, and let no second one interrupt it."""
    del number, frame
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise KeyboardInterrupt


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.run", description=__doc__)
    parser.add_argument("--demo", action="store_true", help="end after the table; exit code 0 if the verdict is clean")
    for name in ("aws", "tradestation", "tradelocker"):
        parser.add_argument(f"--{name}-port", type=int, default=0, help="a free one by default")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run; give the exit code."""
    options = parse(arguments)
    progress = Progress()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop_once)
    try:
        with started(options, progress) as run:
            make_ready(run)
            progress.say(f"  Up after {progress.elapsed_s():.0f} s.")
            wrong = show(run)
            if options.demo:
                return 1 if wrong else 0
            print_webhooks(run)
            progress.say("Ctrl-C ends everything.")
            return stay_up(run)
    except KeyboardInterrupt:
        progress.say("\nEnded.")
        return 0 if not options.demo else 130
    except (processes.StartError, TooManyRunsError) as error:
        progress.say(str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
