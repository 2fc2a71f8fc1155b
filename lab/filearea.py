"""The lab's area of files: what people upload, and exports that are prepared for them."""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class FileArea:
    """Files below ``root``."""

    root: Path

    def fill(self) -> None:
        """Put there what is there at the start: nobody's, and of several formats."""
        uploads = self.root / "uploads"
        uploads.mkdir(parents=True)
        (self.root / "exports").mkdir()
        (uploads / "logo.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><circle r="4"/></svg>\n')
        (uploads / "import.csv").write_text("sku,amount\nA-100,4\nB-200,7\n")
        with zipfile.ZipFile(uploads / "theme.zip", "w", zipfile.ZIP_DEFLATED) as theme:
            theme.writestr("theme/colours.json", json.dumps({"primary": "#0a7"}))

    def prepare(self, account: str, export: Any) -> None:
        """Keep an export for the person to fetch; a later one takes its place."""
        (self.root / "exports" / f"{account}.json").write_text(json.dumps(export))

    def remove(self, account: str) -> None:
        """Delete what was prepared for an account."""
        (self.root / "exports" / f"{account}.json").unlink(missing_ok=True)
