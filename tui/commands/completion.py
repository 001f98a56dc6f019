"""`quire completion`: the script that lets a shell complete commands, options and paths."""

from __future__ import annotations

import click

from tui.commands import Command


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> int:
    """Print the completion script of a shell.

    bash: eval "$(quire completion bash)" in ~/.bashrc; zsh likewise in ~/.zshrc; fish: quire completion
    fish > ~/.config/fish/completions/quire.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"There is no completion for {shell}.", ctx)
    click.echo(kind(ctx.find_root().command, {}, "quire", "_QUIRE_COMPLETE").source())
    return 0
