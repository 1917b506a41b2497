"""What a deployment lets itself fetch: networks, ports and hosts. Standard library only."""

import re
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final, Self

from marketbel_adapters.sources.addresses import (
    Address,
    Network,
    embedded_in,
    is_metadata,
    is_public,
)

__all__ = ["FetchPolicy", "parse_hosts", "parse_networks", "parse_ports"]

_PORT_MAX: Final = 65_535
_PORTS: Final = re.compile(r"(\d{1,5})(?:-(\d{1,5}))?")
_HOST: Final = re.compile(r"(?:\*?\.)?[a-z0-9_]([a-z0-9_.:-]*[a-z0-9_])?")


def parse_networks(text: str) -> tuple[Network, ...]:
    """Return the networks of a comma separated list of CIDRs and single addresses.

    Raises:
        ValueError: an entry is neither; the message says which one, and not what it is.
    """
    networks: list[Network] = []
    for number, entry in _entries(text):
        try:
            networks.append(ip_network(entry))
        except ValueError:
            raise ValueError(
                f"entry {number} is no network: write it like 10.1.0.0/16, without host bits"
            ) from None
    return tuple(networks)


def parse_ports(text: str) -> tuple[range, ...]:
    """Return the ports of a comma separated list of ports and ranges such as `8000-8999`.

    Raises:
        ValueError: an entry is neither, or none is left.
    """
    ports: list[range] = []
    for number, entry in _entries(text):
        found = _PORTS.fullmatch(entry)
        first = int(found[1]) if found else 0
        last = int(found[2] or first) if found else 0
        if not 1 <= first <= last <= _PORT_MAX:
            raise ValueError(f"entry {number} is no port: write 443, or a range like 8000-8999")
        ports.append(range(first, last + 1))
    if not ports:
        raise ValueError("no port is left: nothing could be fetched")
    return tuple(ports)


def parse_hosts(text: str) -> tuple[str, ...]:
    """Return the host names of a comma separated list; `.a.by` and `*.a.by` mean subdomains.

    Raises:
        ValueError: an entry is no host name, an address for one.
    """
    hosts: list[str] = []
    for number, entry in _entries(text):
        host = entry.lower().rstrip(".")
        if not host.isascii():
            host = _in_ascii(host)
        if not _HOST.fullmatch(host):
            raise ValueError(f"entry {number} is no host name: write it like files.example.com")
        hosts.append(host.removeprefix("*"))
    return tuple(hosts)


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPolicy:
    """What may be fetched from. Public addresses are always open, metadata of clouds never.

    Attributes:
        networks: Networks that are open although they are not public.
        ports: Ports that are open, as ranges.
        hosts: The only hosts that are open, lower case; a leading dot means all below a domain.
            None at all means every host.
    """

    networks: tuple[Network, ...] = ()
    ports: tuple[range, ...] = (
        range(80, 81),
        range(443, 444),
        range(8080, 8081),
        range(8443, 8444),
    )
    hosts: tuple[str, ...] = ()

    @classmethod
    def parse(cls, *, networks: str, ports: str, hosts: str) -> Self:
        """Return the policy of three comma separated lists.

        Raises:
            ValueError: an entry is not what it should be.
        """
        return cls(
            networks=parse_networks(networks), ports=parse_ports(ports), hosts=parse_hosts(hosts)
        )

    def opens_address(self, address: Address) -> bool:
        """Return whether a connection to `address` may be made."""
        meant = embedded_in(address)
        if is_metadata(meant):
            return False
        return is_public(address) or any(meant in network for network in self.networks)

    def opens_port(self, port: int) -> bool:
        """Return whether `port` may be connected to."""
        return any(port in ports for ports in self.ports)

    def opens_host(self, host: str) -> bool:
        """Return whether a host may be asked by its name (ASCII, lower case, no final dot)."""
        return not self.hosts or any(_is_meant(host, entry) for entry in self.hosts)

    def shown_ports(self) -> str:
        """Return the ports as they are written in the settings."""
        return ", ".join(
            str(ports[0]) if len(ports) == 1 else f"{ports[0]}-{ports[-1]}" for ports in self.ports
        )


def _entries(text: str) -> list[tuple[int, str]]:
    """Return the entries that are not blank, numbered from 1."""
    return [
        (number, entry.strip())
        for number, entry in enumerate(text.split(","), start=1)
        if entry.strip()
    ]


def _in_ascii(host: str) -> str:
    labels = host.removeprefix("*").split(".")
    try:
        return ".".join(label.encode("idna").decode() for label in labels)
    except UnicodeError:
        return ""


def _is_meant(host: str, entry: str) -> bool:
    return host.endswith(entry) and host != entry[1:] if entry[0] == "." else host == entry
