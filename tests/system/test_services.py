"""Servers of others: we take a room of our own, and leave everything else as it was."""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import asyncpg
import pytest
import redis

from marketbel_adapters.embedded import (
    AdminUrlError,
    NoEmptyDatabaseError,
    embedded_valkey,
    empty_redis_db,
    own_database,
    own_redis_db,
    services,
)
from marketbel_adapters.embedded.own_database import _creations, _run

pytestmark = [pytest.mark.postgres, pytest.mark.valkey, pytest.mark.processes]


@pytest.fixture
def server() -> Iterator[str]:
    """The URL of a Valkey server that plays somebody else's."""
    with embedded_valkey(None) as opened:
        yield opened.url


def client_of(url: str, number: int | None = None) -> redis.Redis:
    place = url if number is None else url.replace("db=0", f"db={number}")
    return redis.Redis.from_url(place, decode_responses=True)


def fetch_rows(url: str, query: str) -> list[tuple[object, ...]]:
    async def fetch() -> list[tuple[object, ...]]:
        connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
        try:
            return [tuple(row) for row in await connection.fetch(query)]
        finally:
            await connection.close()

    return asyncio.run(fetch())


def databases_at(url: str) -> set[str]:
    return {str(row[0]) for row in fetch_rows(url, "SELECT datname FROM pg_database")}


@contextmanager
def ctrl_c_after_the_first_answer() -> Iterator[list[object]]:
    """Interrupt between Redis' first answer to a script and whoever asked; yield that answer."""
    evaluate = redis.Redis.eval
    answers: list[object] = []

    def interrupted(client: redis.Redis, *arguments: Any) -> object:
        answer = evaluate(client, *arguments)
        if not answers:
            answers.append(answer)
            signal.raise_signal(signal.SIGINT)
        return answer

    with patch.object(redis.Redis, "eval", interrupted):
        yield answers


def test_room_on_servers_of_others_is_taken_and_given_back(database_url: str, server: str) -> None:
    fetch_rows(database_url, "CREATE TABLE theirs AS SELECT 1 AS one")
    with client_of(server, 0) as theirs, client_of(server, 15) as theirs_too:
        theirs.set("theirs", "1")
        theirs_too.set("theirs", "2")
    before = databases_at(database_url)

    with services(database_url=database_url, redis_url=server) as ours:
        assert ours.embedded == ()
        fetch_rows(ours.database_url, "CREATE TABLE ours AS SELECT 1 AS one")
        created = databases_at(database_url) - before
        with client_of(ours.redis_url) as client:
            client.set("ours", "1")

    assert created == {urlsplit(ours.database_url).path.removeprefix("/")}
    assert databases_at(database_url) == before
    assert fetch_rows(database_url, "SELECT * FROM theirs") == [(1,)]
    with client_of(server) as client:
        spaces = client.info("keyspace")
    assert set(spaces) == {"db0", "db15"}
    assert [space["keys"] for space in spaces.values()] == [1, 1]


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_while_a_database_is_made_leaves_none_behind(database_url: str) -> None:
    before = databases_at(database_url)
    execute = asyncpg.Connection.execute

    async def interrupted(connection: asyncpg.Connection, statement: str) -> str:
        done = await execute(connection, statement)
        if statement.startswith("CREATE"):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return done

    with (
        patch.object(asyncpg.Connection, "execute", interrupted),
        pytest.raises(KeyboardInterrupt),
    ):
        own_database(database_url).__enter__()

    assert databases_at(database_url) == before


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_while_a_redis_database_is_claimed_leaves_no_claim_behind(server: str) -> None:
    with ctrl_c_after_the_first_answer() as answers, pytest.raises(KeyboardInterrupt):
        own_redis_db(server).__enter__()

    assert answers == [1]
    with client_of(server) as client:
        assert client.info("keyspace") == {}


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_at_a_redis_database_of_others_empties_nothing(server: str) -> None:
    with client_of(server, 15) as theirs:
        theirs.set("theirs", "1")
        with ctrl_c_after_the_first_answer() as answers, pytest.raises(KeyboardInterrupt):
            own_redis_db(server).__enter__()

        assert answers == [0]
        assert theirs.get("theirs") == "1"


def test_two_runs_at_once_take_different_rooms(database_url: str, server: str) -> None:
    with (
        services(database_url=database_url, redis_url=server) as first,
        services(database_url=database_url, redis_url=server) as second,
    ):
        assert first.database_url != second.database_url
        assert first.redis_url != second.redis_url


def test_emptying_our_redis_database_keeps_our_claim(server: str) -> None:
    with own_redis_db(server) as first, client_of(first) as client:
        client.set("ours", "1")

        empty_redis_db(first)

        assert client.exists("ours") == 0
        with own_redis_db(server) as second:
            assert second != first


