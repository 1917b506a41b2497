"""The guarded way out: a name is looked up here, every answer is judged, the judged is connected.

httpx would look the name up again when it connects; an answer that changes in between ("DNS
rebinding") would get past any check made before. Here look-up, check and connection are one step.
The server's name for TLS and the Host header stay those of the address.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import Final

import httpcore
import httpx

from marketbel_adapters.sources.addresses import Address, is_metadata
from marketbel_adapters.sources.policy import FetchPolicy
from marketbel_adapters.sources.urls import private_address
from marketbel_core.errors import RefusedError

__all__ = ["GuardedTransport", "Resolver", "resolve"]

type Resolver = Callable[[str], Awaitable[Sequence[str]]]
"""Returns all addresses of a name as texts, best first; raises `OSError` when there are none."""

_TRIES_MAX: Final = 4
"""Addresses of one name that are tried; a name may have hundreds, and each costs a time-out."""

_CONNECTIONS_MAX: Final = 100


async def resolve(host: str) -> Sequence[str]:
    """Return what the system's resolver says of `host`."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(sockaddr[0]) for *_, sockaddr in found]


class GuardedTransport(httpx.AsyncHTTPTransport):
    """Connects to checked addresses only, whoever asks and on whichever hop."""

    def __init__(self, policy: FetchPolicy, *, resolver: Resolver, tls: ssl.SSLContext) -> None:
        """Look names up with `resolver`; `tls` says whose certificates are trusted."""
        super().__init__(verify=tls, trust_env=False)
        # httpx offers no way to hand a network backend to its pool, so the pool is replaced. Its
        # proxies are left out on purpose: a proxy would connect to whatever it resolves itself.
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=_CONNECTIONS_MAX,
            # Every request is looked up and checked anew, and none meets a connection that its
            # server has closed meanwhile.
            max_keepalive_connections=0,
            network_backend=_GuardedBackend(policy, resolver),
        )


class _GuardedBackend(httpcore.AsyncNetworkBackend):
    def __init__(self, policy: FetchPolicy, resolver: Resolver) -> None:
        self._policy = policy
        self._resolver = resolver
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        try:
            async with asyncio.timeout(timeout):
                addresses = await self._checked(host)
        except TimeoutError as error:
            raise httpcore.ConnectTimeout("the name was not looked up in time") from error
        last: Exception = httpcore.ConnectError("the name has no address")
        for address in addresses[:_TRIES_MAX]:
            try:
                return await self._network.connect_tcp(
                    str(address),
                    port,
                    timeout=timeout,
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        raise httpcore.ConnectError(
            f"no socket file is opened: {path}, {timeout}, {socket_options}"
        )

    async def sleep(self, seconds: float) -> None:
        await self._network.sleep(seconds)

    async def _checked(self, host: str) -> list[Address]:
        """Return the addresses of `host`, each once.

        Raises:
            RefusedError: any of them may not be connected to (`source.private_address`): a name
                with one address inside is as good as a name inside.
            httpcore.ConnectError: there are none.
        """
        host = host.removesuffix(".")
        try:
            addresses = [ip_address(host)]
        except ValueError:
            addresses = await self._looked_up(host)
        for address in addresses:
            if not self._policy.opens_address(address):
                raise private_address(host, metadata=is_metadata(address))
        return list(dict.fromkeys(addresses))

    async def _looked_up(self, host: str) -> list[Address]:
        try:
            answers = await self._resolver(host)
        except (OSError, UnicodeError) as error:
            raise httpcore.ConnectError("the name cannot be looked up") from error
        try:
            return [ip_address(answer) for answer in answers]
        except ValueError as error:
            raise RefusedError(
                "source.private_address", "the host's name leads to something that is no address"
            ) from error
