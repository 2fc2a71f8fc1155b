"""What a browser says is told in our words; what it did not say is a bug of ours and stays one."""

from __future__ import annotations

import pytest

from checks.connectors.browser_errors import not_assessed
from checks.core.errors import TimedOut, Unreadable


def test_a_bug_of_ours_is_not_taken_for_the_browsers() -> None:
    bug = KeyError("4111 1111 1111 1111")
    with pytest.raises(KeyError) as raised:
        not_assessed("site: /", bug, 1.0)
    assert raised.value is bug


def test_what_the_machine_or_the_clock_says_is_told() -> None:
    assert isinstance(not_assessed("site: /", TimeoutError(), 1.0), TimedOut)
    assert isinstance(not_assessed("site: /", BrokenPipeError("secret"), 1.0), Unreadable)
    assert "secret" not in str(not_assessed("site: /", BrokenPipeError("secret"), 1.0))
