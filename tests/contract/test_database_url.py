"""How a database may be named, and that a refusal gives nothing away."""

import pytest

from marketbel_adapters.postgres.url import DatabaseUrlError, asyncpg_url, create_engine


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_each_usual_scheme_becomes_asyncpg(scheme: str) -> None:
    url = asyncpg_url(f"{scheme}://me:s%40crit@db.example:6432/shop")

    assert url.drivername == "postgresql+asyncpg"
    assert (url.username, url.password) == ("me", "s@crit")
    assert (url.host, url.port, url.database) == ("db.example", 6432, "shop")


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me@/shop?host=/run/pg",
        "postgresql://me:@/shop?host=/run/pg",
        "postgres:///shop?host=/run/pg&user=me",
    ],
)
def test_a_unix_socket_is_named_by_its_folder(text: str) -> None:
    url = asyncpg_url(text)

    assert (url.username, url.password, url.host) == ("me", None, None)
    assert dict(url.query) == {"host": "/run/pg"}


def test_the_sslmode_of_libpq_is_understood() -> None:
    url = asyncpg_url("postgresql://me@db.example/shop?sslmode=require")

    assert dict(url.query) == {"ssl": "require"}


def test_a_password_among_the_parameters_is_hidden_when_the_url_is_shown() -> None:
    url = asyncpg_url("postgresql:///shop?host=/run/pg&user=me&password=s3cret")

    assert url.password == "s3cret"
    assert "s3cret" not in str(url)


@pytest.mark.parametrize(
    "text",
    [
        "mysql://me:s3cret@db.example/shop",
        "postgresql+psycopg://me:s3cret@db.example/shop",
        "postgresql://me:s3cret@db.example/shop?colour=green",
        "postgresql://db.example:s3cret/shop",
        "postgresql://me:p@s3cret@db.example/shop",
        "me:s3cret@db.example/shop",
        "",
    ],
)
def test_anything_else_is_refused_without_showing_the_password(text: str) -> None:
    with pytest.raises(DatabaseUrlError) as caught:
        asyncpg_url(text)

    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_an_engine_opens_nothing_by_itself() -> None:
    engine = create_engine("postgresql://me@/shop?host=/nowhere", pool_size=3)

    assert engine.dialect.driver == "asyncpg"
    assert engine.pool.status().startswith("Pool size: 3  Connections in pool: 0")
