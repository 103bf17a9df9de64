"""Write the tables of README.md from the code that they describe: `python docs/tables.py [--check]`."""

import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from pppgen.errors import SENTENCES
from pppgen.modems import catalog
from pppgen.sim import transcript

README = Path(__file__).parent.parent / "README.md"


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


TABLES: dict[str, Callable[[], str]] = {
    "exit-codes": exit_codes,
    "families": families,
    "transcripts": transcripts,
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
    before = README.read_text()
    if "--check" in sys.argv[1:]:
        sys.exit(0 if filled(before) == before else "README.md's tables are old: run `make readme`")
    README.write_text(filled(before))
