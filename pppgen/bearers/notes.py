"""Where the bearers leave a note for the next supervisor; by itself, so that who only looks for one imports no more."""

from pathlib import Path

FOLDER = Path("/run/pppgen")
PPP = "ppp.json"
QMI = "qmi.json"
