"""The documents say what the code does, and their links lead somewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pydantic_settings import BaseSettings

from app.settings import ApiSettings
from catalog.settings import DatabaseSettings
from ingest.settings import IngestSettings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def test_reference_pages_follow_from_the_code():
    script = ROOT / "scripts" / "generate_reference.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_between_documents_lead_somewhere(document: Path):
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", document.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    missing = [target for target in local if not (document.parent / target).exists()]
    assert not missing


def test_every_source_has_a_reference_page():
    from ingest.sources import SOURCES

    pages = {page.stem for page in (ROOT / "docs" / "reference" / "sources").glob("*.md")}
    assert set(SOURCES) <= pages


def test_every_setting_of_the_code_is_in_the_reference():
    reference = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    used = set()
    for file in [*ROOT.glob("*.py"), *ROOT.glob("*/*.py"), *ROOT.glob("*/*/*.py")]:
        if file.relative_to(ROOT).parts[0] in {"app", "catalog", "commands", "ingest"}:
            used |= set(re.findall(r"KAKEHASHI_[A-Z][A-Z_]*[A-Z]", file.read_text(encoding="utf-8")))
    used -= {"KAKEHASHI_SOURCES"}
    missing = {name for name in used if name not in reference and not name.startswith("KAKEHASHI_SOURCES__")}
    assert not missing


@pytest.mark.parametrize("kind", [DatabaseSettings, ApiSettings, IngestSettings])
def test_defaults_are_shown_as_they_can_be_set(kind: type[BaseSettings], monkeypatch: pytest.MonkeyPatch):
    """Lists were shown as Python writes them, which is refused."""
    for name in [name for name in os.environ if name.startswith("KAKEHASHI_")]:
        monkeypatch.delenv(name)
    page = (ROOT / "docs" / "reference" / "settings.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `KAKEHASHI_(\w+)` \| `([^`]*)` \|", page, re.MULTILINE))
    shown = [name for name in kind.model_fields if name.upper() in rows]
    assert shown
    unset = kind()
    for name in shown:
        monkeypatch.setenv(f"KAKEHASHI_{name.upper()}", rows[name.upper()])
    assert kind() == unset


def test_every_dependency_has_its_reason():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    architecture = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("## Dependencies")[1]
    for requirement in project["dependencies"]:
        name = re.split(r"[\[<>=]", requirement)[0].split(".")[0]
        assert name in architecture, f"{name} has no line in docs/architecture.md"


def test_containers_get_the_settings_of_a_file() -> None:
    """Only port, address and number of workers reached them, whatever stood in `.env`."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
    for name in ("prepare", "api", "ingest"):
        [file] = services[name]["env_file"]
        named = re.fullmatch(r"\$\{(\w+):-(.+)\}", file)
        assert named
        variable, default = named.groups()
        assert f"`{variable}`" in (ROOT / "docs/how-to/docker.md").read_text(encoding="utf-8")
        lines = (ROOT / default).read_text(encoding="utf-8").splitlines()
        assert all(line.startswith("#") for line in lines), "without the variable nothing is set"
