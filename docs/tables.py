"""Write the tables of README.md and docs/policy.md from the code they describe: `python docs/tables.py [--check]`."""

import ast
import re
import sys
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

import states

from pppgen.causes import causes
from pppgen.errors import SENTENCES
from pppgen.model import BearerKind
from pppgen.modems import catalog
from pppgen.policy import failures, governor, moves
from pppgen.policy import step as reducer
from pppgen.policy.verdicts import VERDICTS
from pppgen.sim import transcript

DOCS = Path(__file__).parent
FILLED = (DOCS.parent / "README.md", DOCS / "policy.md")


def table(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """Return a Markdown table."""
    titles = tuple(header)
    lines = [titles, tuple("---" for _ in titles), *(tuple(map(str, row)) for row in rows)]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def exit_codes() -> str:
    """Every exit code with its sentence."""
    return table(("code", "meaning"), ((int(code), sentence) for code, sentence in SENTENCES.items()))


def families() -> str:
    """Every family, its USB identities and what it can do."""
    return table(
        ("family", "modems", "USB", "QMI", "PPP"),
        (
            (
                f"`{family.name}`",
                family.title,
                ", ".join(f"{layout.vid}:{layout.pid}" for layout in family.layouts) or "any",
                family.qmi,
                family.ppp,
            )
            for family in catalog.load()
        ),
    )


def transcripts() -> str:
    """How many transcripts were recorded, and how many are written from manuals."""
    origins = [transcript.load(name).origin for name in transcript.families()]
    recorded = [name for name in transcript.families() if transcript.load(name).origin == "recorded"]
    return (
        f"{len(recorded)} holds answers recorded from a modem ({', '.join(recorded)}: our first user's own terminal), "
        f"{len(origins) - len(recorded)} are synthetic, written from the vendors' manuals."
    )


def reasons() -> str:
    """Every reason with its sentence, what follows on each bearer, and what a person does about it."""
    return table(
        ("reason", "what happened", "QMI", "PPP", "what to do"),
        (
            (
                f"`{reason.value}`",
                cause.sentence,
                VERDICTS[BearerKind.QMI, reason],
                VERDICTS[BearerKind.PPP, reason],
                f"`{cause.command}`",
            )
            for reason, cause in causes().items()
        ),
    )


def figures() -> str:
    """Every constant of the policy with its sentence."""

    def rows(place: object) -> Iterable[tuple[str, str, str]]:
        lines = ast.parse(Path(str(place.__file__)).read_text()).body  # type: ignore[attr-defined]  # a module
        for one, after in pairwise(lines):
            if isinstance(one, ast.Assign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                name = ast.unparse(one.targets[0])
                value = getattr(place, name)
                shown = ", ".join(f"{each:g}" for each in value) if isinstance(value, tuple) else f"{value:g}"
                yield f"`{name}`", shown, " ".join(str(after.value.value).split())

    return table(("figure", "value", "meaning"), (*rows(governor), *rows(failures), *rows(moves), *rows(reducer)))


def budgets() -> str:
    """What each profile allows."""
    return table(
        ("profile", "attempts"),
        (
            (f"`{profile.value}`", ", ".join(f"{attempts} in {window_s / 3600:g} h" for attempts, window_s in limits))
            for profile, limits in (
                (profile, dict.fromkeys(budget.limits)) for profile, budget in governor.BUDGETS.items()
            )
        ),
    )


TABLES: dict[str, Callable[[], str]] = {
    "exit-codes": exit_codes,
    "families": families,
    "transcripts": transcripts,
    "reasons": reasons,
    "figures": figures,
    "budgets": budgets,
    "states": states.diagram,
}


def filled(text: str) -> str:
    """Return `text` with what stands between each `<!-- table: NAME -->` and `<!-- end -->` made anew."""
    return re.sub(
        r"(<!-- table: ([a-z-]+) -->\n).*?(<!-- end -->)",
        lambda found: f"{found[1]}{TABLES[found[2]]()}\n{found[3]}",
        text,
        flags=re.DOTALL,
    )


if __name__ == "__main__":
    old = {path: path.read_text() for path in FILLED}
    new = {path: filled(text) for path, text in old.items()}
    if "--check" in sys.argv[1:]:
        stale = [path.name for path in FILLED if new[path] != old[path]]
        sys.exit(f"the tables of {' and '.join(stale)} are old: run `make readme`" if stale else 0)
    for path, text in new.items():
        path.write_text(text)
