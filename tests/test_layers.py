"""Imports point down only; the order of the rooms is design.md's."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "pppgen"

# From the ground up. A module may import from its own row and from the rows above it in this list.
ROWS: tuple[tuple[str, ...], ...] = (
    (
        "pppgen",
        "pppgen.errors",
        "pppgen.model",
        "pppgen.facts",
        "pppgen.shipped",
        "pppgen.reports",
        "pppgen.values",
    ),
    # The core is pure.
    (
        "pppgen.config",
        "pppgen.modems",
        "pppgen.at",
        "pppgen.udev",
        "pppgen.leftovers",
        "pppgen.discovery",
        "pppgen.interview",
        "pppgen.probe",
        "pppgen.radio",
        "pppgen.plan",
        "pppgen.render",
        "pppgen.manifest",
        "pppgen.programs",
        "pppgen.diagnose",
        "pppgen.doctor",
        "pppgen.redact",
        "pppgen.report",
        "pppgen.policy",
        "pppgen.health",
        "pppgen.lease_cause",
        "pppgen.resolver",
        "pppgen.causes",
        "pppgen.requests",
        "pppgen.petition",
        "pppgen.apn",
        "pppgen.attach",
    ),
    ("pppgen.system",),
    (
        "pppgen.install",
        "pppgen.bearers",
        "pppgen.hooks",
        "pppgen.journal",
        "pppgen.samples",
        "pppgen.status",
        "pppgen.control",
        "pppgen.metrics",
        "pppgen.probing",
        "pppgen.memory",
        "pppgen.sim",
    ),
    ("pppgen.supervisor", "pppgen.door"),
    ("pppgen.commands",),
    ("pppgen.cli",),
    ("pppgen.__main__",),
)
MODULES = sorted(PACKAGE.rglob("*.py"))


def row_of(module: str) -> int:
    """The row whose longest name is a prefix of `module`."""
    found = [
        (len(name), number)
        for number, names in enumerate(ROWS)
        for name in names
        if module == name or (module.startswith(name + ".") and name != "pppgen")
    ]
    assert found, f"{module} stands in no row of ROWS: say where it belongs"
    return max(found)[1]


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "pppgen":
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                is_module = (PACKAGE.parent / Path(*full.split("."))).with_suffix(".py").exists()
                yield full if is_module or (PACKAGE.parent / Path(*full.split("."))).is_dir() else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "pppgen")


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_down_only(path: Path) -> None:
    above = [target for target in imports_of(path) if row_of(target) > row_of(name_of(path))]
    assert not above, f"{name_of(path)} imports {above}, which stand above it"
