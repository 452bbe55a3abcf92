"""Runs tests in this process, with whatever fault is planted in it, until the first of them fails."""

import pytest


class _First:
    """Keeps the name of the first test that fails."""

    def __init__(self) -> None:
        self.failed = ""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid


def first_failure(*tests: str) -> tuple[str, int]:
    """The first test that fails, "" if none does, and the code with which the run ended."""
    first = _First()
    code = pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests], plugins=[first])
    return first.failed, int(code)
