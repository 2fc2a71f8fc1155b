"""Observations as a report may show them: without a path of the machine that ran."""

from __future__ import annotations

import re
from pathlib import PurePath

from checks.core import model
from reports import shape

LONGEST = 2_000
"""Characters of one text that are kept; what comes of a target's names has no limit of its own."""

# Control characters, lone surrogates (file names that are not UTF-8) and the marks that turn the
# direction of writing: none can be stored as UTF-8 or shown without hiding what stands beside it.
_UNSHOWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def showable(text: str) -> str:
    """Return ``text`` cut to :data:`LONGEST`, with U+FFFD for each character that cannot be shown."""
    shown = _UNSHOWABLE.sub("\ufffd", text)
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


class Evidence:
    """Rewrites what a verdict holds, given the folder that the run was started from."""

    def __init__(self, root: PurePath | None) -> None:
        self._root = root
        self._prefix = f"{root}/" if root is not None and len(root.parts) > 1 else None

    def text(self, text: str) -> str:
        """Return ``text`` fit to be shown, with paths below the root told from there."""
        return showable(text if self._prefix is None else text.replace(self._prefix, ""))

    def place(self, location: model.Location) -> shape.Place:
        """Return a location: addresses as they are, paths from the root, or by their last two parts."""
        path = location.path
        if path.startswith("/"):
            whole = PurePath(path)
            if self._root is not None and whole.is_relative_to(self._root):
                path = whole.relative_to(self._root).as_posix()
            else:
                path = "/".join(("…", *whole.parts[1:][-2:]))
        return shape.Place(path=showable(path), line=location.line)

    def observation(self, seen: model.Observation, remediation: str | None = None) -> shape.Observation:
        """Return one observation; ``remediation`` is the control's own, where there is none nearer.

        Its fingerprint is left open: it counts among the other findings of a verdict.
        """
        measure = seen.measure
        return shape.Observation(
            subject=self.text(seen.subject),
            detail=self.text(seen.detail),
            location=None if seen.location is None else self.place(seen.location),
            measure=None
            if measure is None
            else shape.Measure(
                looked=measure.looked,
                unit=measure.unit,
                of=measure.of,
                bytes=measure.size,
                oldest=measure.oldest,
            ),
            remediation=self.text(seen.remediation) if seen.remediation else remediation,
            fingerprint=None,
        )
