"""`quire config`: the settings in use and where they come from."""

from __future__ import annotations

import os

import click

from indexer.errors import UsageError
from tui import output
from tui.commands import Group, Settings


@click.group(cls=Group)
def config() -> None:
    """Show the settings, their file, or write a commented one."""


@config.command()
@click.pass_obj
def show(settings: Settings) -> int:
    """Print all settings in use, the built-in ones included."""
    from indexer.config import load_config

    values = load_config(settings.config).model_dump(mode="json")
    if settings.json:
        output.print_json(values)
    else:
        import tomlkit

        click.echo(tomlkit.dumps(values).rstrip())
    return 0


@config.command()
@click.pass_obj
def path(settings: Settings) -> int:
    """Print the path of the configuration file, whether it exists or not."""
    from indexer.config import config_path

    found = config_path(settings.config)
    if settings.json:
        output.print_json({"path": str(found), "exists": found.is_file()})
    else:
        click.echo(found)
    return 0


@config.command()
@click.pass_obj
def init(settings: Settings) -> int:
    """Write a configuration file with every setting, commented."""
    from indexer.config import config_path, example_toml

    found = config_path(settings.config)
    found.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        fd = os.open(found, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"There is a configuration file {found} already.", hint="Edit that one.") from None
    except OSError as exc:
        raise UsageError(f"Cannot write {found}: {exc.strerror}.") from exc
    with open(fd, "w", encoding="utf-8") as file:
        file.write(example_toml())
    if settings.json:
        output.print_json({"path": str(found)})
    else:
        click.echo(found)
    return 0
