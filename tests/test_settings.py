"""Settings read from the environment: defaults, ranges, and the variable's name in every refusal."""

import pytest

from cutline.environment import SettingsError
from cutline.pipeline.codecs.encode import WORST_S_PER_PX
from cutline.serving.derived import MAX_PX, TIME_LIMIT_MS
from cutline.settings import Settings
from tests.support.template import whole_template


def test_an_empty_environment_means_the_documented_defaults() -> None:
    settings = Settings.from_environment({})
    assert (settings.model, str(settings.models_dir), settings.time_limit_ms) == ("matte", "/opt/models", 25_000)
    assert (settings.service_qps, settings.public_url, settings.fetch_allowed) == (0.0, "", ())
    assert settings.threads >= 1
    assert not settings.lenient_body_hash


@pytest.mark.parametrize(
    ("memory_mb", "seen", "threads"),
    [(512, 2, 1), (1769, 2, 1), (2048, 2, 1), (3008, 3, 2), (4096, 3, 2), (10240, 6, 6)],
)
def test_a_function_has_the_threads_that_its_memory_pays_for(
    monkeypatch: pytest.MonkeyPatch, memory_mb: int, seen: int, threads: int
) -> None:
    """Lambda shows two CPUs at 1,769 MB and gives the time of one."""
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: set(range(seen)))
    assert Settings.from_environment({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb)}).threads == threads
    said = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_mb), "THREADS": "4"}
    assert Settings.from_environment(said).threads == 4


@pytest.mark.parametrize(
    ("memory_mb", "given", "cpu", "share"),
    [
        ("", "", 1, 1),
        ("1769", "", 1.7, 1),
        ("1024", "", 1.7, 1024 / 1769),
        ("3008", "", 1.7, 1),
        ("512", "4", 4, 512 / 1769),
    ],
)
def test_lambdas_processor_is_taken_for_slower_and_shared_by_memory(
    memory_mb: str, given: str, cpu: float, share: float
) -> None:
    settings = Settings.from_environment({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": memory_mb, "CPU_SLOWDOWN": given})
    assert (settings.cpu_slowdown, settings.cpu_share) == (cpu, pytest.approx(share))


def test_a_link_has_time_for_the_webp_of_any_picture_that_it_takes() -> None:
    """With its memory, on the slowest processor that is expected."""
    memory = whole_template().plain["Resources"]["LinksFunction"]["Properties"]["MemorySize"]
    settings = Settings.from_environment({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory)})
    worst_s = WORST_S_PER_PX["WEBP"] * MAX_PX * settings.cpu_slowdown / settings.cpu_share
    assert worst_s < TIME_LIMIT_MS / 1000 - 1


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("THREADS", "0"),
        ("THREADS", "17"),
        ("THREADS", "two"),
        ("THREADS", "1.5"),
        ("TIME_LIMIT_MS", "0"),
        ("TIME_LIMIT_MS", "900001"),
        ("TIME_LIMIT_MS", "25e3"),
        ("SERVICE_QPS", "-1"),
        ("SERVICE_QPS", "nan"),
        ("SERVICE_QPS", "inf"),
        ("SERVICE_QPS", "fast"),
        ("FETCH_ALLOWED", "10.0.0.1/8"),
        ("FETCH_ALLOWED", "10.0.0.0/8,everything"),
        ("JD_BODY_HASH", "Lenient"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"environment variable {name} "):
        Settings.from_environment({name: value})


def test_right_variables_are_taken() -> None:
    settings = Settings.from_environment(
        {
            "THREADS": "16",
            "TIME_LIMIT_MS": "1",
            "SERVICE_QPS": "0.5",
            "PUBLIC_URL": "https://cutout.example.com/",
            "FETCH_ALLOWED": " 10.0.0.0/8, fd00::/8 ,",
            "JD_BODY_HASH": "lenient",
        }
    )
    assert (settings.threads, settings.time_limit_ms, settings.service_qps) == (16, 1, 0.5)
    assert settings.public_url == "https://cutout.example.com"
    assert [str(network) for network in settings.fetch_allowed] == ["10.0.0.0/8", "fd00::/8"]
    assert settings.lenient_body_hash


@pytest.mark.parametrize("name", ["accounts_table", "meter_table", "accounts_key", "output_bucket"])
def test_a_missing_name_is_reported_by_its_variable(name: str) -> None:
    settings = Settings.from_environment({name.upper(): ""})
    with pytest.raises(SettingsError, match=f"environment variable {name.upper()} is missing"):
        settings.require(name)
