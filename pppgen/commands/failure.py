"""The object of a `--json` run that failed before its command could say anything: a wrong option, an unreadable file.

Each is the command's own answer with nothing found in it, so that a program reads one shape and looks at `error`.
"""

from collections.abc import Mapping, Sequence

from pppgen.errors import PppgenError

_NOTHING: Mapping[str, Mapping[str, object]] = {
    "setup": {
        "modem": None,
        "ports": [],
        "at_port": None,
        "dial_port": None,
        "dial_port_proven": False,
        "radio": [],
        "files": [],
        "dialled": None,
        "called": None,
        "warnings": [],
    },
    "ports": {"devices": [], "uarts": [], "modem_manager": False, "holders_complete": False, "warnings": []},
    "probe": {
        "modems": [],
        "ports": [],
        "at_port": None,
        "dial_port": None,
        "dial_port_proven": False,
        "warnings": [],
    },
    "at": {"command": "", "port": None, "ok": False, "lines": [], "final": None, "urcs": [], "warnings": []},
    "render": {"family": "", "device": None, "files": [], "warnings": []},
    "rollback": {"dry_run": False, "files": [], "radio": []},
    "bands": {"action": None, "family": ""},
    "bands decode": {"action": "decode", "family": "", "value": "", "fields": []},
    "bands encode": {"action": "encode", "family": "", "bands": [], "settings": []},
    "diagnose": {
        "outcome": "unknown",
        "tool": [],
        "attempts": 0,
        "lines": 0,
        "steps": [],
        "findings": [],
        "harmless": [],
    },
    "doctor": {"verdict": "fail", "took_s": 0, "checks": [], "fixed": []},
    "report": {"file": None, "size": 0, "redacted": True, "found": {}},
    "up": {"kind": "result", "ok": False, "status": None},
    "down": {"said": "", "status": None},
    "failover": {"said": "", "status": None},
    "failback": {"said": "", "status": None},
    "status": {"running": False, "status": None, "traffic": None},
    "events": {"events": []},
    "explain": {"sentences": [], "turn": None},
}


def failure(arguments: Sequence[str], error: PppgenError) -> dict[str, object]:
    """Return what a command that was called with `arguments` answers when all there is to say is `error`.

    >>> failure(["events", "--json", "--bogus"], PppgenError("no such option"))["events"]
    []
    """
    whole, name = " ".join(arguments[:2]), " ".join(arguments[:1])
    return {**_NOTHING.get(whole, _NOTHING.get(name, {})), "error": error.as_json()}
