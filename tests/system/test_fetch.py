"""`marketbel fetch` as a person and as a program use it."""

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Response

from tests.system.forked import run_command

KEYS = ["ok", "code", "message", "type", "size_bytes", "sha256", "final_url"]
LIST = b"name;price\nmilk;2.50\n"


@pytest.fixture
def site(httpserver: HTTPServer) -> HTTPServer:
    """A supplier's site on this machine."""
    httpserver.expect_request("/march.csv").respond_with_data(LIST, content_type="text/csv")
    httpserver.expect_request("/go").respond_with_response(
        Response(status=302, headers={"Location": "/march.csv?token=hunter2"})
    )
    return httpserver


def run(*arguments: str, cwd: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    kept = {name: text for name, text in os.environ.items() if not name.startswith("FETCH_")}
    return run_command("fetch", *arguments, environment={**kept, **variables}, folder=cwd)


def opened(site: HTTPServer) -> dict[str, str]:
    return {"FETCH_ALLOW_NETWORKS": "127.0.0.0/8", "FETCH_ALLOWED_PORTS": str(site.port)}


def last_line(text: str) -> dict[str, object]:
    found = json.loads(text.rstrip().rpartition("\n")[2])
    assert isinstance(found, dict)
    return found


def test_a_dry_run_tells_all_and_keeps_nothing(site: HTTPServer, tmp_path: Path) -> None:
    url = site.url_for("/go?token=hunter2")

    done = run(url, "--dry-run", "--json", cwd=tmp_path, **opened(site))

    told = last_line(done.stdout)
    assert done.returncode == 0, done.stderr
    assert list(told) == KEYS
    assert told == {
        "ok": True,
        "code": None,
        "message": "fetched; nothing was kept",
        "type": "csv",
        "size_bytes": len(LIST),
        "sha256": hashlib.sha256(LIST).hexdigest(),
        "final_url": site.url_for("/march.csv"),
    }
    assert "hunter2" not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_file_rests_in_the_current_folder_and_is_never_replaced(
    site: HTTPServer, tmp_path: Path
) -> None:
    url = site.url_for("/march.csv")

    first = run(url, cwd=tmp_path, **opened(site))
    second = run(url, "--json", cwd=tmp_path, **opened(site))
    third = run(url, "--out", "april.csv", cwd=tmp_path, **opened(site))

    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith(f"csv, {len(LIST)} bytes from {url}: fetched; kept as ")
    assert (second.returncode, last_line(second.stdout)["code"]) == (1, "storage.exists")
    assert third.returncode == 0
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "march.csv": LIST,
        "april.csv": LIST,
    }


def test_a_server_of_this_machine_is_refused_unless_it_is_opened(
    site: HTTPServer, tmp_path: Path
) -> None:
    done = run(site.url_for("/march.csv"), "--json", cwd=tmp_path)

    told = last_line(done.stdout)
    assert done.returncode == 1
    assert list(told) == KEYS
    assert (told["ok"], told["code"]) == (False, "source.private_address")
    assert "FETCH_ALLOW_NETWORKS" in done.stderr
    assert site.log == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["ftp://example.com/x"], "source.scheme"),
        (["nothing.csv"], "source.missing"),
        ([" "], "source.malformed"),
        (["march.csv", "--out", "nowhere/x.csv"], "storage.missing"),
    ],
)
def test_what_cannot_be_fetched_is_told_and_leaves_nothing(
    tmp_path: Path, arguments: list[str], code: str
) -> None:
    (tmp_path / "march.csv").write_bytes(LIST)

    done = run(*arguments, "--json", cwd=tmp_path)

    assert (done.returncode, last_line(done.stdout)["code"]) == (1, code)
    assert [path.name for path in tmp_path.iterdir()] == ["march.csv"]


def test_a_path_may_lead_anywhere(tmp_path: Path) -> None:
    place = tmp_path / "far" / "march.csv"
    place.parent.mkdir()
    place.write_bytes(LIST)

    done = run("far/march.csv", "--json", cwd=tmp_path)

    told = last_line(done.stdout)
    assert (done.returncode, told["final_url"]) == (0, None)
    assert (tmp_path / "march.csv").read_bytes() == LIST


def test_a_wrong_setting_is_named(tmp_path: Path) -> None:
    done = run("x.csv", "--json", cwd=tmp_path, FETCH_ALLOWED_PORTS="https")

    assert (done.returncode, last_line(done.stdout)["code"]) == (1, "settings.invalid")
    assert "FETCH_ALLOWED_PORTS" in done.stderr
