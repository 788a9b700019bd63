"""The command line: what it accepts, and how it says no."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cli
from catalog.errors import ConfigurationError
from catalog.settings import DatabaseSettings
from commands import quarantine
from commands.options.common import read_settings
from ingest.settings import IngestSettings

COMMANDS = ["up", "serve", "prepare", "ingest", "harvest", "sources", "db"]
runner = CliRunner()


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("KAKEHASHI_")]:
        monkeypatch.delenv(name)


def test_help_names_every_command():
    text = runner.invoke(cli.app, ["--help"]).output
    assert [name for name in COMMANDS if name not in text] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str):
    done = runner.invoke(cli.app, [name, "--help"])
    assert done.exit_code == 0
    assert "Usage" in done.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["up", "--port", "0"],
        ["up", "--port", "65536"],
        ["up", "--port", "eighty"],
        ["up", "--workers", "0"],
        ["serve", "--nonsense"],
        ["ingest"],
        ["db", "nonsense"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_status_2(arguments: list[str]):
    assert runner.invoke(cli.app, arguments).exit_code == 2


@pytest.mark.parametrize(
    "beside",
    [["--output", "x.ndjson"], ["--dry-run"], ["--bbox", "1,2,3,4"], ["--datetime", "2026-01-01"]],
    ids=str,
)
def test_a_retry_refuses_what_it_would_not_heed(beside: list[str], monkeypatch: pytest.MonkeyPatch):
    """The file of `--output` was never written."""
    monkeypatch.setattr(quarantine, "retry_quarantine", lambda *_: pytest.fail("it was run"))
    done = runner.invoke(cli.app, ["ingest", "cdse", "--retry-quarantine", *beside])
    assert done.exit_code == 2


def test_a_wrong_setting_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KAKEHASHI_STATEMENT_TIMEOUT_S", "abc")
    with pytest.raises(ConfigurationError, match=r"^KAKEHASHI_STATEMENT_TIMEOUT_S: .*valid number"):
        read_settings(DatabaseSettings)


def test_a_wrong_setting_of_one_source_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KAKEHASHI_SOURCES__CDSE__NONSENSE", "x")
    monkeypatch.setenv("KAKEHASHI_BATCH_SIZE", "0")
    with pytest.raises(ConfigurationError, match=r"^KAKEHASHI_(BATCH_SIZE|SOURCES__CDSE__NONSENSE): "):
        read_settings(IngestSettings)


def test_a_setting_that_is_not_json_is_named_by_its_variable(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KAKEHASHI_SOURCES", "{not json")
    with pytest.raises(ConfigurationError, match=r"^KAKEHASHI_SOURCES: .*JSON"):
        read_settings(IngestSettings)


def test_settings_that_do_not_fit_together_are_named(monkeypatch: pytest.MonkeyPatch):
    from app.settings import ApiSettings

    monkeypatch.setenv("KAKEHASHI_DEFAULT_LIMIT", "10")
    monkeypatch.setenv("KAKEHASHI_MAX_LIMIT", "5")
    with pytest.raises(ConfigurationError, match=r"^KAKEHASHI_DEFAULT_LIMIT is greater"):
        read_settings(ApiSettings)


def test_a_database_of_somebody_else_is_not_started_or_stopped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KAKEHASHI_DATABASE_URL", "postgresql://db/x")
    for name in ("start", "stop"):
        done = runner.invoke(cli.app, ["db", name])
        assert isinstance(done.exception, ConfigurationError)
        assert "KAKEHASHI_DATABASE_URL" in str(done.exception)


def test_the_url_of_a_given_database_is_printed_as_it_is(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("KAKEHASHI_DATABASE_URL", "postgresql://db/x")
    assert runner.invoke(cli.app, ["db", "url"]).output == "postgresql://db/x\n"


def test_being_told_to_end_is_like_an_interrupt(monkeypatch: pytest.MonkeyPatch):
    """Otherwise a database that `kakehashi ingest` started would outlive its SIGTERM."""
    before = signal.getsignal(signal.SIGINT)
    try:
        for handler in (signal.default_int_handler, signal.SIG_IGN, signal.SIG_DFL):
            signal.signal(signal.SIGINT, handler)
            with pytest.raises(KeyboardInterrupt):
                cli._as_interrupt(signal.SIGTERM, None)
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_signal_while_a_module_is_imported_is_not_lost(tmp_path: Path) -> None:
    """What is raised in the callback that frees an import's lock is reported on standard error, and then gone."""
    program = tmp_path / "program.py"
    program.write_text(
        "import signal, time, weakref\n"
        "import cli\n"
        "signal.signal(signal.SIGHUP, cli._as_interrupt)\n"
        "names = {'signal': signal}\n"
        "source = 'def cb(reference):\\n    signal.raise_signal(signal.SIGHUP)\\n    return None\\n'\n"
        "exec(compile(source, '<frozen importlib._bootstrap>', 'exec'), names)\n"
        "class Lock: pass\n"
        "lock = Lock()\n"
        "reference = weakref.ref(lock, names['cb'])\n"
        "try:\n"
        "    del lock\n"
        "    time.sleep(20)\n"
        "except KeyboardInterrupt:\n"
        "    print('interrupted')\n"
    )
    root = Path(__file__).resolve().parents[2]
    ended = subprocess.run(
        [sys.executable, program],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.stdout, ended.stderr) == ("interrupted\n", "")
