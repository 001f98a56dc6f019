from __future__ import annotations

import http.server
import pickle
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest

from indexer import egress
from indexer.egress import Call, Connections, Key
from indexer.errors import ConfigError, EgressRefusedError


class Handler(http.server.BaseHTTPRequestHandler):
    seen: list[str]

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        size = int(self.headers["content-length"])
        Handler.seen.append(f"{self.path} {self.rfile.read(size).decode()}")
        if self.path.startswith("/moved"):
            self.send_response(307)
            self.send_header("location", self.headers["x-to"])
        elif self.path == "/silent":
            time.sleep(30)
        else:
            self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()


@pytest.fixture
def server() -> Iterator[str]:
    Handler.seen = []
    served = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served.daemon_threads = True
    served.block_on_close = False
    thread = threading.Thread(target=served.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{served.server_address[1]}"
    served.shutdown()
    served.server_close()
    thread.join()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/v1",
        "http://127.3.2.1",
        "http://localhost:11434",
        "http://LOCALHOST./x",
        "http://[::1]:8080",
        "http://[::ffff:127.0.0.1]:80",
        "https://localhost",
    ],
)
def test_loopback_is_local_and_always_allowed(url: str) -> None:
    assert egress.check(url, allow_remote=False).local
    assert egress.check(url, allow_remote=True).local


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "https://10.0.0.3",
        "https://192.168.1.2:8080",
        "https://localhost.example.com",
        "https://127.0.0.1.example.com",
        "https://2130706433",
        "https://my-own-machine",
    ],
)
def test_another_machine_needs_the_owners_word(url: str) -> None:
    with pytest.raises(EgressRefusedError, match="allow_remote"):
        egress.check(url, allow_remote=False)
    assert not egress.check(url, allow_remote=True).local


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com/v1",
        "http://169.254.169.254/latest",
        "https://169.254.169.254/latest",
        "https://[fe80::1]/",
        "https://[::ffff:169.254.1.1]/",
        "http://0.0.0.0:11434",
        "https://224.0.0.1",
        "https://user:secret@api.example.com",
        "https://key@127.0.0.1",
        "ftp://127.0.0.1",
        "file:///etc/passwd",
        "127.0.0.1:8080",
        "http://",
        "http:///v1",
        "http://127.0.0.1:port",
        "http://127.0.0.1\\@evil.example",
        "http://a b/",
        "http://[::1",
        "",
    ],
)
def test_bad_addresses_are_refused_even_when_remote_is_allowed(url: str) -> None:
    with pytest.raises(EgressRefusedError) as refused:
        egress.check(url, allow_remote=True)
    assert "secret" not in str(refused.value)
    assert refused.value.hint


