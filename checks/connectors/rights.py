"""An API through which people use their rights, tried by a canary person: the rights drill.

The one connector that changes something. It does so only when a check asks for the drill, which the
registry allows where the control says ``changes: true`` and the environment has opted in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, ClassVar, Self

from checks.connectors import rights_drill
from checks.connectors.rights_drill import Drill
from checks.connectors.rights_http import Caller
from checks.connectors.rights_hunt import Read
from checks.core.errors import NotAssessed, Refused
from checks.core.model import Inventory, Rights, Target
from checks.detectors.canary import KEY_LENGTH, Canaries


class RightsDesk:
    """Where people ask for their rights. The drill runs once, and every check judges its own part."""

    kind: ClassVar[str] = "rights"

    def __init__(self, target: Target, caller: Caller, canaries: Canaries) -> None:
        assert isinstance(target.spec, Rights)  # noqa: S101  the inventory's loader sees to it
        self.target = target
        self.spec = target.spec
        self.canaries = canaries
        self._caller = caller
        self._result: Drill | NotAssessed | None = None

    @classmethod
    @contextmanager
    def open(cls, target: Target, *, timeout: float = 10.0) -> Iterator[Self]:
        """Yield the view; nothing is sent yet. ``timeout`` (seconds) bounds each wait, thrice that a request.

        Raises ``MissingAddress`` without address or key, ``Refused`` for a key that is too short.
        """
        key = target.secrets["key"].reveal()
        try:
            canaries = Canaries(key)
        except ValueError:
            needed = f"at least {KEY_LENGTH} characters are needed"
            raise Refused(f"{target.id}: {target.secrets['key']} is no usable key, {needed}") from None
        with Caller.open(target, timeout=timeout) as caller:
            yield cls(target, caller, canaries)

    def drill(self, inventory: Inventory, view: Callable[[str], Any], now: datetime, read: Read) -> Drill:
        """Return the facts of the drill, run at the first call; changes the target, and cleans up.

        ``view`` gives the view of another target, ``read`` what a cache or an area of files holds.
        Raises ``NotAssessed`` if no canary can join.
        """
        if self._result is None:
            try:
                self._result = rights_drill.run(
                    self._caller, self.spec, self.canaries, inventory, view, now, read
                )
            except NotAssessed as error:
                self._result = error
        if isinstance(self._result, NotAssessed):
            raise self._result.with_traceback(None)
        return self._result
