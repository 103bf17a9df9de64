"""`pppgen sim`: a simulated modem on pseudo-terminals."""

import click


@click.command("sim")
def command() -> None:
    """Run a simulated modem on pseudo-terminals."""
