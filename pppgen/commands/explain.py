"""`pppgen explain`: the last switch in five sentences."""

import sys
from pathlib import Path

import click

from pppgen.commands.lines import clock_time
from pppgen.commands.options import json_option, root_option
from pppgen.commands.present import clean, emit_json
from pppgen.errors import PppgenError, UnknownCause
from pppgen.journal import read
from pppgen.policy.chronicle import as_json as entry_as_json
from pppgen.policy.explanation import Story, explain, last_turn
from pppgen.system.files import Tree


@click.command()
@root_option
@json_option
def command(*, root: Path, as_json: bool) -> None:
    r"""Tell the last switch in five sentences: what stood, what was seen, what proves it, what followed, how it ended.

    \b
    Examples:
      pppgen explain
      pppgen explain --json | jq -r '.sentences[]'
    """
    try:
        story = _story(Tree(root))
    except PppgenError as error:
        if not as_json:
            raise
        emit_json({"sentences": [], "turn": None, "error": error.as_json()})
        sys.exit(error.exit)
    sentences = explain(story, clock_time)
    if as_json:
        emit_json({"sentences": list(sentences), "turn": entry_as_json(story.turn), "error": None})
        return
    for sentence in sentences:
        click.echo(clean(sentence))


def _story(tree: Tree) -> Story:
    story = last_turn(read(tree))
    if story is None:
        raise UnknownCause("the journal tells of no switch yet", hint="pppgen events\npppgen status")
    return story
