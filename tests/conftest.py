"""What all tests of a process share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from checks.connectors.browser_runtime import runtime


@pytest.fixture(scope="session")
def one_browser() -> Iterator[None]:
    """Keep the browser that is started first for all who look at a site."""
    with runtime():
        yield
