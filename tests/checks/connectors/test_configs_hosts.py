"""Outbound hosts: what counts as one in each format, and what only looks like one."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from checks.connectors.config_hosts import as_host, in_urls
from checks.connectors.configs import ConfigFiles
from tests.checks.connectors.test_configs import hosts, target

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://api.partner.net/v1?x=https://b.partner.net", ["api.partner.net", "b.partner.net"]),
        (f"postgres://app:{SECRET}@db.partner.net:5432/app", ["db.partner.net"]),
        (f"postgres://app:{SECRET}/x#y@db.partner.net/app", ["db.partner.net"]),
        (f"postgres://app:{SECRET}@x@db.partner.net/app", ["db.partner.net"]),
        (f"https://{SECRET}:5@www.partner.net/@handle", ["www.partner.net"]),
        ("https://www.partner.net/@handle", ["www.partner.net"]),
        ("https://www.partner.net:8443/@handle", ["www.partner.net"]),
        ("mongodb+srv://a.partner.net,b.partner.net:27017/x", ["a.partner.net", "b.partner.net"]),
        ("jdbc:postgresql://db.partner.net:5432/x", ["db.partner.net"]),
        ("http://[2001:db8::1]:80/", ["2001:db8::1"]),
        ("http://203.0.113.7/", ["203.0.113.7"]),
        ("https://*.partner.net", ["partner.net"]),
        ("https://bücher.partner.net/", ["xn--bcher-kva.partner.net"]),
        (
            "https://$region.api.partner.net/ https://{shop}.b.partner.net",
            ["api.partner.net", "b.partner.net"],
        ),
        ("https://$region.com/ https://$host.$domain", []),
        ("amqp://mq.partner.net/x?owner=a@b", ["mq.partner.net"]),
        ("HTTPS://API.Partner.NET.", ["api.partner.net"]),
        ("tcp://logs.partner.net:514", ["logs.partner.net"]),
        # This machine, our own network, files, and hosts that a variable gives.
        ("redis://127.0.0.1:6379/0 http://[::1]/ http://0.0.0.0:80", []),
        ("postgres://cache:5432/x http://localhost/", []),
        ("file:///etc/passwd unix:///run/x.sock sqlite:///x.db", []),
        ("postgres://%2Fvar%2Frun/x https://${HOST}/ https://{{ host }}/ https://<host>/", []),
    ],
)
def test_hosts_in_urls_without_user_and_password(text: str, expected: list[str]) -> None:
    assert list(in_urls(text)) == expected


YAML = [
    ("mail: {host: smtp.partner.net}", ["smtp.partner.net"]),
    ("smtpServer: smtp.partner.net:587", ["smtp.partner.net"]),
    (
        "hosts: [a.partner.net, 'b.partner.net:9200', c.partner.io]",
        ["a.partner.net", "b.partner.net", "c.partner.io"],
    ),
    ("bootstrap_servers: k1.partner.net:9092,k2.partner.net:9092", ["k1.partner.net", "k2.partner.net"]),
    ("endpoint: collect.partner.test", ["collect.partner.test"]),
    ("x: collect.partner.test:443", ["collect.partner.test"]),
    ("x: collect.partner.com", ["collect.partner.com"]),
    ("x: 'host=db.partner.net port=5432 password=p.q.com'", ["db.partner.net"]),
    ("dsn: 'u:p@tcp(db.partner.net:3306)/x'", ["db.partner.net"]),
    ("x: 'Server=tcp:sql.partner.net,1433;Password=p'", ["sql.partner.net"]),
    ("x: '${HOST:-fallback.partner.net}'", ["fallback.partner.net"]),
    ("host: 203.0.113.7", ["203.0.113.7"]),
    ("command: ['--sink', 'https://c.partner.net/x']", ["c.partner.net"]),
    # What only looks like a host.
    ("version: 1.2.3.4", []),
    ("file: main.py:12", []),
    ("server: nginx.conf", []),
    ("host: app.yaml", []),
    ("x: socket.io", []),
    ("x: main.app", []),
    ("logger: com.partner.net", []),
    ("x: org.apache.kafka.net", []),
    ("datasets: [cloud-db.invoices]", []),
    ("purpose: essential.service.operations", []),
    ("from: billing@partner.net", []),
    ("url_from: billing@partner.net", []),
    ("host: cache", []),
    ("host: ${DB_HOST}", []),
    ("ports: ['127.0.0.1:8080:8080']", []),
    ("listen: 0.0.0.0:80", []),
    ("$schema: https://json-schema.partner.org/x", []),
    ("when: '12:30'", []),
    ("scopes: ['orders:read']", []),
]


@pytest.mark.parametrize(("text", "expected"), YAML)
def test_hosts_of_settings(text: str, expected: list[str], tmp_path: Path) -> None:
    assert hosts(tmp_path, "x.yaml", "yaml", text + "\n") == [(host, 1) for host in expected]


def test_compose_names_services_not_registries(tmp_path: Path) -> None:
    text = (
        "services:\n api:\n  image: registry.partner.net/api:1.4.0\n  environment:\n   - DB_HOST=db\n"
        "   - MAIL_HOST=smtp.partner.net\n  ports: ['80:80']\n  logging:\n   options:\n"
        "    syslog-address: tcp://logs.partner.net:514\n    fluentd-address: fluent.partner.net:24224\n"
        " db: {}\n"
    )
    assert hosts(tmp_path, "c.yml", "compose", text) == [
        ("smtp.partner.net", 6),
        ("logs.partner.net", 10),
        ("fluent.partner.net", 11),
    ]


NGINX = """
http {
  upstream api.pool { server a.partner.net:8080 weight=2; server unix:/run/x.sock; server 127.0.0.1:80; }
  resolver 203.0.113.53 [2001:db8::53]:53 valid=30s;
  access_log syslog:server=logs.partner.net:514,tag=x combined;
  access_log /var/log/nginx/access.log combined;
  map $host $backend { default fallback.partner.net; shop.own.com shop.partner.net:443; }
  server {
    listen 203.0.113.9:443; server_name www.own.com *.own.com;
    ssl_certificate /etc/x.partner.pem;
    add_header Content-Security-Policy "default-src 'self'; script-src *.tracker.com cdn.partner.net";
    location / { proxy_pass http://api.pool; proxy_set_header Host $host; }
    location /a { proxy_pass https://b.partner.net:8443/x; }
    location /b { fastcgi_pass php.partner.net:9000; }
    location /c { proxy_pass https://$backend; set $o c.partner.net; return 301 https://d.partner.net$uri; }
    location /d { sub_filter '</head>' '<script src="https://t.partner.net/x.js"></script></head>'; }
  }
}
stream { server { listen 1; proxy_pass e.partner.net:5432; } }
"""


def test_hosts_of_nginx(tmp_path: Path) -> None:
    found = hosts(tmp_path, "edge.conf", "nginx", NGINX)
    assert [host for host, _ in found] == [
        "a.partner.net",
        "203.0.113.53",
        "2001:db8::53",
        "logs.partner.net",
        "fallback.partner.net",
        "shop.partner.net",
        "tracker.com",
        "cdn.partner.net",
        "b.partner.net",
        "php.partner.net",
        "c.partner.net",
        "d.partner.net",
        "t.partner.net",
        "e.partner.net",
    ]
    lines = NGINX.split("\n")
    assert all(line is not None and host in lines[line - 1] for host, line in found)


def test_nginx_follows_includes_below_the_folder(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "snippets").mkdir()
    (tmp_path / "conf.d" / "a.conf").write_text("server { location / { proxy_pass http://a.partner.net; } }")
    (tmp_path / "snippets" / "b.conf").write_text("proxy_pass http://b.partner.net;\ninclude nginx.conf;")
    (tmp_path / "sites").mkdir()
    main = (
        "http { include mime.types; include /etc/nginx/conf.d/*.conf; include snippets/b.conf;"
        " include sites/*; }\n"
    )
    assert hosts(tmp_path, "nginx.conf", "nginx", main) == [("a.partner.net", 1), ("b.partner.net", 1)]


@pytest.mark.parametrize("path", ["/etc/elsewhere/x.conf", "../x.conf", "gone/*.conf", "x.conf"])
def test_an_include_that_is_not_there_is_not_passed_over(path: str, tmp_path: Path) -> None:
    with pytest.raises(Exception, match=r"^app: nginx.conf:1 includes a file"):
        hosts(tmp_path, "nginx.conf", "nginx", f"include {path};")


@pytest.mark.parametrize(
    ("format_", "name", "text"),
    [
        ("package-json", "package.json", '{"homepage": "https://www.partner.net"}'),
        ("package-lock", "package-lock.json", '{"lockfileVersion": 3, "x": "https://r.partner.net/x.tgz"}'),
        ("requirements", "requirements.txt", "--index-url https://pypi.partner.net/simple\nx==1\n"),
    ],
)
def test_sources_of_software_are_no_receivers_of_data(
    format_: str, name: str, text: str, tmp_path: Path
) -> None:
    assert hosts(tmp_path, name, format_, text) == []


def test_log_shipper_sinks(tmp_path: Path) -> None:
    text = (
        "sinks:\n a:\n  endpoint: https://in.partner.net/v1\n  fields: [path, status]\n"
        " b:\n  address: tcp.partner.net:9000\n c:\n  bootstrap_servers: k.partner.net:9092\n"
    )
    found = hosts(tmp_path, "vector.yaml", "log-shipper", text)
    assert found == [("in.partner.net", 3), ("tcp.partner.net", 6), ("k.partner.net", 8)]


@given(user=st.text("abcxyz:/#?@%+", max_size=8), password=st.text("abcxyz019:/#?@!$", max_size=8))
def test_no_user_or_password_is_taken_for_a_host(user: str, password: str) -> None:
    for scheme in ("postgres", "redis", "amqp"):
        found = list(in_urls(f"{scheme}://q{user}:w{password}@db.partner.net/x"))
        assert found == ["db.partner.net"]


@given(st.text(max_size=40))
def test_a_host_is_safe_to_print(text: str) -> None:
    for host in (*as_host(text), *in_urls("https://" + text)):
        assert host == host.lower()
        assert not set(host) & set("@/?#[] \n$")


@given(st.text(max_size=60))
def test_any_text_in_a_file_gives_hosts_or_a_clear_error(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    root = tmp_path_factory.mktemp("any")
    (root / "x.yaml").write_text(yaml.safe_dump({"url": text}), "utf-8")
    with ConfigFiles.open(target(root, "x.yaml", "yaml")) as view:
        list(view.hosts())
        assert [setting.value for setting in view.settings()] == [text]
