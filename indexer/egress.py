"""The gate: the only place where a connection to a model is made.

Owns where one may connect to and the clients that keep to it; `policy` and `redaction` say what of a
document may go, `keys` where keys come from. A client made here follows no redirect, reads no proxy or
certificate variable of the environment, connects only to the host it was made for, and tells what it
sends. Nothing here knows what a model is asked.
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from indexer.errors import EgressRefusedError
from indexer.keys import Key as Key
from indexer.keys import read_key as read_key
from indexer.text import safe_text

if TYPE_CHECKING:
    import httpx

CONNECT_TIMEOUT_S = 5.0
"""A server that does not accept a connection in this time is not there."""

_LOCAL_ADDRESSES = {"localhost": ("127.0.0.1", "::1")}
"""Addresses tried for the one name that is local by definition; it is never looked up."""

SENDING = "sending"
"""Outcome of a request that is about to go. Whoever is told may raise, and nothing goes."""

_ALLOW_HINT = "Set allow_remote = true under [privacy] in the configuration to allow it."


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a client may connect to."""

    scheme: str
    host: str
    """Lower case, without port or brackets."""
    port: int
    local: bool
    """What is sent there stays on this machine; no name is looked up to decide that."""
    loopback: bool = True
    """The address is this machine's; what answers there may pass it on (see `check`, `tunnels`)."""

    @property
    def label(self) -> str:
        """The host as shown and logged, with the port when it is unusual."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port in (80, 443) else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, for the log: no text, only where and how much."""

    host: str
    local: bool
    bytes: int
    outcome: str
    """`SENDING` before it goes; then HTTP status, "redirect refused", or the class of the failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A request as it would go out, without its headers, which hold the key."""

    url: str
    host: str
    local: bool
    body: bytes


class RehearsedError(EgressRefusedError):
    """Ends a rehearsal: the request was written and kept from going."""


# --- policy --------------------------------------------------------------------------------------


def check(url: str, *, allow_remote: bool, tunnels: Sequence[str] = ()) -> Destination:
    """Decide whether `url` may be connected to.

    Loopback is a literal address (127.0.0.0/8, ::1) or the name "localhost"; no name is looked up.
    `tunnels` are addresses of this machine ("127.0.0.1:4000") that count as remote all the same.

    Raises:
        EgressRefusedError: not http(s), credentials in the address, link-local, plain http to another
            machine, or another machine while the policy is local-only.
    """
    shown = safe_text(url, 100, single_line=True)
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError as exc:
        raise EgressRefusedError(f"{shown} is not an address.", hint="Write http://host:port/path.") from exc
    if "@" in parts.netloc:
        raise EgressRefusedError(
            "The address of a model server must not hold a user name or password.",
            hint="Name the environment variable with the key in api_key_env instead.",
        )
    if parts.scheme not in ("http", "https") or not host or any(c in host for c in "\\%\t\r\n /?#"):
        raise EgressRefusedError(f"{shown} is not an address.", hint="Write http://host:port/path.")
    loopback = _is_local(host)
    port = port or (443 if parts.scheme == "https" else 80)
    tunnel = loopback and _is_tunnel(host, port, tunnels)
    if tunnel and not allow_remote:
        raise EgressRefusedError(
            f"Behind {host}:{port} is another machine (tunnels under [privacy]).", hint=_ALLOW_HINT
        )
    if not loopback:
        _check_remote(parts.scheme, host, allow_remote=allow_remote)
    return Destination(
        scheme=parts.scheme, host=host, port=port, local=loopback and not tunnel, loopback=loopback
    )


def _is_tunnel(host: str, port: int, tunnels: Sequence[str]) -> bool:
    """Whether a port of this machine is declared to lead elsewhere, under any name of this machine."""
    for tunnel in tunnels:
        name, _, number = tunnel.strip().removesuffix("/").rpartition("//")[2].rpartition(":")
        if number == str(port) and (_is_local(name.strip("[]").lower()) or name.lower() == host):
            return True
    return False


def is_cloud_model(name: str) -> bool:
    """Whether an Ollama server would pass this model's prompts on to another machine."""
    return name.strip().lower().endswith("cloud")


def refuse_cloud_model(name: str, *, allow_remote: bool) -> None:
    """Stop a model that runs elsewhere though its server is local.

    Raises:
        EgressRefusedError: the model is one of those and the policy is local-only.
    """
    if is_cloud_model(name) and not allow_remote:
        shown = safe_text(name, 60, single_line=True)
        raise EgressRefusedError(f"The model {shown} runs on another machine.", hint=_ALLOW_HINT)


