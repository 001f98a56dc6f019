from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.config import PrivacyConfig, load_config
from indexer.errors import ConfigError
from indexer.policy import POLICIES, Policies, Ruling


def policies(**settings: object) -> Policies:
    return Policies(PrivacyConfig.model_validate(settings))


def of(made: Policies, *paths: Path | str) -> str:
    return made.of([os.fsencode(path) for path in paths]).policy


def test_what_is_not_named_has_the_policy_of_the_configuration(tmp_path: Path) -> None:
    assert of(policies(), tmp_path / "a.txt") == "redact"
    assert of(policies(policy="allow"), tmp_path / "a.txt") == "allow"
    assert policies(policy="ask").of([b"/x/y"]).reason == "the configuration, for all other folders"


def test_the_strictest_folder_of_the_configuration_wins(tmp_path: Path) -> None:
    made = policies(policy="never", folders={str(tmp_path): "allow", str(tmp_path / "in"): "redact"})
    assert of(made, tmp_path / "a.txt") == "allow"
    assert of(made, tmp_path / "in/a.txt") == "redact"
    assert of(made, tmp_path / "inside.txt") == "allow"
    assert of(made, tmp_path.parent / "a.txt") == "never"


@pytest.mark.parametrize("word", ["never", "ask", "redact"])
def test_a_file_in_the_folder_makes_it_stricter(tmp_path: Path, word: str) -> None:
    folder = tmp_path / "contracts"
    (folder / "old").mkdir(parents=True)
    (folder / ".quire-policy").write_text(f"# ours\n{word}  # always\n")
    made = policies(policy="allow")
    assert of(made, folder / "old/a.pdf") == word
    assert of(made, tmp_path / "a.pdf") == "allow"
    assert str(folder) in made.of([os.fsencode(folder / "a.pdf")]).reason


def test_a_file_never_makes_a_folder_looser(tmp_path: Path) -> None:
    (tmp_path / ".quire-policy").write_text("allow")
    assert of(policies(), tmp_path / "a.pdf") == "redact"
    assert of(policies(folders={str(tmp_path): "never"}), tmp_path / "a.pdf") == "never"


@pytest.mark.parametrize("content", [b"", b"everything", b"allow\nperhaps", b"\xff\xfe", b"never ask"])
def test_a_file_that_is_not_understood_forbids(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".quire-policy").write_bytes(content)
    assert of(policies(policy="allow"), tmp_path / "a.pdf") == "never"


def test_a_file_that_cannot_be_read_forbids(tmp_path: Path) -> None:
    for name, make in (
        ("link", lambda path: path.symlink_to("/nowhere")),
        ("folder", lambda path: path.mkdir()),
        ("pipe", lambda path: os.mkfifo(path)),
    ):
        folder = tmp_path / name
        folder.mkdir()
        make(folder / ".quire-policy")
        assert of(policies(policy="allow"), folder / "a.pdf") == "never"


def test_copies_have_the_policy_of_the_strictest_place(tmp_path: Path) -> None:
    made = policies(policy="allow", folders={str(tmp_path / "secret"): "never"})
    assert of(made, tmp_path / "a.pdf", tmp_path / "secret/b.pdf") == "never"
    assert of(made) == "never"  # what is nowhere may not go


def test_what_is_in_a_container_goes_with_it(tmp_path: Path) -> None:
    (tmp_path / "mail").mkdir()
    (tmp_path / "mail" / ".quire-policy").write_text("never")
    made = policies(policy="allow", folders={str(tmp_path / "all.zip"): "ask"})
    assert of(made, f"{tmp_path}/mail/box.eml!/plan.zip!/a/b.txt") == "never"
    assert of(made, f"{tmp_path}/all.zip!/in/b.txt") == "ask"
    assert of(made, f"{tmp_path}/all.zip2") == "allow"
    assert of(made, f"{tmp_path}/x.zip!/{'n' * 300}/b.txt") == "allow"


def test_a_folder_is_the_same_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    made = policies(policy="allow", folders={f"{tmp_path}/link": "never"})
    assert of(made, tmp_path / "real/a.txt") == "never"


def test_the_home_folder_can_be_written_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert of(policies(folders={"~/x": "never"}), tmp_path / "x/a.txt") == "never"


@pytest.mark.parametrize(
    "text", ['[privacy]\nfolders = { docs = "never" }', '[privacy]\nfolders = { "/a" = "perhaps" }']
)
def test_a_wrong_folder_or_policy_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="folders"):
        load_config(str(path))


@given(st.lists(st.sampled_from(POLICIES), min_size=1))
def test_of_several_rulings_the_strictest_wins(found: list[str]) -> None:
    rulings = [Ruling(policy=policy, reason=str(at)) for at, policy in enumerate(found)]  # type: ignore[arg-type]
    strictest = rulings[0]
    for ruling in rulings[1:]:
        strictest = strictest.stricter(ruling)
    assert POLICIES.index(strictest.policy) == min(POLICIES.index(each.policy) for each in rulings)
