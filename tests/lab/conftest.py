"""One running lab for all tests of a process that spoil it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab.workbench import Workbench, workbench


@pytest.fixture(scope="session")
def running_lab() -> Iterator[Workbench]:
    with workbench() as bench:
        yield bench


@pytest.fixture
def bench(running_lab: Workbench) -> Workbench:
    """The lab, clean."""
    running_lab.reset()
    return running_lab
