import subprocess
import sys
from pathlib import Path

DOCS = Path(__file__).parent.parent / "docs" / "man"


def test_the_man_pages_are_those_of_the_commands(tmp_path: Path) -> None:
    subprocess.run([sys.executable, DOCS / "make.py", tmp_path], check=True)
    made = {page.name: page.read_text() for page in tmp_path.glob("*.1")}
    kept = {page.name: page.read_text() for page in DOCS.glob("*.1")}
    assert made == kept, "run `make man` and commit docs/man"
