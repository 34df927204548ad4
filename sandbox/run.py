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
from sandbox.demo import endpoints
from sandbox.demo.brokers import SimulatedBroker, simulated_broker
from sandbox.demo.instance import Instance, TooManyRunsError, claim
from sandbox.demo.progress import Progress
from sandbox.local_aws import LocalAws, Stack, build, deploy, local_aws, warm_up

LOOK_EVERY_S = 0.5


@dataclass
class Run:
    """What a run has made so far."""

    instance: Instance
    progress: Progress
    aws: LocalAws
    brokers: tuple[SimulatedBroker, ...]
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
        with progress.step("Building the functions and their layer (sam build)"):
            built = build(aws)
        with progress.step("Deploying template.yaml (sam deploy)"):
            hosts = tuple(origin(broker.base_url) for broker in brokers)
            stack = deploy(aws, built, instance.stack_name, broker_hosts=hosts)
        with progress.step("Warming the functions up"):
            warm_up(aws, stack)
        yield Run(instance, progress, aws, brokers, stack)


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
    """Print a `curl` line for each strategy."""
    for strategy, key in run.keys.items():
        url = endpoints.webhook_url(run.stack, strategy, key)
        run.progress.say(f"  curl -d @events/alerts/FILE.json {url}")
    run.progress.say(f"  everything else: {run.instance.endpoint_files[-1]}")


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
            endpoints.write(run.instance, run.aws, run.stack, run.brokers, run.keys)
            progress.say(f"Up after {progress.elapsed_s():.0f} s.")
            if options.demo:
                return 1
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
