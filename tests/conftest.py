"""What all tests of a process share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from checks.connectors.browser_runtime import runtime

# No test is timed: an example that is slow on a busy machine proves nothing.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session")
def one_browser() -> Iterator[None]:
    """Keep the browser that is started first for all who look at a site."""
    with runtime():
        yield
