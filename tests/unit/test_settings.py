"""Settings: read from the environment, checked, and asked for only where they are used."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from ipaddress import IPv4Address
from pathlib import Path
from unittest.mock import patch

import pytest
from pydantic import SecretStr

from marketbel_runtime.settings import (
    SettingFault,
    Settings,
    SettingsError,
    load_settings,
    read_settings,
)


@contextmanager
def environment(**variables: str) -> Iterator[None]:
    with patch.dict(os.environ, variables, clear=True):
        yield


def test_nothing_is_required_to_make_settings() -> None:
    with environment():
        settings = Settings(_env_file=None)

    assert settings.queue_name == "price-ingestion-queue"
    assert (settings.thresholds.link_min, settings.thresholds.review_min) == (95.0, 70.0)
    assert settings.file_size_bytes_max == 50 * 1024 * 1024
    assert settings.review_for == timedelta(days=30)
    assert settings.analyzing_max == timedelta(minutes=30)


def test_what_is_missing_is_named_when_it_is_asked_for() -> None:
    with environment():
        settings = Settings(_env_file=None)

    with pytest.raises(SettingsError, match="DATABASE_URL"):
        settings.require_database_url()
    with pytest.raises(SettingsError, match="REDIS_PASSWORD"):
        settings.require_redis_url()


def test_the_redis_address_is_built_of_its_parts() -> None:
    with environment(REDIS_HOST="cache", REDIS_PORT="6380", REDIS_PASSWORD="a b/c"):
        assert Settings(_env_file=None).require_redis_url() == "redis://:a%20b%2Fc@cache:6380/0"


def test_the_redis_url_wins_over_its_parts() -> None:
    with environment(REDIS_URL="unix:///run/r.sock?db=2", REDIS_PASSWORD="x"):
        assert Settings(_env_file=None).require_redis_url() == "unix:///run/r.sock?db=2"


def test_a_shared_folder_that_is_none_is_refused_with_the_cure() -> None:
    with (
        environment(UPLOADS_DIR="/nowhere/at/all"),
        pytest.raises(SettingsError, match="UPLOADS_DIR is /nowhere/at/all"),
    ):
        Settings(_env_file=None).require_uploads_dir()


def test_a_shared_folder_that_is_a_link_is_refused_with_the_cure(tmp_path: Path) -> None:
    (tmp_path / "uploads").symlink_to(tmp_path)

    with (
        environment(UPLOADS_DIR=str(tmp_path / "uploads")),
        pytest.raises(SettingsError, match="is a link: name the folder that it leads to"),
    ):
        Settings(_env_file=None).require_uploads_dir()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_WORKERS", "0"),
        ("ML_POLL_INTERVAL_SECONDS", "61"),
        ("MATCH_AUTO_THRESHOLD", "101"),
        ("CATALOGUE_CURRENCY", "byn"),
        ("MAX_FILE_SIZE_MB", "many"),
    ],
)
def test_a_wrong_value_is_refused_by_its_name_and_never_shown(name: str, value: str) -> None:
    with environment(**{name: value}), pytest.raises(SettingsError, match=name) as caught:
        load_settings()

    assert caught.value.code == "settings.invalid"


def test_thresholds_in_the_wrong_order_are_refused() -> None:
    with (
        environment(MATCH_AUTO_THRESHOLD="60", MATCH_POTENTIAL_THRESHOLD="80"),
        pytest.raises(SettingsError, match="MATCH_POTENTIAL_THRESHOLD"),
    ):
        load_settings()


def test_secrets_do_not_show_in_a_representation() -> None:
    with environment(DATABASE_URL="postgresql://u:hunter2@h/db", REDIS_PASSWORD="hunter3"):
        shown = repr(Settings(_env_file=None))

    assert "hunter" not in shown


# What the deployment knows, but for the variables of the experiment LLM_*: name, default, a good
# text, what it becomes, a wrong text.
NUMBERS = [
    ("REDIS_PORT", 6379, "6380", 6380, "tcp://10.0.0.7:6379"),
    ("MAX_WORKERS", 5, "20", 20, "0"),
    ("JOB_TIMEOUT", 300, "600", 600, "5 minutes"),
    ("JOB_LEASE_SECONDS", 30, "2", 2, "1"),
    ("RESCUE_INTERVAL_SECONDS", 15, "60", 60, "0"),
    ("SHUTDOWN_GRACE_SECONDS", 20, "5", 5, "4"),
    ("SYNC_INTERVAL_HOURS", 8, "168", 168, "169"),
    ("SYNC_MISSING_PERCENT_MAX", 50, "100", 100, "101"),
    ("MATCH_AUTO_THRESHOLD", 95.0, "97.5", 97.5, "nan"),
    ("MATCH_POTENTIAL_THRESHOLD", 70.0, "60", 60.0, "-1"),
    ("MATCH_BATCH_SIZE", 100, "1000", 1000, "1001"),
    ("MATCH_MAX_CANDIDATES", 5, "20", 20, "21"),
    ("MATCH_REVIEW_EXPIRATION_DAYS", 30, "365", 365, "366"),
    ("REVIEW_EXPIRATION_DAYS", 30, "1", 1, "0"),
    ("ML_POLL_INTERVAL_SECONDS", 5, "60", 60, "61"),
    ("MAX_FILE_SIZE_MB", 50, "500", 500, "50MB"),
    ("FILE_CLEANUP_TTL_HOURS", 24, "1", 1, "0"),
]
TEXTS = [
    ("REDIS_HOST", "redis", "cache.example", "cache.example", "redis://cache"),
    ("QUEUE_NAME", "price-ingestion-queue", "default", "default", "two words"),
    ("DLQ_NAME", "price-ingestion-dlq", "dead", "dead", "two words"),
    ("LOG_LEVEL", "INFO", "warning", "WARNING", "LOUD"),
    ("LOG_FORMAT", "json", "Console", "console", "xml"),
    ("ENVIRONMENT", "development", "production", "production", "two words"),
    ("FETCH_ALLOW_NETWORKS", "", "10.0.0.0/8, ::1", "10.0.0.0/8, ::1", "10.0.0.1/8"),
    ("FETCH_ALLOWED_PORTS", "80,443,8080,8443", "443,8000-8010", "443,8000-8010", "https"),
    ("FETCH_ALLOWED_HOSTS", "", "a.by,*.b.by", "a.by,*.b.by", "https://a.by"),
    ("MASTER_SHEET_URL", None, "https://d.example/s", "https://d.example/s", "a sheet"),
    ("MASTER_SHEET_URL", None, "/up/a b.xlsx", "/up/a b.xlsx", "ftp://x/a.csv"),
    ("ML_ANALYZE_URL", "http://ml-analyze:8001", "https://ml", "https://ml", "ml-analyze:8001"),
    ("MATCH_NEEDS_CATEGORY", False, "true", True, "perhaps"),
    ("USE_ML_PROCESSING", True, "False", False, "perhaps"),
    ("XLSX_MACROS", "refuse", "Flag", "flag", "allow"),
]
PLACES: list[tuple[str, Path, str, Path]] = [
    ("UPLOADS_DIR", Path("/shared/uploads"), "/data", Path("/data")),
    (
        "GOOGLE_CREDENTIALS_PATH",
        Path("/app/credentials/google-credentials.json"),
        "/run/secrets/key",
        Path("/run/secrets/key"),
    ),
]
ADDRESSES = [
    (
        "DATABASE_URL",
        "postgresql+asyncpg://u:p@db/marketbel",
        "mysql://u:hunter2@db/x",
        Settings.require_database_url,
    ),
    ("REDIS_URL", "rediss://:p@cache:6380/1", "http://:hunter2@cache", Settings.require_redis_url),
]
FIELDS = {"REVIEW_EXPIRATION_DAYS": "match_review_expiration_days"}


def field(name: str) -> str:
    return FIELDS.get(name, name.lower())


@pytest.mark.parametrize(("name", "default", "good", "becomes", "wrong"), [*NUMBERS, *TEXTS])
def test_a_variable_has_its_default_takes_a_good_value_and_names_a_wrong_one(
    name: str, default: object, good: str, becomes: object, wrong: str
) -> None:
    with environment():
        assert getattr(load_settings(), field(name)) == default
    with environment(**{name: good}):
        assert getattr(load_settings(), field(name)) == becomes
    with environment(**{name.lower(): good}):
        assert getattr(load_settings(), field(name)) == becomes
    with environment(**{name: ""}):
        assert getattr(load_settings(), field(name)) == default
    with environment(**{name: wrong}), pytest.raises(SettingsError) as caught:
        load_settings()

    assert name in str(caught.value)
    assert wrong not in str(caught.value).partition("left out")[0]


@pytest.mark.parametrize(("name", "default", "good", "becomes"), PLACES)
def test_a_place_has_its_default_and_is_looked_at_only_when_it_is_used(
    name: str, default: Path, good: str, becomes: Path
) -> None:
    with environment():
        assert getattr(load_settings(), field(name)) == default
    with environment(**{name: good}):
        assert getattr(load_settings(), field(name)) == becomes
    with environment(**{name: ""}):
        assert getattr(load_settings(), field(name)) == default


@pytest.mark.parametrize(("name", "good", "wrong", "require"), ADDRESSES)
def test_an_address_is_named_when_it_is_missing_or_wrong_and_never_shown(
    name: str, good: str, wrong: str, require: Callable[[Settings], str]
) -> None:
    with environment(**{name: good}):
        assert require(load_settings()) == good
    for given in ("", wrong):
        with environment(**{name: given}), pytest.raises(SettingsError, match=name) as caught:
            require(load_settings())

        assert "hunter2" not in str(caught.value)


def test_a_password_makes_an_address_and_an_empty_one_counts_as_missing() -> None:
    with environment(REDIS_PASSWORD="p"):
        settings = load_settings()
        assert settings.redis_password == SecretStr("p")
        assert settings.require_redis_url() == "redis://:p@redis:6379/0"
    with (
        environment(REDIS_PASSWORD="", REDIS_URL=""),
        pytest.raises(SettingsError, match="REDIS_PASSWORD"),
    ):
        load_settings().require_redis_url()


def test_every_variable_of_the_deployment_is_in_a_table_above() -> None:
    walked = {row[0] for table in (NUMBERS, TEXTS, PLACES, ADDRESSES) for row in table}
    ours = {
        "ML_STALLED_MINUTES",
        "FETCH_PER_HOST_MAX",
        "CATALOGUE_CURRENCY",
        "CURRENCY_RATES",
        "IMPORT_MOVED_ROWS_MAX_PERCENT",
        "IMPORT_PRICE_MOVE_MAX_PERCENT",
        "IMPORT_KNOWN_MIN_PERCENT",
        "IMPORT_ROWS_MIN_PERCENT",
        "MISSING_ITEMS",
    }  # known to nobody else

    known = {name.upper() for name in Settings.model_fields} | {"REVIEW_EXPIRATION_DAYS"}

    assert walked | {"REDIS_PASSWORD"} == known - ours


def test_what_may_be_fetched_from_is_put_together_of_three_variables() -> None:
    with environment():
        policy = load_settings().fetch_policy
        assert (policy.networks, policy.hosts) == ((), ())
        assert [port for port in range(65_536) if policy.opens_port(port)] == [80, 443, 8080, 8443]
    with environment(FETCH_ALLOW_NETWORKS="10.0.0.0/8", FETCH_ALLOWED_HOSTS="*.b.by"):
        policy = load_settings().fetch_policy
        assert policy.opens_address(IPv4Address("10.1.2.3"))
        assert not policy.opens_host("b.by")


@pytest.mark.parametrize(("timeout", "seconds"), [(300, 240), (100, 50), (1, 1)])
def test_reading_ends_before_its_step_does(timeout: int, seconds: int) -> None:
    assert Settings(_env_file=None, job_timeout=timeout).reading_cpu_seconds_max == seconds


def test_of_two_spellings_the_longer_one_wins_unless_it_is_empty() -> None:
    with environment(MATCH_REVIEW_EXPIRATION_DAYS="7", REVIEW_EXPIRATION_DAYS="9"):
        assert load_settings().review_for == timedelta(days=7)
    with environment(MATCH_REVIEW_EXPIRATION_DAYS="", REVIEW_EXPIRATION_DAYS="9"):
        assert load_settings().review_for == timedelta(days=9)


def test_every_variable_says_what_it_is_for() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


@pytest.mark.parametrize("name", ["parse-tasks", "parse:triggers", "jobs:active", "sync:lock"])
def test_a_queue_is_not_named_after_a_key_that_holds_something_else(name: str) -> None:
    with environment(QUEUE_NAME=name), pytest.raises(SettingsError, match="QUEUE_NAME"):
        load_settings()


def test_all_faults_are_told_at_once_and_what_is_right_is_kept() -> None:
    with environment(MAX_WORKERS="0", REVIEW_EXPIRATION_DAYS="x", QUEUE_NAME="mine"):
        settings, faults = read_settings()

    assert [fault.variable for fault in faults] == [
        "MAX_WORKERS",
        "MATCH_REVIEW_EXPIRATION_DAYS or REVIEW_EXPIRATION_DAYS",
    ]
    assert (settings.max_workers, settings.match_review_expiration_days) == (5, 30)
    assert settings.queue_name == "mine"


def test_one_threshold_beside_the_other_ones_default_is_told_as_a_whole_sentence() -> None:
    with environment(MATCH_AUTO_THRESHOLD="60"):
        settings, faults = read_settings()

    told = "MATCH_POTENTIAL_THRESHOLD must not be above MATCH_AUTO_THRESHOLD"
    assert faults == (SettingFault(variable="MATCH_POTENTIAL_THRESHOLD", message=told),)
    assert settings.thresholds.link_min == 95.0


def test_a_file_is_read_the_environment_wins_and_strangers_are_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    lines = ["max_workers=7", "Queue_Name=mine", "SYNC_INTERVAL_HOURS=", "LLM_MODEL=x", "HOME=y"]
    Path(".env").write_text("\ufeff" + "\n".join(lines), encoding="utf-8")

    with environment(QUEUE_NAME="theirs", LLM_BACKEND="ollama"):
        settings = load_settings()

    assert (settings.max_workers, settings.queue_name, settings.sync_interval_hours) == (
        7,
        "theirs",
        8,
    )


def test_a_file_that_is_no_text_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(".env").write_bytes(b"MAX_WORKERS=\xff\xfe")

    with environment(), pytest.raises(SettingsError, match=r"\.env"):
        load_settings()


def test_the_module_has_each_choice_read_once_and_not_at_import() -> None:
    program = """
import os
from marketbel_runtime import settings
assert not hasattr(settings, "no_such_choice")
os.environ["MAX_WORKERS"] = "7"
assert settings.max_workers == 7
os.environ["MAX_WORKERS"] = "8"
assert settings.max_workers == 7
assert settings.file_size_bytes_max == 50 * 1024 * 1024
assert settings.require_redis_url() == "unix:///r"
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": os.pathsep.join(sys.path), "REDIS_URL": "unix:///r"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("choices", "expected"),
    [({}, 4), ({"max_workers": 1}, 1), ({"max_workers": 2, "fetch_per_host_max": 7}, 7)],
)
def test_one_host_is_left_a_place_less_than_there_are(
    choices: dict[str, int], expected: int
) -> None:
    settings = Settings.model_validate(choices)

    assert settings.fetches_per_host_max == expected


def test_limits_are_the_numbers_that_were_typed() -> None:
    limits = Settings(import_rows_min_percent=50, import_moved_rows_max_percent=12.5).import_rules

    assert str(limits.limits.rows_min_percent) == "50"
    assert str(limits.limits.moved_rows_max_percent) == "12.5"
