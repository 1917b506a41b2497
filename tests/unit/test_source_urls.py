"""The judge of addresses: what is refused before any look-up, with which code."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Final

import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from marketbel_adapters.sources.addresses import embedded_in, is_public
from marketbel_adapters.sources.policy import (
    FetchPolicy,
    parse_hosts,
    parse_networks,
    parse_ports,
)
from marketbel_adapters.sources.urls import host_of, judged, port_of, shown
from marketbel_core.errors import RefusedError

PUBLIC: Final = FetchPolicy()
SECRET: Final = "hunter2"
CODES: Final = frozenset(
    f"source.{name}"
    for name in (
        "scheme",
        "credentials_in_url",
        "malformed",
        "private_address",
        "port",
        "host_not_allowed",
    )
)


def refusal(location: str, policy: FetchPolicy = PUBLIC) -> RefusedError:
    with pytest.raises(RefusedError) as told:
        judged(location, policy)
    return told.value


def outcome_of(location: str) -> str | httpx.URL:
    try:
        return judged(location, PUBLIC)
    except RefusedError as error:
        return error.code


@pytest.mark.parametrize(
    ("location", "code"),
    [
        # S1
        ("file:///etc/passwd", "source.scheme"),
        ("FILE:/etc/passwd", "source.scheme"),
        ("ftp://example.com/list.csv", "source.scheme"),
        ("gopher://example.com:70/_x", "source.scheme"),
        ("data:text/csv,a;b", "source.scheme"),
        ("javascript:alert(1)", "source.scheme"),
        ("unix:///run/docker.sock", "source.scheme"),
        # S2
        ("https://user:hunter2@example.com/x", "source.credentials_in_url"),
        ("https://hunter2@example.com/x", "source.credentials_in_url"),
        ("https://@example.com/x", "source.credentials_in_url"),
        # S3
        ("http://127.0.0.1/", "source.private_address"),
        ("http://127.0.0.1:6379/", "source.private_address"),
        ("http://localhost/", "source.private_address"),
        ("http://LOCALHOST.:8080/", "source.private_address"),
        ("http://x.localhost/", "source.private_address"),
        ("http://[::1]/", "source.private_address"),
        ("http://[::]/", "source.private_address"),
        ("http://0.0.0.0/", "source.private_address"),
        ("http://10.1.2.3/", "source.private_address"),
        ("http://172.16.0.1/", "source.private_address"),
        ("http://172.31.255.255/", "source.private_address"),
        ("http://192.168.1.1/", "source.private_address"),
        ("http://100.64.0.1/", "source.private_address"),
        ("http://[fc00::1]/", "source.private_address"),
        ("http://[fe80::1]/", "source.private_address"),
        ("http://[fe80::1%25eth0]/", "source.private_address"),
        ("http://224.0.0.1/", "source.private_address"),
        ("http://192.0.0.8/", "source.private_address"),
        ("http://255.255.255.255/", "source.private_address"),
        # S4
        ("http://169.254.169.254/latest/meta-data/", "source.private_address"),
        ("http://metadata.google.internal/computeMetadata/v1/", "source.private_address"),
        ("http://metadata/", "source.private_address"),
        ("http://[fd00:ec2::254]/", "source.private_address"),
        ("http://168.63.129.16/", "source.private_address"),
        # S5
        ("http://2130706433/", "source.private_address"),
        ("http://0x7f.1/", "source.private_address"),
        ("http://0x7f000001/", "source.private_address"),
        ("http://017700000001/", "source.private_address"),
        ("http://127.1/", "source.private_address"),
        ("http://0/", "source.private_address"),
        ("http://127.0.0.1./", "source.private_address"),
        ("http://[::ffff:127.0.0.1]/", "source.private_address"),
        ("http://[::ffff:7f00:1]/", "source.private_address"),
        ("http://[::127.0.0.1]/", "source.private_address"),
        ("http://[64:ff9b::7f00:1]/", "source.private_address"),
        ("http://[64:ff9b:1::7f00:1]/", "source.private_address"),
        ("http://[2002:7f00:1::]/", "source.private_address"),
        ("http://[2001:0:7f00:1::]/", "source.private_address"),
        ("http://１２７.０.０.１/", "source.private_address"),
        ("http://①②⑦.⓪.⓪.①:8080/", "source.private_address"),
        ("http://127。0。0。1/", "source.private_address"),
        ("http://134744072/", "source.malformed"),  # public, in a form that nobody writes
        ("http://256.1.1.1/", "source.malformed"),
        ("http://example.1/", "source.malformed"),
        # S8
        ("http://example.com:22/", "source.port"),
        ("https://example.com:6379/", "source.port"),
        ("https://example.com:5432/", "source.port"),
        ("http://example.com:0/", "source.port"),
        ("http://example.com:99999/", "source.port"),
        ("http://example.com:port/", "source.malformed"),
        # S9
        ("https://docs.google.com\\@evil.example/", "source.malformed"),
        ("https://docs.google.com\t@evil.example/", "source.malformed"),
        ("https://docs.google.com@evil.example/", "source.credentials_in_url"),
        ("https://docs.google.com%40evil.example/", "source.malformed"),
        ("https://docs.google.com%2f.evil.example/", "source.malformed"),
        ("https:/example.com/", "source.malformed"),
        ("https:example.com/", "source.malformed"),
        ("https:///example.com/", "source.malformed"),
        ("//example.com/", "source.malformed"),
        ("http://", "source.malformed"),
        ("http://a..b/", "source.malformed"),
        ("http://-a.example/", "source.malformed"),
        ("http://exa mple.com/", "source.malformed"),
        ("http://[::1/", "source.malformed"),
        ("http://ⓔxample.com/", "source.malformed"),
        ("", "source.malformed"),
        ("1aBcDeFgHiJkLmNoPqRsTuVwXyZ", "source.malformed"),
        # S10
        (f"https://example.com/{'x' * 2_048}", "source.malformed"),
        ("https://example.com/\r\nHost: evil", "source.malformed"),
        ("https://example.com/\n", "source.malformed"),
        ("\thttps://example.com/", "source.malformed"),
        ("https://example.com/\x00", "source.malformed"),
        ("https://example.com/\x7f", "source.malformed"),
        ("https://example.com/\u202excod.xslx", "source.malformed"),
        ("https://exam\u200bple.com/", "source.malformed"),
        ("https://example.com/\u2028", "source.malformed"),
        ("https://example.com/\ud800", "source.malformed"),
    ],
)
def test_a_bad_address_is_refused_by_its_code(location: str, code: str) -> None:
    told = refusal(location)

    assert told.code == code
    assert SECRET not in str(told)


@pytest.mark.parametrize(
    ("location", "host", "port"),
    [
        ("https://example.com/list.xlsx", "example.com", 443),
        ("  HTTP://Example.COM.:8080/a b?c=d#e  ", "example.com", 8080),
        ("https://прайс.бел/март.csv", "xn--80asqeh.xn--90ais", 443),
        ("http://8.8.8.8/list.csv", "8.8.8.8", 80),
        ("https://[2001:4860:4860::8888]:8443/", "2001:4860:4860::8888", 8443),
        ("https://my_shop.example.com/x", "my_shop.example.com", 443),
        ("http://[64:ff9b::808:808]/", "64:ff9b::808:808", 80),  # how IPv6-only networks see IPv4
        ("https://example.com/x@y?z=@", "example.com", 443),
        ("https://3com.com/", "3com.com", 443),
    ],
)
def test_a_good_address_is_taken(location: str, host: str, port: int) -> None:
    url = judged(location, PUBLIC)

    assert (host_of(url), port_of(url)) == (host, port)


def test_a_deployment_opens_networks_ports_and_hosts() -> None:
    policy = FetchPolicy.parse(
        networks="10.0.0.0/8, ::1", ports="443, 8000-8010", hosts="10.1.1.1,*.shop.by,nas.local"
    )

    assert host_of(judged("https://10.1.1.1:8003/", policy)) == "10.1.1.1"
    assert host_of(judged("https://files.shop.by/", policy)) == "files.shop.by"
    assert host_of(judged("https://nas.local/", policy)) == "nas.local"
    assert refusal("https://10.1.1.2/", policy).code == "source.host_not_allowed"
    assert refusal("https://shop.by/", policy).code == "source.host_not_allowed"
    assert refusal("https://evil-shop.by/", policy).code == "source.host_not_allowed"
    assert refusal("https://10.1.1.1:80/", policy).code == "source.port"
    assert refusal("https://127.0.0.1/", policy).code == "source.private_address"
    assert refusal("https://167837953/", policy).code == "source.malformed"  # 10.1.1.1 in disguise


def test_metadata_of_clouds_stays_closed_whatever_is_opened() -> None:
    policy = FetchPolicy.parse(networks="0.0.0.0/0,::/0", ports="80", hosts="")

    assert refusal("http://169.254.169.254/", policy).code == "source.private_address"
    assert refusal("http://[::ffff:169.254.169.254]/", policy).code == "source.private_address"
    assert host_of(judged("http://169.254.169.253/", policy)) == "169.254.169.253"


@pytest.mark.parametrize("text", ["10.0.0.1/8", "ten", "10.0.0.0/33"])
def test_what_is_no_network_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="entry 2 is no network"):
        parse_networks(f"::1,{text}")


@pytest.mark.parametrize("text", ["0", "65536", "9-3", "http", "80-", ""])
def test_what_is_no_port_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"entry 1 is no port|no port is left"):
        parse_ports(text)


@pytest.mark.parametrize("text", ["https://example.com", "a b", "*", "-"])
def test_what_is_no_host_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="is no host name"):
        parse_hosts(text)


def test_hosts_are_compared_as_names_on_the_wire() -> None:
    assert parse_hosts("*.Бел, .shop.by., Files.Example.com") == (
        ".xn--90ais",
        ".shop.by",
        "files.example.com",
    )


def test_what_is_shown_has_no_query_no_credentials_and_no_line_ends() -> None:
    url = httpx.URL("https://u:hunter2@example.com:8443/a%0Ab/прайс?token=hunter2#hunter2")

    assert shown(url) == ("https://example.com:8443/a%0Ab/%D0%BF%D1%80%D0%B0%D0%B9%D1%81")
    assert len(shown(httpx.URL(f"https://example.com/{'x' * 2_000}"))) < 210


@given(st.text(max_size=60))
@example("http://0x")
@example("http://[")
@example("http://１")
def test_any_text_is_judged_and_never_crashes(text: str) -> None:
    for location in (text, f"https://{text}", f"http://example.com{text}"):
        outcome = outcome_of(location)
        if isinstance(outcome, str):
            assert outcome in CODES
        else:
            assert outcome.scheme in {"http", "https"}
            assert not outcome.userinfo
            assert PUBLIC.opens_port(port_of(outcome))


@given(st.ip_addresses(v=4), st.sampled_from(["plain", "number", "hex", "octal", "short"]))
def test_no_form_of_an_ipv4_address_hides_a_private_one(address: IPv4Address, form: str) -> None:
    octets = address.packed
    text = {
        "plain": str(address),
        "number": str(int(address)),
        "hex": hex(int(address)),
        "octal": ".".join(f"0{octet:o}" for octet in octets),
        "short": f"{octets[0]}.{int(address) & 0xFFFFFF}",
    }[form]

    outcome = outcome_of(f"http://{text}/")

    if not is_public(address):
        assert outcome == "source.private_address"
    elif isinstance(outcome, httpx.URL):
        assert host_of(outcome) == str(address)
    else:
        assert outcome == "source.malformed"


@given(st.ip_addresses(v=4))
def test_an_address_inside_another_is_as_public_as_itself(address: IPv4Address) -> None:
    for carrier in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert embedded_in(ip_address(carrier)) == address
        assert is_public(ip_address(carrier)) == is_public(address)
    for carrier in (f"::{address}", f"64:ff9b:1::{address}"):
        assert not is_public(ip_address(carrier))


@given(st.ip_addresses())
def test_nothing_is_public_that_the_standard_library_calls_private(
    address: IPv4Address | IPv6Address,
) -> None:
    if is_public(address):
        assert embedded_in(address).is_global
        assert not address.is_multicast


@given(st.ip_addresses(v=6, network=ip_network("2002::/16")))
def test_no_6to4_address_is_public(address: IPv6Address) -> None:
    assert not is_public(address)