def test_a_redis_database_that_somebody_else_claimed_since_is_left_alone(server: str) -> None:
    with ExitStack() as first:
        url = first.enter_context(own_redis_db(server))
        with client_of(url) as client:
            client.flushdb()  # as a careless test of ours may do
            with own_redis_db(server) as second:
                assert second == url
                client.set("of the second", "1")

                first.close()

                assert client.get("of the second") == "1"


def test_a_full_redis_server_is_refused(server: str) -> None:
    for number in range(16):
        with client_of(server, number) as client:
            client.set("theirs", "1")

    with pytest.raises(NoEmptyDatabaseError, match="none of the 16"):
        own_redis_db(server).__enter__()

    for number in range(16):
        with client_of(server, number) as client:
            assert client.dbsize() == 1


def test_a_redis_server_that_hides_its_settings_is_tried_out(server: str) -> None:
    with client_of(server) as client:
        client.acl_setuser(
            "limited", enabled=True, passwords=["+pw"], keys=["*"], commands=["+@all", "-config"]
        )
    limited = server.replace("unix://", "unix://limited:pw@")

    with own_redis_db(limited) as url:
        assert url.endswith("db=15")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_every_spelling_of_a_database_url_is_understood(database_url: str, scheme: str) -> None:
    spelled = database_url.replace("postgresql", scheme, 1)

    with own_database(spelled) as url:
        assert url.startswith(f"{scheme}://")
        driver_url = url.replace(scheme, "postgresql", 1)
        rows = fetch_rows(
            driver_url,
            "SELECT lower('Я'), pg_encoding_to_char(encoding) "
            "FROM pg_database WHERE datname = current_database()",
        )

    assert rows == [("я", "UTF8")]


def test_options_meant_for_sqlalchemy_do_not_reach_the_server(database_url: str) -> None:
    spelled = database_url.replace("postgresql", "postgresql+asyncpg", 1)
    spelled += ("&" if "?" in spelled else "?") + "ssl=prefer&prepared_statement_cache_size=0"

    with own_database(spelled) as url:
        assert url.endswith("ssl=prefer&prepared_statement_cache_size=0")


@pytest.mark.parametrize("version", [14, 15, 16, 17])
def test_servers_of_any_age_are_asked_for_what_they_know(version: int) -> None:
    statements = _creations("x", template=None, version=version)

    assert ("builtin" in statements[0]) == (version >= 17)
    assert ("LOCALE_PROVIDER" in statements[0]) == (version >= 15)


@pytest.mark.parametrize("version", [14, 15])
def test_files_are_copied_by_servers_that_know_how(version: int) -> None:
    [statement] = _creations("x", template="y", version=version)

    assert ("FILE_COPY" in statement) == (version >= 15)


def test_the_second_choice_of_a_locale_folds_cyrillic_too(database_url: str) -> None:
    statement = _creations("folds", template=None, version=17)[1]
    fetch_rows(database_url, statement)
    try:
        other = database_url.replace(urlsplit(database_url).path, "/folds", 1)
        fetch_rows(other, "CREATE EXTENSION pg_trgm")
        assert fetch_rows(other, "SELECT lower('Я'), similarity('Я', 'я')") == [("я", 1.0)]
    finally:
        fetch_rows(database_url, "DROP DATABASE folds")


def test_a_copy_has_what_its_template_has(database_url: str) -> None:
    fetch_rows(database_url, "CREATE TABLE kept AS SELECT 42 AS answer")
    template = urlsplit(database_url).path.removeprefix("/")
    with (
        own_database(database_url) as admin_url,
        own_database(admin_url, template=template) as url,
    ):
        assert fetch_rows(url, "SELECT answer FROM kept") == [(42,)]


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://localhost/x", "must start with"),
        ("postgresql://localhost:geheim/x", "cannot be read"),
        ("postgresql://nobody@/x?host=/absent/folder", "cannot connect"),
    ],
)
def test_an_unusable_database_url_is_refused_without_its_password(url: str, reason: str) -> None:
    with pytest.raises(AdminUrlError, match=reason) as caught:
        own_database(url).__enter__()

    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://localhost", "must start with"),
        ("redis://localhost:geheim", "cannot be read"),
        ("redis://[geheim", "cannot be read"),
        ("unix:///absent/socket", "cannot work"),
    ],
)
def test_an_unusable_redis_url_is_refused_without_its_password(url: str, reason: str) -> None:
    with pytest.raises(AdminUrlError, match=reason) as caught:
        own_redis_db(url).__enter__()

    assert "geheim" not in str(caught.value)


async def test_the_work_of_an_administrator_can_be_done_inside_a_loop() -> None:
    async def answer() -> int:
        return 42

    assert _run(answer()) == 42


def test_migrated_databases_are_copies_of_one_template(
    migrated_database_url: str, migrated_template: str
) -> None:
    rows = fetch_rows(migrated_database_url, "SELECT count(*) FROM alembic_version")

    assert rows == [(1,)]
    assert migrated_template not in migrated_database_url