def test_names_are_not_looked_up_to_decide(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_lookup(*_: object, **__: object) -> None:
        raise AssertionError("looked up")

    monkeypatch.setattr(socket, "getaddrinfo", no_lookup)
    egress.check("http://localhost:1", allow_remote=False)
    with pytest.raises(EgressRefusedError):
        egress.check("https://api.example.com", allow_remote=False)


def test_localhost_is_connected_to_without_a_lookup(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[object] = []
    real = socket.getaddrinfo

    def record(host: object, *args: object, **kwargs: object) -> object:
        looked_up.append(host)
        return real(host, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", record)
    url = server.replace("127.0.0.1", "localhost")
    with egress.client(url, allow_remote=False, timeout_s=5) as client:
        assert client.post("/v1", content=b"x").status_code == 200
    assert "localhost" not in looked_up


@pytest.mark.parametrize("make", [egress.client, egress.client2])
def test_calls_are_counted_in_bytes(server: str, make: object) -> None:
    calls: list[Call] = []
    with make(server, allow_remote=False, timeout_s=5, on_call=calls.append) as client:  # type: ignore[operator]
        client.post("/v1/x", content=b"0123456789")
    assert [(call.bytes, call.outcome, call.local) for call in calls] == [
        (10, egress.SENDING, True),
        (10, "200", True),
    ]
    assert calls[0].host == server.removeprefix("http://")


@pytest.mark.parametrize("make", [egress.client, egress.client2])
def test_a_redirect_is_refused_and_nothing_is_sent_on(server: str, make: object) -> None:
    calls: list[Call] = []
    with (
        make(server, allow_remote=True, timeout_s=5, on_call=calls.append) as client,  # type: ignore[operator]
        pytest.raises(EgressRefusedError, match=r"wanted to send the text on to evil\.example"),
    ):
        client.post("/moved", content=b"secret", headers={"x-to": "https://evil.example/v1"})
    with (
        make(server, allow_remote=True, timeout_s=5) as client,  # type: ignore[operator]
        pytest.raises(EgressRefusedError),
    ):
        client.post("/moved", content=b"secret", headers={"x-to": f"{server}/v1"}, follow_redirects=True)
    assert [line.split()[0] for line in Handler.seen] == ["/moved", "/moved"]
    assert calls[-1].outcome == "redirect refused"


@pytest.mark.parametrize("make", [egress.client, egress.client2])
def test_nothing_goes_when_it_cannot_be_logged(server: str, make: object) -> None:
    def full(call: Call) -> None:
        raise OSError("no space left")

    with (
        make(server, allow_remote=False, timeout_s=5, on_call=full) as client,  # type: ignore[operator]
        pytest.raises(OSError, match="no space"),
    ):
        client.post("/v1/x", content=b"secret")
    assert Handler.seen == []


@pytest.mark.parametrize("make", [egress.client, egress.client2])
def test_a_rehearsal_writes_the_request_and_sends_nothing(server: str, make: object) -> None:
    written: list[egress.Planned] = []
    with (
        make(server, allow_remote=False, timeout_s=5, rehearsal=written.append) as client,  # type: ignore[operator]
        pytest.raises(egress.RehearsedError),
    ):
        client.post("/v1/x", content=b"secret")
    assert [(each.body, each.url, each.local) for each in written] == [(b"secret", f"{server}/v1/x", True)]
    assert Handler.seen == []


@pytest.mark.parametrize(
    ("tunnel", "url", "remote"),
    [
        ("127.0.0.1:4000", "http://127.0.0.1:4000/v1", True),
        ("127.0.0.1:4000", "http://localhost:4000", True),
        ("localhost:4000", "http://[::1]:4000", True),
        ("http://127.0.0.1:4000/", "http://127.0.0.1:4000", True),
        ("127.0.0.1:4000", "http://127.0.0.1:4001", False),
        ("127.0.0.1:443", "https://127.0.0.1", True),
    ],
)
def test_a_port_that_leads_elsewhere_counts_as_remote(tunnel: str, url: str, remote: bool) -> None:
    there = egress.check(url, allow_remote=True, tunnels=[tunnel])
    assert (there.local, there.loopback) == (not remote, True)
    if remote:
        with pytest.raises(EgressRefusedError, match="another machine"):
            egress.check(url, allow_remote=False, tunnels=[tunnel])


@pytest.mark.parametrize("make", [egress.client, egress.client2])
def test_a_client_reaches_no_other_host(server: str, make: object) -> None:
    port = server.rsplit(":", 1)[1]
    other = socket.socket()
    other.bind(("127.0.0.1", 0))
    other.listen()
    other.setblocking(False)
    with make(server, allow_remote=True, timeout_s=5) as client:  # type: ignore[operator]
        for url in (
            f"http://localhost:{port}/",
            "https://api.example.com/",
            f"http://127.0.0.1:{other.getsockname()[1]}/",
        ):
            with pytest.raises(EgressRefusedError):
                client.get(url)
    with pytest.raises(BlockingIOError):
        other.accept()
    other.close()


def test_proxies_of_the_environment_are_not_used(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    with egress.client(server, allow_remote=False, timeout_s=5) as client:
        assert client.post("/v1", content=b"x").status_code == 200


def test_a_name_that_leads_to_a_link_local_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def rebinding(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("169.254.169.254", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    with (
        egress.client("https://metadata.example", allow_remote=True, timeout_s=5) as client,
        pytest.raises(EgressRefusedError, match="link-local"),
    ):
        client.get("/")


def test_an_unknown_name_is_a_connection_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with (
        egress.client("https://nowhere.example", allow_remote=True, timeout_s=5) as client,
        pytest.raises(httpx.ConnectError, match="not known"),
    ):
        client.get("/")


def test_cutting_wakes_a_thread_that_waits_for_a_silent_server(server: str) -> None:
    connections = Connections()
    failures: list[BaseException] = []

    def ask() -> None:
        with egress.client(server, allow_remote=False, timeout_s=60, connections=connections) as client:
            try:
                client.post("/silent", content=b"x")
            except httpx.HTTPError as exc:
                failures.append(exc)

    thread = threading.Thread(target=ask)
    thread.start()
    while not Handler.seen:
        time.sleep(0.01)
    connections.abort()
    thread.join(timeout=10)
    assert not thread.is_alive()
    assert len(failures) == 1
    with (
        egress.client(server, allow_remote=False, timeout_s=5, connections=connections) as client,
        pytest.raises(httpx.HTTPError),
    ):
        client.post("/v1", content=b"x")


@pytest.mark.parametrize("name", ["gpt-oss:120b-cloud", "kimi:cloud", "X:CLOUD "])
def test_models_that_run_in_a_cloud_are_remote(name: str) -> None:
    with pytest.raises(EgressRefusedError):
        egress.refuse_cloud_model(name, allow_remote=False)
    egress.refuse_cloud_model(name, allow_remote=True)
    egress.refuse_cloud_model("llama3:8b", allow_remote=False)


def test_a_key_does_not_show_itself() -> None:
    key = Key("canary-key-123")
    assert key.reveal() == "canary-key-123"
    shown = f"{key} {key!r} {[key]} {vars(type(key))}"
    assert "canary" not in shown
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_keys_come_from_the_environment_or_a_command(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QUIRE_TEST_KEY", " canary-key-123\n")
    assert egress.read_key(env="QUIRE_TEST_KEY").reveal() == "canary-key-123"
    assert egress.read_key(command="printf 'from-command\\nmore'").reveal() == "from-command"
    monkeypatch.delenv("QUIRE_TEST_KEY")
    assert egress.read_key(env="QUIRE_TEST_KEY", command="echo second").reveal() == "second"
    assert not egress.read_key()
    with pytest.raises(ConfigError, match="QUIRE_TEST_KEY"):
        egress.read_key(env="QUIRE_TEST_KEY")
    for command in ("sh -c 'echo canary-key-123; exit 1'", "true", "/does/not/exist", "'open quote"):
        with pytest.raises(ConfigError) as failed:
            egress.read_key(command=command)
        assert "canary" not in str(failed.value)
    assert capfd.readouterr() == ("", "")
