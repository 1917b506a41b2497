"""The secrets among the settings: what no finding may show."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qs, quote, unquote, urlsplit

from marketbel_runtime.settings import Settings

__all__ = ["secrets_of"]

_LENGTH_MIN: Final = 4
"""A shorter one is in every other word: masking it there would tell it rather than hide it."""


def secrets_of(settings: Settings) -> tuple[str, ...]:
    """Return passwords, and addresses with passwords in them, in each way they may be spelt."""
    found: set[str] = set()
    for url in (settings.database_url, settings.redis_url):
        if url is not None:
            found.update(_in_url(url.get_secret_value()))
    found.update(_in_url(settings.ml_analyze_url))
    if settings.redis_password is not None:
        found.add(settings.redis_password.get_secret_value())
    spelt = {other for secret in found for other in (secret, quote(secret, safe=""))}
    return tuple(sorted(secret for secret in spelt if len(secret) >= _LENGTH_MIN))


def _in_url(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        yield url
        return
    if password:
        yield from (url, password, unquote(password))
    for given in parse_qs(parts.query).get("password", ()):
        yield from (url, given)
