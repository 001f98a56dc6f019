"""Typed settings from TOML and the environment.

The file is read from the configuration folder only, never from the current folder or a watched one.
Every field has its meaning and unit as a docstring; `config.example.toml` lists all of them and a
test compares the two.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import platformdirs
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from indexer.errors import ConfigError


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class WatchConfig(_Section):
    """How changes in the folders are noticed."""

    mode: Literal["auto", "events", "polling"] = "auto"
    """auto: events where the file system has them, polling elsewhere."""
    settle_s: Annotated[float, Field(ge=0.0, le=60.0)] = 0.3
    """Seconds a file must be left alone before it is read; a file that still grows waits on."""
    rescan_minutes: Annotated[float, Field(ge=1, le=1440)] = 30
    """Minutes between full comparisons of the folders with the catalogue (varied by 25 %)."""
    poll_s: Annotated[float, Field(ge=1, le=3600)] = 10
    """Seconds between comparisons where there are no events."""
    follow_symlinks: bool = False
    """Follow symbolic links to files inside a root; links that lead out of it are never followed."""
    ignore: tuple[str, ...] = ()
    """More patterns to ignore, in the syntax of .gitignore, besides the built-in ones and .quireignore."""


class ParsingConfig(_Section):
    """Limits of the parse workers."""

    workers: Annotated[int, Field(ge=0, le=64)] = 0
    """Worker processes; 0 means one for each processor core, at most 8."""
    timeout_s: Annotated[float, Field(ge=1, le=3600)] = 120
    """Seconds a document may take before its worker is stopped."""
    memory_mb: Annotated[int, Field(ge=256, le=65536)] = 1500
    """Megabytes of memory a worker may take before it is stopped."""
    max_file_mb: Annotated[int, Field(ge=1, le=16384)] = 200
    """Larger files are listed as too large."""
    max_text_mb: Annotated[int, Field(ge=1, le=1024)] = 32
    """Text kept of one document; more is cut off with a warning."""


class OcrConfig(_Section):
    """The text of pages that are pictures, read by RapidOCR or Tesseract where they are installed."""

    engine: Literal["auto", "tesseract", "rapidocr", "off"] = "auto"
    """auto: the one that suits the page best; off: such pages are listed and not read."""
    automatic: bool = True
    """Read them in the background as they are found; false: only when 'quire ocr' is run."""
    languages: tuple[str, ...] = ()
    """Languages of the pages, most likely first (["de", "en"] or Tesseract's names); empty: those of the
    document's other pages, else found out."""
    dpi: Annotated[int, Field(ge=72, le=1200)] = 300
    """Dots per inch in which pages are drawn for it."""
    max_megapixels: Annotated[int, Field(ge=1, le=500)] = 12
    """Millions of pixels of a page at most; larger ones are drawn smaller."""
    timeout_s: Annotated[float, Field(ge=1, le=3600)] = 180
    """Seconds a page may take before it is given up."""
    memory_mb: Annotated[int, Field(ge=512, le=65536)] = 3000
    """Megabytes of memory the OCR process may take."""
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    """Threads that recognise one page; the process has the lowest priority in any case."""
    tessdata: str = ""
    """Folder with Tesseract's languages (*.traineddata); "" looks in the usual places."""


class EmbeddingConfig(_Section):
    """What turns text into vectors."""

    provider: Literal["auto", "both", "e5", "minilm", "openai", "ollama", "none"] = "auto"
    """minilm: all-MiniLM-L6-v2, which knows English and is fast; e5: multilingual-e5-small, which knows a
    hundred languages and takes 2.4 times as long; both: the two in one vector, best and slowest; auto: both
    where their packages are installed, else minilm; openai: any OpenAI-compatible endpoint; ollama: an Ollama
    server; none: keyword search only."""
    path: str = ""
    """Folder with model.safetensors and tokenizer.json (e5, minilm); "" looks in the usual places."""
    precision: Literal["int8", "float32"] = "int8"
    """Weights of a built-in model: int8 is about 1.7 times as fast and loses next to nothing."""
    threads: Annotated[int, Field(ge=0, le=128)] = 0
    """Threads that embed; 0 means one for each processor core."""
    model: str = ""
    """Model name at the endpoint (openai, ollama)."""
    base_url: str = ""
    """Address of the endpoint, for example "http://127.0.0.1:8080/v1"."""
    api_key_env: str = ""
    """Name of the environment variable that holds the key of the endpoint."""
    dimensions: Annotated[int, Field(ge=0, le=8192)] = 0
    """Length of the endpoint's vectors; 0 asks the endpoint once."""
    download: bool = False
    """Allow minilm to be downloaded from `hub_url` when it is not installed."""
    hub_url: str = "https://huggingface.co"
    """Where the model is downloaded from when `download` is true."""


class VectorsConfig(_Section):
    """Where vectors are searched."""

    mode: Literal["embedded", "server", "cloud"] = "embedded"
    """embedded: sealed generations in the library; server: a Chroma server; cloud: Chroma's service."""
    url: str = ""
    """Address of the Chroma server, for example "http://127.0.0.1:8000" (mode server)."""
    collection: str = "quire"
    """Name of the collection on the server or in the cloud."""
    tenant: str = ""
    """Tenant (mode cloud)."""
    database: str = ""
    """Database (mode cloud)."""
    api_key_env: str = "CHROMA_API_KEY"
    """Name of the environment variable that holds the key (mode cloud, or a server that wants a token)."""
    seal_after: Annotated[int, Field(ge=100, le=1_000_000)] = 20_000
    """Vectors newer than the last sealed generation before the next one is built."""


class SearchConfig(_Section):
    """How results are ranked."""

    semantic_weight: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    """Weight of meaning against keywords for a question in a language the model knows well."""
    foreign_weight: Annotated[float, Field(ge=0.0, le=1.0)] = 0.3
    """The same for other languages in Latin letters; other scripts get a third of it."""
    limit: Annotated[int, Field(ge=1, le=1000)] = 20
    """Results shown unless asked otherwise."""


class QualityConfig(_Section):
    """What becomes of documents whose text is poor."""

    poor_below: Annotated[int, Field(ge=0, le=100)] = 50
    """Score (0 to 100) below which a document or a page is poor: it ranks lower, and it stays out of answers
    and of summaries of queries, which say so. 0: nothing is poor."""


class LanguageModelConfig(_Section):
    """Who writes answers and summaries."""

    provider: Literal["auto", "none", "ollama", "openai", "anthropic"] = "auto"
    """auto: an Ollama server on this machine if one answers, else quotes only; none: quotes only."""
    model: str = ""
    """Model name; "" takes the first one that Ollama lists."""
    base_url: str = ""
    """Address of the server; "" means Ollama's own address, OpenAI's or Anthropic's."""
    api_key_env: str = ""
    """Name of the environment variable that holds the key."""
    api_key_command: str = ""
    """Command that prints the key, for example "pass show openai"."""
    context_tokens: Annotated[int, Field(ge=512, le=2_000_000)] = 8192
    """Tokens the model may be given at once, the answer included."""
    answer_tokens: Annotated[int, Field(ge=32, le=65536)] = 800
    """Tokens an answer may have."""
    temperature: Annotated[float, Field(ge=0.0, le=2.0)] = 0.0
    """0 answers the same question the same way."""
    timeout_s: Annotated[float, Field(ge=1, le=3600)] = 60
    """Seconds of silence from the server before it is given up."""
    second_opinion: Literal["off", "local", "on"] = "local"
    """Let the model read sentences that it put in words of its own once more, one call an answer; it can
    only lower a verdict. local: when the model is on this machine; on: also when it is not."""


Policy = Literal["never", "ask", "redact", "allow"]
"""What of a document may go to a model on another machine, strictest first."""


class PrivacyConfig(_Section):
    """What may leave this machine."""

    allow_remote: bool = False
    """Allow language and embedding models, and a vector server, on other machines. Off: no connection leaves
    loopback."""
    tunnels: tuple[str, ...] = ()
    """Addresses of this machine behind which another one answers (an SSH tunnel, a proxy): they count
    as remote. For example ["127.0.0.1:4000"]."""
    policy: Policy = "redact"
    """What of documents in other folders may go to a model on another machine: never, ask (each time),
    redact (addresses, numbers, keys replaced), allow (as it is)."""
    folders: dict[str, Policy] = {}
    """Folders with a policy of their own: { "~/contracts" = "never", "~/wiki" = "allow" }. The strictest
    wins. A file .quire-policy in a folder that holds one of these words makes it stricter, never looser."""
    patterns: dict[str, str] = {}
    """Regular expressions of more that is replaced: { project = 'PRJ-[0-9]{6}' }."""

    @field_validator("folders")
    @classmethod
    def _absolute(cls, folders: dict[str, Policy]) -> dict[str, Policy]:
        for folder in folders:
            if not folder.startswith(("/", "~")):
                raise ValueError(f"write {folder!r} as a path from / or ~")
        return folders


class HistoryConfig(_Section):
    """What is kept of questions and answers."""

    keep: bool = True
    """Keep conversations in the library's folder, for 'quire history' and Ctrl-R in Ask."""


class ExhaustiveConfig(_Section):
    """Questions that go over every document ("which of these reports mention …")."""

    calls_without_asking: Annotated[int, Field(ge=0, le=1_000_000)] = 40
    """Calls of the language model that one question may make before it asks for consent."""


class EngineConfig(_Section):
    """The process that owns the library."""

    idle_minutes: Annotated[float, Field(ge=0.01, le=10080)] = 15
    """Minutes without a client and without work after which the engine ends."""


class UiConfig(_Section):
    """The interface in the terminal."""

    theme: str = "auto"
    """auto, or the name of a theme; auto takes the terminal's own colours where it has only 16."""
    ascii: bool = False
    """No line-drawing characters."""
    screen_reader: bool = False
    """Real cursor, no columns side by side, no periodic redraws; implies ascii."""
    mouse: bool = True
    """Use the mouse; false leaves it to the terminal's own selection."""
    link: Literal["auto", "fast", "slow"] = "auto"
    """How fast the line to the terminal is; auto means slow over SSH."""


class Config(_Section):
    """All settings."""

    watch: WatchConfig = WatchConfig()
    """How changes in the folders are noticed."""
    parsing: ParsingConfig = ParsingConfig()
    """Limits of the parse workers."""
    ocr: OcrConfig = OcrConfig()
    """The text of pages that are pictures, read by RapidOCR or Tesseract where they are installed."""
    embedding: EmbeddingConfig = EmbeddingConfig()
    """What turns text into vectors."""
    vectors: VectorsConfig = VectorsConfig()
    """Where vectors are searched."""
    search: SearchConfig = SearchConfig()
    """How results are ranked."""
    quality: QualityConfig = QualityConfig()
    """What becomes of documents whose text is poor."""
    language_model: LanguageModelConfig = LanguageModelConfig()
    """Who writes answers and summaries."""
    privacy: PrivacyConfig = PrivacyConfig()
    """What may leave this machine."""
    history: HistoryConfig = HistoryConfig()
    """What is kept of questions and answers."""
    exhaustive: ExhaustiveConfig = ExhaustiveConfig()
    """Questions that go over every document."""
    engine: EngineConfig = EngineConfig()
    """The process that owns the library."""
    ui: UiConfig = UiConfig()
    """The interface in the terminal."""
    keys: dict[str, str] = {}
    """Key bindings: id of the action = keys, separated by commas."""
    viewers: dict[str, str] = {}
    """Programs that open a type at a page: pdf = "zathura -P {page} {path}"."""


def config_path(given: str | None = None) -> Path:
    """The configuration file in use: the one given, `QUIRE_CONFIG`, or the platform's."""
    chosen = given or os.environ.get("QUIRE_CONFIG")
    return Path(chosen) if chosen else platformdirs.user_config_path("quire") / "config.toml"


def load_config(given: str | None = None) -> Config:
    """Read and check the configuration; a missing default file means all defaults.

    Raises:
        ConfigError: the file given is missing, is not TOML, or holds a wrong key or value.
    """
    path = config_path(given)
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        if given or os.environ.get("QUIRE_CONFIG"):
            raise ConfigError(
                f"There is no configuration file {path}.", hint="Run 'quire config init' to write one."
            ) from None
        return Config()
    except OSError as exc:
        raise ConfigError(f"Cannot read {path}: {exc.strerror}.") from exc
    try:
        return Config.model_validate(tomllib.loads(raw.decode("utf-8")))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path} is not valid TOML: {exc}.") from exc
    except ValidationError as exc:
        raise ConfigError(f"{path}: " + "; ".join(_explain(error) for error in exc.errors())) from exc


