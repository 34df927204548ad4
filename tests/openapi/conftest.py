"""Prints the tables that the tests have recorded, at the end of the run."""

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()):
                if name == "contract" and getattr(report, "when", "") == "call":
                    terminalreporter.section("how each operation answered")
                    terminalreporter.write_line(str(value))
