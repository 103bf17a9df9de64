"""What the commands that ask a running supervisor share."""

import sys

import click

from pppgen.commands.present import clean, emit_json
from pppgen.control import ask
from pppgen.errors import PppgenError
from pppgen.requests import Request
from pppgen.system.files import Tree


def ask_and_tell(tree: Tree, request: Request, *, as_json: bool) -> None:
    """Ask, and show the answer: a sentence, or `{"said", "status", "error"}`."""
    try:
        answer = ask(tree, request)
    except PppgenError as error:
        if not as_json:
            raise
        emit_json({"said": "", "status": None, "error": error.as_json()})
        sys.exit(error.exit)
    if as_json:
        emit_json({"said": answer["said"], "status": answer["status"], "error": None})
    else:
        click.echo(clean(str(answer["said"])))
