import re
import tomllib
from pathlib import Path

import pytest

from indexer.config import Config, example_toml, load_config
from indexer.errors import ConfigError

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


def test_example_file_is_what_the_code_says() -> None:
    assert EXAMPLE.read_text("utf-8") == example_toml()


def test_example_names_every_setting_and_only_those() -> None:
    uncommented = re.sub(r"^# (\w+ = )", r"\1", example_toml(), flags=re.MULTILINE)
    tables = tomllib.loads(uncommented)
    assert set(tables) == set(Config.model_fields)
    assert Config.model_validate(tables) == Config()


def test_missing_default_file_means_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QUIRE_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert load_config() == Config()


def test_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no configuration file"):
        load_config(str(tmp_path / "gone.toml"))


def test_unknown_key_is_reported_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[embedding]\nprecison = 'int8'\n")
    with pytest.raises(ConfigError, match=r"embedding\.precison; did you mean precision"):
        load_config(str(path))


def test_unknown_section_is_reported_with_the_nearest(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("[serch]\nlimit = 3\n")
    with pytest.raises(ConfigError, match="did you mean search"):
        load_config(str(path))


@pytest.mark.parametrize(
    "text",
    ["[parsing]\nworkers = -1\n", "[search]\nsemantic_weight = 1.5\n", "not toml", "[ui]\nmouse = 3\n"],
)
def test_wrong_value_names_the_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=re.escape(str(path))):
        load_config(str(path))


def test_file_in_the_current_folder_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("QUIRE_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg"))
    (tmp_path / "config.toml").write_text("[parsing]\nworkers = 3\n")
    monkeypatch.chdir(tmp_path)
    assert load_config() == Config()
