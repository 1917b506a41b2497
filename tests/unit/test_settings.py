"""Settings: read from the environment, checked, and asked for only where they are used."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from unittest.mock import patch

import pytest

from marketbel_runtime.settings import Settings, SettingsError, load_settings


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
