"""The judge of addresses: everything that can be said of one before any look-up.

It looks at the text as it was given and at what httpx makes of it, since httpx is what connects:
an address on which two readers could differ is refused.
"""

import re
import unicodedata
from ipaddress import ip_address
from typing import Final

import httpx

from marketbel_adapters.sources.addresses import is_metadata, legacy_ipv4
from marketbel_adapters.sources.policy import FetchPolicy
from marketbel_core.errors import RefusedError

__all__ = ["host_of", "judged", "port_of", "private_address", "shown"]

_LENGTH_MAX: Final = 2_048
_SHOWN_MAX: Final = 200
_PORTS: Final = {"http": 80, "https": 443}
_PORT_MAX: Final = 65_535
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):", re.IGNORECASE)
_AUTHORITY: Final = re.compile(r"https?://([^/?#]+)", re.IGNORECASE)
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME: Final = re.compile(rf"(?=.{{1,253}}$){_LABEL}(?:\.{_LABEL})*")
_NUMBERS: Final = re.compile(r"(?:.*\.)?(?:\d+|0x[0-9a-f]*)")
"""A last label that is a number makes the whole an IPv4 address, for browsers and system calls."""

_HIDDEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Characters that nobody sees: controls, zero-width and direction marks, line ends, surrogates."""

_INSIDE: Final = re.compile(r"(?:.*\.)?(?:localhost|local|internal)|metadata")
"""Names that lead to this machine, this network or a cloud's metadata wherever they lead."""


def judged(location: str, policy: FetchPolicy, *, length_max: int = _LENGTH_MAX) -> httpx.URL:
    """Return the address in `location`, parsed; blanks around it do not count.

    Nothing is looked up: what the host's name leads to is judged when a connection is made.

    Raises:
        RefusedError: `source.scheme`, `source.credentials_in_url`, `source.malformed`,
            `source.private_address`, `source.port`, `source.host_not_allowed`.
    """
    text = location.strip(" ")
    if len(text) > length_max:
        raise _malformed(f"it has more than {length_max} characters")
    _check_characters(text)
    _check_scheme(text)
    _check_authority(text, policy)
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError):  # its own text may repeat a secret
        raise _malformed("it cannot be read") from None
    _check_host(host_of(url), policy)
    if not policy.opens_port(port_of(url)):
        raise RefusedError(
            "source.port",
            f"port {port_of(url)} is not fetched from, only {policy.shown_ports()}: publish the "
            "list on one of these, or have FETCH_ALLOWED_PORTS name it",
        )
    if not policy.opens_host(host_of(url)):
        raise RefusedError(
            "source.host_not_allowed",
            f"{_cut(host_of(url))} is none of the hosts that are fetched from: have "
            "FETCH_ALLOWED_HOSTS name it",
        )
    return url


def host_of(url: httpx.URL) -> str:
    """Return the host in ASCII and lower case, without the final dot of a full name."""
    return url.raw_host.decode("ascii").lower().removesuffix(".")


def port_of(url: httpx.URL) -> int:
    """Return the port, the scheme's own when none is named."""
    return _PORTS[url.scheme] if url.port is None else url.port


def shown(url: httpx.URL) -> str:
    """Return the address as it may be shown: no credentials, no query, no fragment."""
    host = url.raw_host.decode("ascii")
    host = f"[{host}]" if ":" in host else host
    port = f":{url.port}" if url.port else ""
    path = url.raw_path.partition(b"?")[0].decode("ascii")
    return _cut(f"{url.scheme}://{host}{port}{path}")


def private_address(host: str, *, metadata: bool = False) -> RefusedError:
    """Return the refusal of a host behind which no public server is."""
    what = "the metadata of a cloud" if metadata else "an address inside a network"
    return RefusedError(
        "source.private_address",
        f"{_cut(host)} is {what} and no public server: publish the list on the internet"
        + ("" if metadata else ", or have FETCH_ALLOW_NETWORKS open that network"),
    )


def _check_characters(text: str) -> None:
    if "\\" in text:
        raise _malformed("it has a backslash in it")
    if any(unicodedata.category(character) in _HIDDEN for character in text):
        raise _malformed("it has an invisible character or a line end in it")


def _check_scheme(text: str) -> None:
    scheme = _SCHEME.match(text)
    if scheme is None:
        raise _malformed("it does not begin with https://")
    if scheme[1].lower() not in _PORTS:
        raise RefusedError(
            "source.scheme",
            f"only http and https addresses are fetched, not {scheme[1][:16].lower()!r}: "
            "publish the list on a web server",
        )


def _check_authority(text: str, policy: FetchPolicy) -> None:
    found = _AUTHORITY.match(text)
    if found is None:
        raise _malformed("it names no host")
    authority = found[1]
    if "@" in authority:
        raise RefusedError(
            "source.credentials_in_url",
            "the address has a user name or a password in it: take them out and publish the "
            "list under an address that needs none",
        )
    # Before httpx reads it: system calls, browsers and httpx differ on what numbers mean.
    host = _folded(authority).partition(":")[0].removesuffix(".")
    if not _NUMBERS.fullmatch(host):
        return
    address = legacy_ipv4(host)
    if address is None:
        raise _malformed("its host is made of digits and is no address")
    if not policy.opens_address(address):
        raise private_address(host, metadata=is_metadata(address))
    if not authority.startswith(str(address)):
        raise _malformed(f"write its host as {address}")


def _folded(authority: str) -> str:
    """Return it with ① and the full-width 1 as plain digits, as some readers take them."""
    return unicodedata.normalize("NFKC", authority).replace("\u3002", ".").lower()


def _check_host(host: str, policy: FetchPolicy) -> None:
    try:
        literal = ip_address(host)
    except ValueError:
        if not _NAME.fullmatch(host) or _NUMBERS.fullmatch(host):
            raise _malformed("its host is no name") from None
        if _INSIDE.fullmatch(host) and not policy.networks:
            raise private_address(host) from None
        return
    if not policy.opens_address(literal):
        raise private_address(host, metadata=is_metadata(literal))


def _malformed(why: str) -> RefusedError:
    return RefusedError(
        "source.malformed",
        f"the address is not a usable URL, {why}: copy it anew from the browser",
    )


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"