def _check_remote(scheme: str, host: str, *, allow_remote: bool) -> None:
    shown = safe_text(host, 80, single_line=True)
    _refuse_unroutable(host, shown)
    if not allow_remote:
        raise EgressRefusedError(
            f"{shown} is another machine and nothing may leave this one.", hint=_ALLOW_HINT
        )
    if scheme != "https":
        raise EgressRefusedError(
            f"Text would go to {shown} unencrypted.",
            hint="Use https, or a tunnel: ssh -L 11434:localhost:11434 HOST.",
        )


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def _is_local(host: str) -> bool:
    address = _address(host)
    return host == "localhost" if address is None else address.is_loopback


def _refuse_unroutable(address_text: str, shown: str) -> None:
    address = _address(address_text)
    if address is not None and (address.is_link_local or address.is_multicast or address.is_unspecified):
        raise EgressRefusedError(
            f"{shown} is a link-local or reserved address.",
            hint="Model servers are reached by name or by an ordinary address.",
        )


# --- connections ---------------------------------------------------------------------------------


class Connections:
    """The open connections of one client, so that another thread can cut them.

    Closing a client does not wake a thread that waits for a silent server; shutting its socket down does.
    """

    def __init__(self) -> None:
        self._streams: set[_Stream] = set()
        self._lock = threading.Lock()
        self.aborted = False

    def abort(self) -> None:
        """Cut every connection and refuse new ones. Callable from any thread, more than once."""
        with self._lock:
            self.aborted = True
            streams = tuple(self._streams)
        for stream in streams:
            stream.cut()

    def adopt(self, stream: _Stream) -> None:
        """Keep a connection until it is closed; cuts it at once after `abort`."""
        with self._lock:
            self._streams.add(stream)
            aborted = self.aborted
        if aborted:
            stream.cut()

    def forget(self, stream: _Stream) -> None:
        """Drop a connection that was closed."""
        with self._lock:
            self._streams.discard(stream)


class _Stream:
    """A network stream of httpcore that can be cut from outside."""

    def __init__(self, inner: Any, connections: Connections) -> None:
        self._inner = inner
        self._connections = connections
        connections.adopt(self)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return bytes(self._inner.read(max_bytes, timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, timeout)

    def close(self) -> None:
        self._connections.forget(self)
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> _Stream:
        self._connections.forget(self)
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, timeout), self._connections)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)

    def cut(self) -> None:
        sock = self._inner.get_extra_info("socket")
        try:
            # The plain method: an SSL socket's own would drop its state under the reading thread.
            socket.socket.shutdown(sock, socket.SHUT_RDWR)
        except OSError:
            pass  # already gone


class _Backend:
    """Opens the TCP connections of one client, to its own destination only."""

    def __init__(self, httpcore_module: Any, destination: Destination, connections: Connections) -> None:
        self._inner = httpcore_module.SyncBackend()
        self._failures = (httpcore_module.ConnectError, httpcore_module.ConnectTimeout)
        self._destination = destination
        self._connections = connections

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> _Stream:
        """Connect; tries each address of the host in turn."""
        if host.strip("[]").rstrip(".").lower() != self._destination.host or port != self._destination.port:
            raise EgressRefusedError(f"A connection to {safe_text(host, 80, single_line=True)} was refused.")
        failure: Exception = self._failures[0](f"{self._destination.host} has no address")
        for address in self._addresses():
            try:
                return _Stream(
                    self._inner.connect_tcp(address, port, timeout, local_address, socket_options),
                    self._connections,
                )
            except self._failures as exc:
                failure = exc
        raise failure

    def _addresses(self) -> list[str]:
        host, port = self._destination.host, self._destination.port
        if self._destination.loopback:
            return list(_LOCAL_ADDRESSES.get(host, (host,)))
        try:
            found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
        except OSError as exc:
            raise self._failures[0](f"{host} is not known: {exc.strerror}") from exc
        for address in found:
            _refuse_unroutable(address.partition("%")[0], self._destination.label)
        return list(dict.fromkeys(found))

    def connect_unix_socket(self, path: str, timeout: float | None = None, socket_options: Any = None) -> Any:
        """Never: models are reached by address."""
        raise EgressRefusedError("Model servers are not reached through a socket file.")

    def sleep(self, seconds: float) -> None:
        """Wait; httpcore asks its backend to."""
        self._inner.sleep(seconds)


