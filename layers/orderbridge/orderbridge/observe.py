"""Logs and metrics of the functions that may take their time: Powertools, with secrets kept out at the source.

The alert receiver has a small formatter of its own, since Powertools would slow its cold start.
"""

import logging

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


def metric(name: str, value: float, unit: MetricUnit = MetricUnit.Count, **dimensions: str) -> None:
    """Write one metric (EMF) to the log."""
    with single_metric(name=name, unit=unit, value=value, namespace=NAMESPACE) as one:
        for key, text in dimensions.items():
            one.add_dimension(name=key, value=text)
