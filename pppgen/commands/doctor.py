"""`pppgen doctor`: look at the living system, rung by rung, and say what fails, what proves it and what to type."""

import sys
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import click

from pppgen.commands.doctor_facts import gather
from pppgen.commands.doctor_fix import carry_out
from pppgen.commands.doctor_place import Place
from pppgen.commands.options import json_option, root_option, sysroot_option
from pppgen.commands.present import clean, emit_json, say, working
from pppgen.doctor import Check, examine, first_failure
from pppgen.doctor.verdict import Remedy, Verdict, typed
from pppgen.errors import ExitCode, PppgenError

_COLOURS = {
    Verdict.OK: "green",
    Verdict.WARN: "yellow",
    Verdict.FAIL: "red",
    Verdict.SKIP: "bright_black",
    Verdict.UNKNOWN: "cyan",
}
_INDENT = " " * 8


@dataclass(frozen=True, slots=True)
class Fixed:
    """What became of one remedy."""

    check: str
    remedy: Remedy
    error: PppgenError | None = None


@click.command()
@click.option("--fix", is_flag=True, help="Mend what can be mended safely, after showing it.")
@click.option("--yes", is_flag=True, help="With --fix: ask nothing.")
@click.option("--patient", is_flag=True, help="Ask a slow modem everything, however long that takes.")
@click.option("-v", "--verbose", is_flag=True, help="Show what proves each answer, also the good ones.")
@sysroot_option
@root_option
@json_option
def command(*, fix: bool, yes: bool, patient: bool, verbose: bool, sysroot: Path, root: Path, as_json: bool) -> None:
    r"""Look at everything that a link needs, from the kernel up to the name servers, and say what is in the way.

    The first rung that fails is the one to mend. Nothing is sent to a port that another process holds, nothing in the
    modem is changed, and what cannot be seen (without root, say) is told as unknown. --fix does what is local and
    safe: loads a module, removes a dead process's lock, closes a secret file to others, sets an idle interface's
    framing, forgets the name servers of a link that is gone.

    A modem that takes so long for an answer that three seconds are not enough is asked what matters most; what was not
    asked is told as unknown. --patient waits for all of it.

    The exit code is 0 unless a rung fails; then it is that rung's own, the lowest one's where several fail.

    \b
    Examples:
      sudo pppgen doctor
      sudo pppgen doctor --fix
      pppgen doctor --json | jq '.checks[] | select(.verdict == "fail")'
    """
    place = Place(sysroot, root, patient)
    began = monotonic()
    with (
        nullcontext()
        if as_json
        else working("looking; a modem that answers takes about a second, a silent one three …")
    ):
        checks = examine(gather(place))
    took = monotonic() - began
    if not as_json:
        _show(checks, took, verbose=verbose)
    fixed = _mend(checks, place, ask=not (yes or as_json)) if fix else ()
    if fixed:
        checks = examine(gather(place))
    failed = first_failure(checks)
    if as_json:
        emit_json(as_answer(checks, took, fixed))
    elif fixed:
        _summary(checks)
    sys.exit(failed.exit if failed else ExitCode.OK)


def _mend(checks: tuple[Check, ...], place: Place, *, ask: bool) -> tuple[Fixed, ...]:
    """Show each remedy, and carry out those that nobody objects to."""
    wanted = [(check.name, remedy) for check in checks for remedy in check.remedies]
    if not wanted:
        say("nothing here can be mended safely by itself")
        return ()
    for _, remedy in wanted:
        say(f"--fix: {clean(typed(remedy))}")
    if ask and not (sys.stdin.isatty() and click.confirm("Do this?", err=True)):
        say("nothing was changed; --yes asks nothing")
        return ()
    return tuple(_one(name, remedy, place) for name, remedy in wanted)


def _one(name: str, remedy: Remedy, place: Place) -> Fixed:
    try:
        carry_out(remedy, place.tree)
    except PppgenError as error:
        say(f"failed: {clean(typed(remedy))}: {clean(error.message)}")
        return Fixed(name, remedy, error)
    say(f"done: {clean(typed(remedy))}")
    return Fixed(name, remedy)


# --- how it is told ------------------------------------------------------------------------------------------------


def as_answer(checks: tuple[Check, ...], took_s: float, fixed: tuple[Fixed, ...] = ()) -> dict[str, object]:
    """Return the one object of `pppgen doctor --json`."""
    failed = first_failure(checks)
    return {
        "verdict": _worst(checks).value,
        "took_s": round(took_s, 3),
        "checks": [check_json(check) for check in checks],
        "fixed": [
            {
                "check": one.check,
                "command": typed(one.remedy),
                "error": one.error.as_json() if one.error else None,
            }
            for one in fixed
        ],
        "error": _error_json(failed) if failed else None,
    }


def check_json(check: Check) -> dict[str, object]:
    """Return one element of `checks`."""
    return {
        "name": check.name,
        "title": check.title,
        "verdict": check.verdict.value,
        "seen": check.answer.seen,
        "evidence": list(check.answer.evidence),
        "fix": list(check.answer.fix),
        "fixable": bool(check.remedies),
    }


def _error_json(failed: Check) -> dict[str, object]:
    return {
        "code": failed.exit.name.lower().replace("_", "-"),
        "exit": int(failed.exit),
        "message": f"{failed.title}: {failed.answer.seen}",
        "hint": "\n".join(failed.answer.fix),
    }


def _worst(checks: tuple[Check, ...]) -> Verdict:
    found = {check.verdict for check in checks}
    return next((verdict for verdict in (Verdict.FAIL, Verdict.WARN) if verdict in found), Verdict.OK)


def _show(checks: tuple[Check, ...], took_s: float, *, verbose: bool) -> None:
    width = max(len(check.title) for check in checks)
    for check in checks:
        _line(check, width)
        if verbose or check.verdict in {Verdict.WARN, Verdict.FAIL}:
            for line in check.answer.evidence:
                click.secho(f"{_INDENT}seen: {clean(line)}", dim=True)
        if check.verdict not in {Verdict.OK, Verdict.SKIP}:
            for line in check.answer.fix:
                click.echo(f"{_INDENT}{'' if line.startswith('#') else 'try: '}{clean(line)}")
    _summary(checks)
    click.secho(f"in {took_s:.1f} s", dim=True)
    if any(check.remedies for check in checks):
        say("sudo pppgen doctor --fix    # mends part of it")


def _line(check: Check, width: int) -> None:
    word = click.style(f"{check.verdict.value:7}", fg=_COLOURS[check.verdict], bold=check.verdict is Verdict.FAIL)
    click.echo(f"{word} {check.title:{width}} {clean(check.answer.seen)}")


def _summary(checks: tuple[Check, ...]) -> None:
    counts = {verdict: sum(check.verdict is verdict for check in checks) for verdict in Verdict}
    words = ", ".join(f"{number} {verdict.value}" for verdict, number in counts.items() if number)
    click.secho(words, bold=True)
    if failed := first_failure(checks):
        click.secho(f"mend first: {failed.title}", fg="red")