def _explain(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] != "extra_forbidden":
        return f"{where}: {error['msg']}"
    near = difflib.get_close_matches(str(error["loc"][-1]), _keys_at(error["loc"][:-1]), n=1)
    return f"there is no setting {where}" + (f"; did you mean {near[0]}?" if near else "")


def _keys_at(loc: tuple[Any, ...]) -> list[str]:
    model: type[BaseModel] = Config
    for part in loc:
        annotation = model.model_fields[str(part)].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return list(model.model_fields)


def example_toml() -> str:
    """The commented example: every setting with its meaning and its default, as TOML.

    `config.example.toml` is this text and `quire config init` writes it.
    """
    lines = [
        "# Quire's settings. Every line that is commented out shows the default.",
        "# `quire config path` says where this file belongs; `quire config show` prints what is in force.",
    ]
    for name, field in Config.model_fields.items():
        section = field.annotation
        lines += ["", *_comment(field.description), f"[{name}]"]
        if isinstance(section, type) and issubclass(section, BaseModel):
            for key, setting in section.model_fields.items():
                lines += [*_comment(setting.description), f"# {key} = {_toml(setting.default)}"]
    return "\n".join(lines) + "\n"


def _comment(description: str | None) -> list[str]:
    return [f"# {line.strip()}" for line in (description or "").splitlines()]


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return f'"{value}"' if isinstance(value, str) else str(value)
