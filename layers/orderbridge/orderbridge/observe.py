"""Logs and metrics of the functions that may take their time: Powertools, with secrets kept out at the source.

The alert receiver has a small formatter of its own, since Powertools would slow its cold start.
"""

import logging
import os

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging import utils
from aws_lambda_powertools.metrics import MetricUnit, single_metric

NAMESPACE = "Orderbridge"
NOISY = ("httpx", "httpcore", "botocore", "urllib3")
"""Libraries that log URLs, headers or signed requests."""


def logger_for(service: str) -> Logger:
    """Make the function's JSON logger and have the bridge's own loggers write through it."""
    logger = Logger(service=service, log_uncaught_exceptions=False)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("orderbridge").propagate = True
    utils.copy_config_to_registered_loggers(source_logger=logger, include={"orderbridge"})
    return logger


def metric(name: str, value: float, unit: MetricUnit = MetricUnit.Count, **about: str) -> None:
    """Write one metric (EMF) to the log; `about` stands beside it in the log line.

    The stack is its one dimension: the template's alarms watch exactly that, and an alarm matches dimensions exactly.
    """
    stack = os.environ["SECRET_PREFIX"].split("/")[1]  # `orderbridge/STACK/`
    with single_metric(name=name, unit=unit, value=value, namespace=NAMESPACE) as one:
        one.add_dimension(name="Stack", value=stack)
        for key, text in about.items():
            one.add_metadata(key=key, value=text)
