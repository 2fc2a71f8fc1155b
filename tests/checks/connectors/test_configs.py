"""Config targets over real files: each view, and files that are broken, empty or not there."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from checks.connectors.config_text import LIMIT
from checks.connectors.config_toml import read_toml
from checks.connectors.config_trees import read_json, read_yaml
from checks.connectors.configs import ConfigFiles, Setting
from checks.core.errors import NotAssessed, Nothing, Refused, TooLarge, Unreachable, Unreadable
from checks.core.model import Address, Files, Location, Target


def target(root: Path, pattern: str, format_: str, *, may_be_empty: bool = False) -> Target:
    spec = Files("app", "config", "App", pattern, format_, options={}, may_be_empty=may_be_empty)
    return Target("app", "config", "App", spec, Address("LAB_CONFIG_DIR", str(root)))


def settings(root: Path, name: str, format_: str, text: str) -> list[tuple[str, str, int | None]]:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    with ConfigFiles.open(target(root, name, format_)) as view:
        return [(s.key, s.value, s.location.line) for s in view.settings()]


def hosts(root: Path, name: str, format_: str, text: str) -> list[tuple[str, int | None]]:
    (root / name).write_text(text)
    with ConfigFiles.open(target(root, name, format_)) as view:
        return [(reference.host, reference.location.line) for reference in view.hosts()]


SETTINGS = {
    "yaml": (
        "app.yaml",
        "# comment\na:\n  b: 1\n  c: [x, {d: 'y'}]\n'e f': ~\n---\ng: !Ref h\n",
        [("a.b", "1", 3), ("a.c[0]", "x", 4), ("a.c[1].d", "y", 4), ("e f", "", 5), ("g", "h", 7)],
    ),
    "yaml merge": (
        "app.yaml",
        "base: &b {p: 1, q: 2}\nuse:\n  <<: *b\n  q: 3\nlist: [*b]\n",
        [
            ("base.p", "1", 1),
            ("base.q", "2", 1),
            ("use.q", "3", 4),
            ("use.p", "1", 1),
            ("list[0].p", "1", 1),
            ("list[0].q", "2", 1),
        ],
    ),
    "json": (
        "app.json",
        '{"a": {"b": [1, true,\n null, "x\\u00e9", {"c": "}"}]},\n "d": {}, "e": [], "a": 1.50}\n',
        [
            ("a.b[0]", "1", 1),
            ("a.b[1]", "true", 1),
            ("a.b[2]", "", 2),
            ("a.b[3]", "xé", 2),
            ("a.b[4].c", "}", 2),
            ("a", "1.50", 3),
        ],
    ),
    "toml": (
        "app.toml",
        'a = 1 # one\nb.c = "x\\ty"\n[t."u v"]\nd = [\n 1.5,\n  # two\n '
        "{e = 'f', g = 1979-05-27 07:32:00},\n]\n"
        "[[l]]\nn = \"\"\"\nx\n\"\"\"\n[[l]]\nn = '''y'''\n[l.m]\no = {}\np = true\n",
        [
            ("a", "1", 1),
            ("b.c", "x\ty", 2),
            ("t.u v.d[0]", "1.5", 5),
            ("t.u v.d[1].e", "f", 7),
            ("t.u v.d[1].g", "1979-05-27 07:32:00", 7),
            ("l[0].n", "x\n", 10),
            ("l[1].n", "y", 14),
            ("l[1].m.p", "true", 17),
        ],
    ),
    "ini": (
        "app.ini",
        "top = 1\n; c\n[s]\nkey: a=b\nlong = x\n  y\n\n# c\nflag\n[s]\nkey =\n",
        [("top", "1", 1), ("s.key", "a=b", 4), ("s.long", "x\ny", 5), ("s.flag", "", 9), ("s.key", "", 11)],
    ),
    "env": (
        "app.env",
        '# c\nA=1 # note\nexport B=\'x # y\'\nC="a\\"b\\n${HOME}" # c\n'
        'D=\nE\nF="-----\nkey\n-----"\nG = h#i\n',
        [
            ("A", "1", 2),
            ("B", "x # y", 3),
            ("C", 'a"b\n${HOME}', 4),
            ("D", "", 5),
            ("E", "", 6),
            ("F", "-----\nkey\n-----", 7),
            ("G", "h#i", 10),
        ],
    ),
    "compose": (
        "compose.yml",
        "services:\n  a:\n    environment:\n      - X=1=2\n      - Y\n    command: [Z=1]\n",
        [
            ("services.a.environment.X", "1=2", 4),
            ("services.a.environment.Y", "", 5),
            ("services.a.command[0]", "Z=1", 6),
        ],
    ),
    "nginx": (
        "edge.conf",
        "user nginx; # c\nhttp {\n server { listen 443 ssl; }\n"
        " server {\n  location / { return 200 'a b'; }\n }\n}\n",
        [
            ("user", "nginx", 1),
            ("http", "", 2),
            ("http.server[0]", "", 3),
            ("http.server[0].listen", "443 ssl", 3),
            ("http.server[1]", "", 4),
            ("http.server[1].location", "/", 5),
            ("http.server[1].location.return", "200 a b", 5),
        ],
    ),
    "requirements": (
        "requirements.txt",
        "--index-url https://u:p@pypi.example/simple\nhttpx[http2]>=0.27 ; python_version > '3.8' # c\n",
        [
            ("--index-url", "https://u:p@pypi.example/simple", 1),
            ("packages.httpx", ">=0.27 ; python_version > '3.8'", 2),
        ],
    ),
    "logrotate": (
        "rotate",
        "weekly\n/var/log/a {\n rotate 4\n postrotate\n  curl x\n endscript\n}\n",
        [
            ("weekly", "", 1),
            ("block[0]", "/var/log/a", 2),
            ("block[0].rotate", "4", 3),
            ("block[0].postrotate", "  curl x", 4),
        ],
    ),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_every_setting_with_its_line(case: str, tmp_path: Path) -> None:
    name, text, expected = SETTINGS[case]
    assert settings(tmp_path, name, case.split()[0], text) == expected
    # Windows line ends and a byte order mark change nothing.
    assert settings(tmp_path, name, case.split()[0], "\ufeff" + text.replace("\n", "\r\n")) == expected


BROKEN = {
    "yaml": ["a: [1\nb: }", "a: *nobody", "\tx: 1", "just text", "a: \x07"],
    "json": ['{"a": 1,\n}', "[1", "nonsense", '"text"', "{} {}"],
    "toml": ["a = ", "a = 1\na = 2", "[t", "d = 2020-13-01"],
    "ini": ["[s\na = 1", "two words without a sign"],
    "env": ["A='x", 'A="x" y', "= 1", "two words"],
    "compose": ["services: [", "text"],
    "nginx": ["http {", "a b", "}", "server { listen 80 }", "a 'b;"],
    "logrotate": [
        "/a {\n rotate x\n}",
        "/a {\n rotate 1\n",
        "/a",
        "{ daily }",
        "/a {\n postrotate\n x\n}",
        "'/a { }",
        "/a {\n{\n}",
    ],
    "package-json": ["{,}"],
    "requirements": ["two words", "==1.0", "https://x.example/y", "-", "-r missing.txt", "-r ../out.txt"],
}


@pytest.mark.parametrize(("format_", "text"), [(f, t) for f, texts in BROKEN.items() for t in texts])
def test_a_malformed_file_is_unreadable_and_its_text_is_kept_back(
    format_: str, text: str, tmp_path: Path
) -> None:
    (tmp_path / "x").write_text(f"{text}")
    with ConfigFiles.open(target(tmp_path, "x", format_)) as view:
        with pytest.raises(Unreadable, match=r"^app: x\b") as caught:
            list(view.settings())
        with pytest.raises(Unreadable):  # and stays so
            list(view.hosts())
    assert not any(word in str(caught.value) for word in ("two words", "nobody", "missing", "postrotate\n"))


@pytest.mark.parametrize("format_", [f for f in BROKEN if f not in ("json", "package-json")])
def test_an_empty_file_is_nothing(format_: str, tmp_path: Path) -> None:
    for text in ("", "\n \n", "# comment\n"):
        (tmp_path / "x").write_text(text)
        with (
            ConfigFiles.open(target(tmp_path, "x", format_)) as view,
            pytest.raises(Nothing, match="x is empty"),
        ):
            list(view.settings())
        with ConfigFiles.open(target(tmp_path, "x", format_, may_be_empty=True)) as view:
            assert list(view.settings()) == list(view.hosts()) == []


def _missing(root: Path) -> None:
    root.rmdir()


def _outside(root: Path) -> None:
    (root.parent / "out.yaml").write_text("a: 1")
    (root / "x.yaml").symlink_to(root.parent / "out.yaml")


def _locked(root: Path) -> None:
    (root / "x.yaml").write_text("a: 1")
    (root / "x.yaml").chmod(0)


def _content(data: bytes) -> Callable[[Path], None]:
    def write(root: Path) -> None:
        (root / "x.yaml").write_bytes(data)

    return write


@pytest.mark.parametrize(
    ("arrange", "error", "words"),
    [
        (_missing, Unreachable, "does not exist"),
        (lambda root: None, Nothing, "no file matches"),
        (_outside, Unreadable, "leaves its folder"),
        (_content(b"a: \0\1"), Unreadable, "x.yaml is binary"),
        (_content(b"a: 1\nb: \xff\n"), Unreadable, "x.yaml:2 is not UTF-8"),
        (_content(b"a: 1\n" * (LIMIT // 5 + 1)), TooLarge, "x.yaml is larger than 20 MiB"),
        (_content(b"- " * 3000 + b"1"), NotAssessed, "x.yaml"),
        (_content(b"[" * 200 + b"1" + b"]" * 200), TooLarge, "deeper than"),
        (_content(b"a: &a [*a]"), TooLarge, "deeper than"),
        pytest.param(
            _locked,
            Refused,
            "permission denied",
            marks=pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything"),
        ),
    ],
)
def test_what_cannot_be_looked_at_says_so(
    arrange: Callable[[Path], None], error: type[NotAssessed], words: str, tmp_path: Path
) -> None:
    root = tmp_path / "root"
    root.mkdir()
    arrange(root)
    with pytest.raises(error, match=words), ConfigFiles.open(target(root, "x.yaml", "yaml")) as view:
        list(view.settings())


def test_an_anchor_bomb_is_too_large(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    with pytest.raises(TooLarge, match="more than 500000 settings"):
        settings(tmp_path, "x.yaml", "yaml", "\n".join(lines))
    with pytest.raises(TooLarge, match="nested too deeply"):
        settings(tmp_path, "x.json", "json", "[" * 100_000 + "]" * 100_000)


def test_an_unknown_format_is_refused_when_opened(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("a")
    with (
        pytest.raises(Unreadable, match="cobol is no format"),
        ConfigFiles.open(target(tmp_path, "x", "cobol")),
    ):
        pass


def test_a_broken_file_does_not_hide_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("a: [")
    (tmp_path / "b.yaml").write_text("url: https://b.partner.net")
    with ConfigFiles.open(target(tmp_path, "*.yaml", "yaml")) as view:
        assert [file.path for file in view.files()] == ["a.yaml", "b.yaml"]
        references = view.hosts()
        assert next(references).host == "b.partner.net"
        with pytest.raises(Unreadable, match=r"app: a\.yaml:1 is not valid YAML"):
            next(references)


def test_each_file_is_read_once(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("a: 1")
    with ConfigFiles.open(target(tmp_path, "x.yaml", "yaml")) as view:
        assert len(list(view.settings())) == 1
        (tmp_path / "x.yaml").unlink()
        assert len(list(view.settings())) == 1


def test_values_do_not_print() -> None:
    assert "hunter2" not in repr(Setting("x", "PASSWORD", "hunter2", Location("x", 1)))


def test_a_key_that_is_no_name_does_not_print(tmp_path: Path) -> None:
    text = json.dumps({"ada@example.com": {"x": 1}, "@scope/pkg": 1, "k" * 100: 2})
    assert [key for key, _, _ in settings(tmp_path, "x.json", "json", text)] == [
        "<key>.x",
        "@scope/pkg",
        "<key>",
    ]


def test_views_that_a_format_does_not_have(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("a: 1")
    with ConfigFiles.open(target(tmp_path, "x", "yaml")) as view:
        assert view.format == "yaml"
        with pytest.raises(Unreadable, match="names no packages"):
            view.packages()
        with pytest.raises(Unreadable, match="has no rotation rules"):
            view.rotations()


SCALARS = st.text("ab: \"'\\{}[],#\n", max_size=6) | st.integers() | st.booleans()
DOCUMENTS = st.dictionaries(
    st.text("abc.-", min_size=1, max_size=3),
    st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", min_size=1), inner)
    ),
    max_size=4,
)


def leaves(value: Any, trail: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, dict | list):
        steps = value.items() if isinstance(value, dict) else enumerate(value)
        for step, inner in steps:
            yield from leaves(inner, (*trail, step))
    else:
        yield trail, json.dumps(value) if isinstance(value, bool) else str(value)


@given(DOCUMENTS, st.sampled_from([None, 1]))
def test_readers_see_what_the_standard_parsers_see(document: dict[str, Any], indent: int | None) -> None:
    expected = list(leaves(document))
    as_json = json.dumps(document, indent=indent)
    for text, read in (
        (as_json, read_json),
        (yaml.safe_dump(document, sort_keys=False, default_flow_style=indent is None), read_yaml),
    ):
        assert [(entry.trail, entry.value) for entry in read(text) if not entry.branch] == expected
    for entry in read_json(as_json):
        line = as_json.split("\n")[entry.line - 1]
        assert entry.branch or entry.value in line or json.dumps(entry.value) in line


@given(DOCUMENTS)
def test_toml_is_seen_as_the_standard_parser_sees_it(document: dict[str, Any]) -> None:
    inline = "\n".join(f"{json.dumps(key)} = {toml(value)}" for key, value in document.items())
    assert tomllib.loads(inline) == document
    found = [(entry.trail, entry.value) for entry in read_toml(inline) if not entry.branch]
    assert found == list(leaves(document))


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[ # c ]\n" + "".join(f"{toml(inner)},\n" for inner in value) + "]"
    return json.dumps(value)
