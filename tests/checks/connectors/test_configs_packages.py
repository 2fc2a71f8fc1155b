"""Packages of manifests and locks, and the rules of logrotate and S3 lifecycle documents."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.connectors.configs import ConfigFiles
from checks.core.errors import NotAssessed, Nothing, Unreadable
from tests.checks.connectors.test_configs import target


def packages(root: Path, name: str, format_: str, text: str) -> list[tuple[str, str]]:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    with ConfigFiles.open(target(root, name, format_)) as view:
        return [(package.name, str(package.location)) for package in view.packages()]


def names(root: Path, name: str, format_: str, text: str) -> list[str]:
    return [package for package, _ in packages(root, name, format_, text)]


def test_every_group_of_a_package_json(tmp_path: Path) -> None:
    manifest = {
        "name": "own",
        "dependencies": {
            "vue": "^3",
            "socket.io": "1",
            "@a/b": "2",
            "fast": "npm:real@^1",
            "own-lib": "file:../lib",
        },
        "devDependencies": {"vite": "5"},
        "peerDependencies": {"react": ">=18"},
        "peerDependenciesMeta": {"react": {"optional": True}},
        "optionalDependencies": {"fsevents": "*"},
        "bundleDependencies": ["inside"],
        "scripts": {"build": "vite"},
    }
    found = packages(tmp_path, "package.json", "package-json", json.dumps(manifest, indent=1))
    expected = "vue socket.io @a/b fast real own-lib vite react fsevents inside"
    assert [name for name, _ in found] == expected.split()
    assert found[0] == ("vue", "package.json:4")
    assert names(tmp_path, "package.json", "package-json", '{"name": "x", "dependencies": {}}') == []


LOCKS = {
    "version 1": (
        "package-lock.json",
        {
            "lockfileVersion": 1,
            "dependencies": {
                "vue": {
                    "version": "3.5.0",
                    "requires": {"not-here": "1"},
                    "dependencies": {"@a/b": {"version": "1"}},
                },
                "fast": {"version": "npm:real@1.0.0"},
                "bare": {},
            },
        },
        "vue @a/b fast real bare",
    ),
    "version 2": (
        "package-lock.json",
        {
            "lockfileVersion": 2,
            "packages": {
                "": {"name": "own", "dependencies": {"vue": "^3"}},
                "node_modules/vue": {"version": "3.5.0", "dependencies": {"peer": "1"}},
                "node_modules/vue/node_modules/@a/b": {"version": "1"},
                "node_modules/fast": {"name": "real", "version": "1"},
                "node_modules/bare": {},
                "libs/own": {"version": "1"},
                "node_modules/own": {"resolved": "libs/own", "link": True},
            },
            "dependencies": {"vue": {"version": "3.5.0"}},
        },
        "vue @a/b fast real bare own",
    ),
    "version 3, nothing installed": ("package-lock.json", {"lockfileVersion": 3, "packages": {}}, ""),
    "Pipenv": (
        "Pipfile.lock",
        {
            "_meta": {"hash": {"sha256": "x"}},
            "default": {"httpx": {"version": "==1"}},
            "develop": {"pytest": {}},
        },
        "httpx pytest",
    ),
}


@pytest.mark.parametrize("case", LOCKS)
def test_json_locks(case: str, tmp_path: Path) -> None:
    name, lock, expected = LOCKS[case]
    format_ = "requirements" if name == "Pipfile.lock" else "package-lock"
    assert names(tmp_path, name, format_, json.dumps(lock)) == expected.split()


@pytest.mark.parametrize("text", ['{"a": 1}', '{"name": "x", "version": "1"}'])
def test_a_json_document_that_is_no_lock_is_unreadable(text: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="is no lock file"):
        packages(tmp_path, "package-lock.json", "package-lock", text)


YARN_1 = (
    '# yarn lockfile v1\n\n"@a/b@^1.0.0", "@a/b@^1.1.0":\n  version "1.1.0"\n  dependencies:\n'
    '    inner "^1"\n'
    "vue@^3:\n  version 3\n"
)
YARN_3 = '__metadata:\n  version: 6\n\n"fast@npm:real@^1.0.0":\n  version: 1\n"vue@npm:^3":\n  version: 3\n'
PNPM = (
    "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n"
    "      vue: {specifier: ^3, version: 3.5.0}\n"
    "packages:\n  '@a/b@1.0.0':\n    resolution: {integrity: x}\n  /old@1.0.0(peer@2): {dev: true}\n"
    "  /older/1.0.0: {}\n"
    "snapshots:\n  vue@3.5.0: {}\n"
)
POETRY = """
[[package]]
name = "httpx"
version = "1"
[package.dependencies]
inner = "*"
[[package]]
name = "idna"
"""
PYPROJECT = """
[build-system]
requires = ["hatchling>=1.26"]
[project]
name = "own"
dependencies = ["httpx[http2]>=0.27", "psycopg ; python_version > '3.8'"]
[project.optional-dependencies]
x = ["stripe==1"]
[dependency-groups]
dev = ["pytest", {include-group = "more"}]
more = ["ruff"]
[tool.poetry.dependencies]
python = "^3.11"
django = "*"
flask = {version = "1", extras = ["async"]}
[tool.poetry.group.test.dependencies]
tox = "*"
[tool.other]
dependencies = ["not this"]
"""


@pytest.mark.parametrize(
    ("name", "format_", "text", "expected"),
    [
        ("yarn.lock", "package-lock", YARN_1, "@a/b vue"),
        ("yarn.lock", "package-lock", YARN_3, "fast real vue"),
        ("pnpm-lock.yaml", "package-lock", PNPM, "@a/b old older vue"),
        ("poetry.lock", "requirements", POETRY, "httpx idna"),
        ("uv.lock", "requirements", "version = 1\n" + POETRY, "httpx idna"),
        (
            "pyproject.toml",
            "requirements",
            PYPROJECT,
            "hatchling httpx psycopg stripe pytest ruff django flask tox",
        ),
    ],
)
def test_manifests_and_locks_told_by_their_name(
    name: str, format_: str, text: str, expected: str, tmp_path: Path
) -> None:
    assert names(tmp_path, name, format_, text) == expected.split()


REQUIREMENTS = """\
# comment
--index-url https://user:hunter2@pypi.example/simple
httpx[http2]>=0.27,<1  # comment
Sentry_SDK == 2.17.0 ; python_version > '3.8'
jinja2==3.1.6 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
zope.interface~=6
pip @ https://files.partner.net/pip-1-py3-none-any.whl
(bad
"""


def test_requirements(tmp_path: Path) -> None:
    good = REQUIREMENTS.replace("(bad\n", "")
    found = packages(tmp_path, "requirements.txt", "requirements", good)
    assert found == [
        ("httpx", "requirements.txt:3"),
        ("Sentry_SDK", "requirements.txt:4"),
        ("jinja2", "requirements.txt:5"),
        ("zope.interface", "requirements.txt:8"),
        ("pip", "requirements.txt:9"),
    ]
    with pytest.raises(Unreadable, match=r"requirements\.txt:10 has a requirement") as caught:
        packages(tmp_path, "requirements.txt", "requirements", REQUIREMENTS)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("-e .", ""),
        ("./lib", ""),
        ("-e git+https://git.partner.net/x.git@v1#egg=lib-x&subdirectory=y", "lib-x"),
        ("git+https://git.partner.net/x.git#egg=lib-x", "lib-x"),
        ("https://files.partner.net/lib_x-1.0-py3-none-any.whl", "lib_x"),
        ("https://files.partner.net/lib-x-1.0.tar.gz#sha256=aa", "lib-x"),
        ("./wheels/lib_x-1.0-py3-none-any.whl", "lib_x"),
        ("--no-binary :all:\nx", "x"),
        ("-c constraints.txt\nx", "x"),
        ("--pre\nx", "x"),
        ("x===1", "x"),
        ("x!=1", "x"),
        ("x --config-settings a=b", "x"),
        ("x (>=1)", "x"),
    ],
)
def test_lines_of_requirements(line: str, expected: str, tmp_path: Path) -> None:
    assert names(tmp_path, "r.txt", "requirements", line + "\n") == expected.split()


def test_requirements_include_each_other(tmp_path: Path) -> None:
    (tmp_path / "reqs").mkdir()
    (tmp_path / "reqs" / "base.txt").write_text("-r more.txt\nhttpx\n")
    (tmp_path / "reqs" / "more.txt").write_text("--requirement=../worker.txt\nredis\n")
    found = packages(tmp_path, "worker.txt", "requirements", "-rreqs/base.txt\nstripe\n")
    assert found == [("redis", "reqs/more.txt:2"), ("httpx", "reqs/base.txt:2"), ("stripe", "worker.txt:2")]


@pytest.mark.parametrize("path", ["gone.txt", "../out.txt", "https://x.partner.net/r.txt", "/etc/hostname"])
def test_requirements_elsewhere_are_not_passed_over(path: str, tmp_path: Path) -> None:
    (tmp_path / "out.txt").write_text("x")
    root = tmp_path / "root"
    with pytest.raises(Unreadable, match=r"r.txt:2 includes a file that is not found"):
        packages(root, "r.txt", "requirements", f"httpx\n-r {path}\n")


def rules(root: Path, name: str, format_: str, text: str) -> list[tuple[str, float | None, int | None]]:
    (root / name).write_text(text)
    with ConfigFiles.open(target(root, name, format_)) as view:
        return [(rule.pattern, rule.days, rule.location.line) for rule in view.rotations()]


@pytest.mark.parametrize(
    ("directives", "days"),
    [
        ("daily; rotate 28", 29),
        ("daily; rotate 28; maxage 20", 20),
        ("weekly; rotate 11; maxage 85", 84),
        ("weekly 3; rotate 11", 84),
        ("monthly; rotate 2", 93),
        ("yearly; rotate 0", 366),
        ("hourly; rotate 23", 1),
        ("daily", 1),  # removed as soon as it is rotated
        ("daily; rotate -1", None),
        ("daily; rotate -1; maxage 30", 30),
        ("rotate 5", None),  # by size, if nothing says otherwise
        ("size 10M; rotate 5", None),
        ("size=10M; rotate 5; maxage 30", 30),
        ("daily; size 10M; rotate 5", None),
        ("size 10M; daily; rotate 5", 6),
        ("daily; maxsize 10M; rotate 5", 6),
        ("daily; minsize 10M; rotate 5", None),
        ("rotate 5; daily; rotate 2", 3),
        ("daily; rotate\t4 # four; compress", 5),
    ],
)
def test_how_long_logrotate_keeps_a_line(directives: str, days: float | None, tmp_path: Path) -> None:
    body = "\n".join(directives.split("; "))
    found = rules(tmp_path, "rotate", "logrotate", f"/var/log/x.log {{\n{body}\n}}\n")
    assert [rule[1] for rule in found] == [days if days is None else pytest.approx(days)]


def test_globals_hold_for_the_blocks_behind_them(tmp_path: Path) -> None:
    text = (
        "/var/log/early { rotate 1 }\nweekly\nrotate 3 # three\n"
        '"/var/log/a b.log" /var/log/c/*.log\n/var/log/d\n{\n  daily\n'
        "  postrotate\n    rotate 99 }\n  endscript\n}\n"
        "/var/log/e {\n}\nrotate 9\n/var/log/f {}\n"
    )
    assert rules(tmp_path, "rotate", "logrotate", text) == [
        ("/var/log/early", None, 1),
        ("/var/log/a b.log", 4, 4),
        ("/var/log/c/*.log", 4, 4),
        ("/var/log/d", 4, 4),
        ("/var/log/e", 28, 12),
        ("/var/log/f", 70, 15),
    ]


def test_logrotate_follows_its_folder(tmp_path: Path) -> None:
    (tmp_path / "logrotate.d").mkdir()
    (tmp_path / "logrotate.d" / "a").write_text("/var/log/a {\n rotate 1\n}\n")
    (tmp_path / "logrotate.d" / "b").write_text("/var/log/b {\n daily\n}\n")
    text = "weekly\nrotate 4\ninclude /etc/logrotate.d\n"
    found = rules(tmp_path, "logrotate.conf", "logrotate", text)
    assert found == [("/var/log/a", 14, 1), ("/var/log/b", 5, 1)]


def lifecycle(*rules_: dict[str, object]) -> str:
    return json.dumps({"Rules": [{"Status": "Enabled", **rule} for rule in rules_]})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (lifecycle({"Filter": {"Prefix": "n/"}, "Expiration": {"Days": 35}}), [("n/", 35)]),
        (lifecycle({"Prefix": "n/", "Expiration": {"Days": 35}}), [("n/", 35)]),
        (lifecycle({"Filter": {}, "Expiration": {"Days": 35}}), [("*", 35)]),
        (
            lifecycle(
                {
                    "Expiration": {"Days": 35},
                    "NoncurrentVersionExpiration": {"NoncurrentDays": 7},
                    "Prefix": "",
                }
            ),
            [("*", 42)],
        ),
        (lifecycle({"Prefix": "n/", "Expiration": {"Date": "2030-01-01"}}), [("n/", None)]),
        (
            lifecycle({"Prefix": "n/", "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}]}),
            [("n/", None)],
        ),
        (lifecycle({"Prefix": "n/", "Status": "Disabled", "Expiration": {"Days": 35}}), []),
        (
            lifecycle(
                {"Prefix": "n/", "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
                {"Prefix": "n/", "Expiration": {"Days": 35}},
                {"Prefix": "n/", "NoncurrentVersionExpiration": {"NoncurrentDays": 5}},
                {"Prefix": "m/", "Expiration": {"Days": 1}},
            ),
            [("n/", 40), ("m/", 1)],
        ),
        (
            lifecycle(
                {
                    "Filter": {"And": {"Prefix": "n/", "Tags": [{"Key": "k", "Value": "v"}]}},
                    "Expiration": {"Days": 35},
                }
            ),
            [("n/ (only some, by tag or size)", 35)],
        ),
        ('{"Rules": []}', []),
    ],
)
def test_lifecycle_rules(text: str, expected: list[tuple[str, float | None]], tmp_path: Path) -> None:
    found = rules(tmp_path, "lifecycle.json", "s3-lifecycle", text)
    assert [(pattern, days) for pattern, days, _ in found] == expected


@pytest.mark.parametrize(
    "text",
    ['{"Rule": []}', '{"Rules": "x"}', '{"Rules": ["x"]}', '{"Rules": [{"Expiration": {"Days": 1}}]}', "[1]"]
    + [lifecycle({"Expiration": {"Days": days}}) for days in ("soon", -1, 1.5, None)],
)
def test_what_is_no_lifecycle_document_is_unreadable(text: str, tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match=r"^app: x\.json"):
        rules(tmp_path, "x.json", "s3-lifecycle", text)


def test_an_empty_document_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(Nothing):
        rules(tmp_path, "x.json", "s3-lifecycle", "{}")


FORMATS = [
    "yaml",
    "json",
    "toml",
    "ini",
    "env",
    "compose",
    "nginx",
    "logrotate",
    "requirements",
    "s3-lifecycle",
]


@given(
    format_=st.sampled_from([*FORMATS, "package-json", "package-lock"]),
    text=st.text("ab1 \n\t={}[]<>:;,.#'\"\\&*!|-/@%$\u00e9\u2028", max_size=60) | st.text(max_size=60),
)
def test_any_text_gives_views_or_one_clear_line(
    tmp_path_factory: pytest.TempPathFactory, format_: str, text: str
) -> None:
    root = tmp_path_factory.mktemp("any")
    (root / "x").write_text(text, "utf-8", errors="replace")
    with ConfigFiles.open(target(root, "x", format_)) as view:
        for look in (view.settings, view.hosts, view.packages, view.rotations):
            try:
                found = list(look())
            except NotAssessed as error:
                assert error.reason.startswith("app: ")  # noqa: PT017  either is right
            else:
                assert all(item.location.line is None or item.location.line > 0 for item in found)
