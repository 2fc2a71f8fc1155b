"""Files that a control leaves out, by the patterns of ``policyproof scan --exclude``, and says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from checks.connectors.files import TargetFile
from checks.core.errors import Nothing
from checks.scanner.places import pattern_above


class LeftOut:
    """What ``patterns`` leave out of a look. One without a slash is held against the last part of a name."""

    def __init__(self, patterns: Sequence[str]) -> None:
        self.patterns = tuple(patterns)
        self._by: Counter[str] = Counter()

    @property
    def number(self) -> int:
        """How many were left out: files, and folders with all below."""
        return self._by.total()

    def rest(self, target: str, files: Sequence[TargetFile]) -> list[TargetFile]:
        """Return ``files`` without those left out; raises ``Nothing``, naming ``target``, if none remain."""
        rest = [file for file in files if not self.takes(file.path)]
        if files and not rest:
            raise Nothing(f"{target}: the control leaves out every file")
        return rest

    def takes(self, name: str) -> bool:
        """Whether ``name``, or a folder that it lies in, is left out; counts it then."""
        pattern = pattern_above(name, self.patterns)
        if pattern is not None:
            self.note(pattern)
        return pattern is not None

    def note(self, pattern: str) -> None:
        """Count what ``pattern`` left out."""
        self._by[pattern] += 1

    @property
    def said(self) -> str:
        """How much was left out by which pattern."""
        by = ", ".join(f"{number} by {pattern}" for pattern, number in self._by.items())
        return f"left out, as the control says: {by}"