class _Gate:
    """A transport that re-checks every request and refuses redirects."""

    def __init__(
        self,
        inner: Any,
        destination: Destination,
        on_call: Callable[[Call], None] | None,
        rehearsal: Callable[[Planned], None] | None,
    ) -> None:
        self._inner = inner
        self._destination = destination
        self._on_call = on_call
        self._rehearsal = rehearsal

    def __enter__(self) -> _Gate:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._inner.close()

    def handle_request(self, request: Any) -> Any:
        """Send one request. Raises EgressRefusedError for another host and for a redirect."""
        self._check(request.url)
        limits = request.extensions.get("timeout")
        if limits and (limits.get("connect") or CONNECT_TIMEOUT_S) >= CONNECT_TIMEOUT_S:
            limits["connect"] = CONNECT_TIMEOUT_S
        size = int(request.headers.get("content-length", "0"))
        if self._rehearsal is not None:
            self._rehearsal(_written(request, self._destination))
            raise RehearsedError(f"Nothing was sent to {self._destination.label}.")
        self._tell(size, SENDING)
        try:
            response = self._inner.handle_request(request)
        except Exception as exc:
            self._tell(size, type(exc).__name__)
            raise
        if response.status_code in (301, 302, 303, 307, 308):
            response.close()
            self._tell(size, "redirect refused")
            raise _redirect_error(self._destination, response.headers.get("location", ""))
        self._tell(size, str(response.status_code))
        return response

    def _check(self, url: Any) -> None:
        wanted = (url.scheme, url.host.rstrip(".").lower())
        if wanted != (self._destination.scheme, self._destination.host):
            raise EgressRefusedError(f"A request to {safe_text(url.host, 80, single_line=True)} was refused.")

    def _tell(self, size: int, outcome: str) -> None:
        if self._on_call is not None:
            self._on_call(
                Call(host=self._destination.label, local=self._destination.local, bytes=size, outcome=outcome)
            )


def _written(request: Any, destination: Destination) -> Planned:
    return Planned(
        url=str(request.url),
        host=destination.label,
        local=destination.local,
        body=bytes(request.read()),
    )


def _redirect_error(destination: Destination, location: str) -> EgressRefusedError:
    try:
        target = urlsplit(location).hostname or destination.host
    except ValueError:
        target = "somewhere else"
    return EgressRefusedError(
        f"{destination.label} wanted to send the text on to {safe_text(target, 80, single_line=True)}.",
        hint="Redirects are refused. Set base_url to the right address.",
    )


def client(
    base_url: str,
    *,
    allow_remote: bool,
    timeout_s: float,
    on_call: Callable[[Call], None] | None = None,
    connections: Connections | None = None,
    tunnels: Sequence[str] = (),
    rehearsal: Callable[[Planned], None] | None = None,
) -> httpx.Client:
    """Make a client for one model server.

    Args:
        base_url: The server's address; the client reaches no other host.
        allow_remote: The owner's policy, `[privacy] allow_remote`.
        timeout_s: Seconds of silence before a read or write is given up.
        on_call: Told of every request before it goes (`SENDING`) and when its answer begins or it
            failed; runs in the calling thread.
        connections: Keeps the open connections, so that they can be cut from another thread.
        tunnels: `[privacy] tunnels`: addresses of this machine that count as remote.
        rehearsal: Gets every request instead of the server; the call fails with `RehearsedError`.

    Raises:
        EgressRefusedError: the policy forbids this address.
    """
    import httpcore
    import httpx

    destination = check(base_url, allow_remote=allow_remote, tunnels=tunnels)
    made: httpx.Client = _client(
        (httpx, httpcore), base_url, destination, timeout_s, on_call, connections, rehearsal
    )
    return made


def client2(
    base_url: str,
    *,
    allow_remote: bool,
    timeout_s: float,
    on_call: Callable[[Call], None] | None = None,
    connections: Connections | None = None,
    tunnels: Sequence[str] = (),
    rehearsal: Callable[[Planned], None] | None = None,
) -> Any:
    """Make the same client of httpx2, which Anthropic's library takes. See `client`."""
    import httpcore2
    import httpx2

    destination = check(base_url, allow_remote=allow_remote, tunnels=tunnels)
    return _client((httpx2, httpcore2), base_url, destination, timeout_s, on_call, connections, rehearsal)


def _client(
    modules: tuple[Any, Any],
    base_url: str,
    destination: Destination,
    timeout_s: float,
    on_call: Callable[[Call], None] | None,
    connections: Connections | None,
    rehearsal: Callable[[Planned], None] | None,
) -> Any:
    httpx_module, httpcore_module = modules
    tls = ssl.create_default_context() if destination.scheme == "https" else None
    # Without certificates this context trusts nobody; the pool made with it is replaced below.
    nobody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    transport = httpx_module.HTTPTransport(verify=tls or nobody, trust_env=False)
    # httpx has no public way to choose the network backend of its pool; httpcore, below it, has.
    transport._pool = httpcore_module.ConnectionPool(
        ssl_context=tls,
        max_connections=8,
        network_backend=_Backend(httpcore_module, destination, connections or Connections()),
    )
    return httpx_module.Client(
        base_url=base_url,
        transport=_Gate(transport, destination, on_call, rehearsal),
        follow_redirects=False,
        trust_env=False,
        timeout=httpx_module.Timeout(timeout_s, connect=CONNECT_TIMEOUT_S),
    )
