"""The small project, fresh for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.end_to_end.project import Project, make


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make(tmp_path)
