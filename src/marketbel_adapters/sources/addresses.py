"""Which network addresses are public: a list of our own, stricter than the standard library's.

`ipaddress.is_global` of Python 3.12.1 takes several addresses for public behind which a private
one hides (NAT64, 6to4) or nobody in particular answers (multicast, 192.0.0.0/24).
"""

import socket
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)
from typing import Final

__all__ = ["Address", "Network", "embedded_in", "is_metadata", "is_public", "legacy_ipv4"]

type Address = IPv4Address | IPv6Address
type Network = IPv4Network | IPv6Network

_NOT_PUBLIC_4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network; 0.0.0.0 reaches the machine itself
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared by providers' customers
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local, clouds' metadata
        "172.16.0.0/12",
        "192.0.0.0/24",  # IETF protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarking
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_UNICAST_6: Final = IPv6Network("2000::/3")
"""All that was ever given out as public; mapped, local, multicast and the rest lie outside."""

_NOT_PUBLIC_6: Final = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # IETF protocol assignments: Teredo, benchmarking, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: any IPv4 address inside
        "3fff::/20",  # documentation
    )
)
_NAT64: Final = IPv6Network("64:ff9b::/96")
_METADATA: Final = frozenset(
    ip_address(text)
    for text in (
        "169.254.169.254",  # most clouds
        "169.254.170.2",  # AWS, containers
        "fd00:ec2::254",  # AWS over IPv6
        "fd20:ce::254",  # Google over IPv6
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "168.63.129.16",  # Azure: lies among the public ones
    )
)


def embedded_in(address: Address) -> Address:
    """Return the IPv4 address that an IPv4-mapped or a NAT64 address stands for, else `address`.

    Both are ordinary ways to a public IPv4 server, so what counts is where they lead.
    """
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def is_metadata(address: Address) -> bool:
    """Return whether a cloud hands out credentials of its machines there."""
    return embedded_in(address) in _METADATA


def is_public(address: Address) -> bool:
    """Return whether anybody on the internet reaches the same machine at `address`."""
    meant = embedded_in(address)
    if meant in _METADATA:
        return False
    if isinstance(meant, IPv4Address):
        return not any(meant in network for network in _NOT_PUBLIC_4)
    return meant in _UNICAST_6 and not any(meant in network for network in _NOT_PUBLIC_6)


def legacy_ipv4(host: str) -> IPv4Address | None:
    """Return the address that system calls read from `2130706433`, `0x7f.1` or `127.1`.

    `None` when they would take `host` for a name.
    """
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None
