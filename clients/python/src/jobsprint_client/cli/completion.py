"""`jobsprint completion`: the script that completes commands and options."""

import click
from click.shell_completion import get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(shell: str) -> None:
    """Print the script that completes commands and options in a shell.

    \b
    bash: eval "$(jobsprint completion bash)"        in ~/.bashrc
    zsh:  eval "$(jobsprint completion zsh)"         in ~/.zshrc, after compinit
    fish: jobsprint completion fish | source         in ~/.config/fish/config.fish
    """
    kind = get_completion_class(shell)
    if kind:
        click.echo(
            kind(click.get_current_context().find_root().command, {}, "jobsprint", "_JOBSPRINT_COMPLETE").source()
        )
