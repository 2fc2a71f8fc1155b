"""YAML with lines: every mistake is one line that names file, line and the nearest valid name."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.core.errors import AuthorError
from checks.core.yamlio import parse, read


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: [1, 2", 1, "not valid YAML"),
        ("a: 1\nb: 'x\n", 2, "not valid YAML"),
        ("a: 1\nb: 2\na: 3\n", 3, "'a' stands twice"),
        ("a: &x\n  b: *x\n", 1, "refers to itself"),
        ("a: !!python/object:os.system {}\n", 1, "unknown YAML tag"),
        ("? [a, b]\n: 1\n", 1, "plain text"),
        ("a: !secret x\n", 1, "unknown YAML tag"),
        ("a: 1\n\tb: 2\n", 2, "not valid YAML"),
    ],
)
def test_a_mistake_is_one_line_that_names_the_place(text: str, line: int, words: str) -> None:
    with pytest.raises(AuthorError) as caught:
        parse(text, AuthorError, shown="x.yaml")
    message = str(caught.value)
    assert message.startswith(f"x.yaml:{line}: ")
    assert words in message
    assert "\n" not in message


def test_every_key_and_item_has_its_line() -> None:
    document = parse("a:\n  - x\n  - b: 1\n", AuthorError, shown="x.yaml")
    assert document.line(("a", 1, "b")) == 3
    assert document.line(("a", 0)) == 2
    assert document.line(("a", 7, "nowhere")) == 1  # the nearest thing around it


def test_dates_stay_text_and_aliases_are_shared() -> None:
    document = parse("a: &d 2026-01-15\nb: *d\nc: 9.2\n", AuthorError, shown="x.yaml")
    assert document.data == {"a": "2026-01-15", "b": "2026-01-15", "c": 9.2}


def test_a_multiplying_alias_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(AuthorError, match="too many nodes"):
        parse("\n".join(lines), AuthorError, shown="x.yaml")


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"a: \xff\xfe", "not UTF-8"), (b"a: 1\nb: \x80", "x.yaml:2")],
)
def test_a_file_that_is_no_text(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "x.yaml").write_bytes(content)
    with pytest.raises(AuthorError, match=words):
        read(tmp_path / "x.yaml", AuthorError)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AuthorError, match=r"x\.yaml: cannot be read \(No such file"):
        read(tmp_path / "x.yaml", AuthorError)


@given(st.text(max_size=60))
def test_whatever_the_text_the_answer_is_data_or_one_line(text: str) -> None:
    try:
        parse(text, AuthorError, shown="x.yaml")
    except AuthorError as error:
        said = str(error)
    else:
        said = ""
    assert "\n" not in said
