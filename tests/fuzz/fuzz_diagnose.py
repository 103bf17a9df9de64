"""Feeds bytes that grow towards new branches to everything that reads a log (`make fuzz`; atheris drives libFuzzer).

Its finds are inputs that raise, that take longer than libFuzzer's `-timeout`, or of which an escape sequence reaches
the answer. The seeds are the project's own logs, its words the dictionary.
"""

import re
import sys
from io import BytesIO
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["pppgen"]):
    from pppgen.commands.diagnose import Sources, as_answer
    from pppgen.commands.present import clean
    from pppgen.diagnose import Outcome, diagnose
    from pppgen.system.logs import blocks_of

FIXTURES = Path(__file__).parent.parent / "fixtures" / "diagnose"
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_WORD = re.compile(r'[^\s"\\]{4,40}')


def one(data: bytes) -> None:
    """Read one log as the command does, and hold its answer against what every answer keeps."""
    sources = Sources()
    told = diagnose(sources.lines("-", blocks_of(BytesIO(data))))
    answer = as_answer(told, sources)
    named = [finding.cause for finding in told.findings]
    assert len(named) == len(set(named))
    assert told.outcome is not Outcome.UP or named
    for finding in told.findings:
        assert 1 <= len(finding.evidence) <= 5
        for sighting in finding.evidence:
            assert 1 <= sighting.line <= told.lines
            assert not _UNPRINTABLE.search(clean(sighting.text))
    assert answer["lines"] == told.lines


def seeds(corpus: Path) -> None:
    """Put each of the project's logs into the corpus, and the words of them all into a dictionary beside it."""
    corpus.mkdir(parents=True, exist_ok=True)
    texts = [path.read_text() for path in FIXTURES.rglob("*.*") if path.is_file()]
    logs = [log for text in texts for log in text.split("=== ")]
    for number, log in enumerate(logs):
        (corpus / f"seed-{number}").write_text(log)
    words = sorted({word for log in logs for word in _WORD.findall(log) if word.isascii() and word.isprintable()})
    (corpus.parent / "words.dict").write_text("".join(f'"{word}"\n' for word in words))


if __name__ == "__main__":
    folder = Path("build/fuzz/diagnose")
    seeds(folder)
    atheris.Setup(
        [
            sys.argv[0],
            str(folder),
            f"-dict={folder.parent / 'words.dict'}",
            "-timeout=5",
            "-artifact_prefix=build/fuzz/",
            *sys.argv[1:],
        ],
        one,
    )
    atheris.Fuzz()
