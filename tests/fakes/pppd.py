"""A pppd that says what a script tells it to; copied into a test's folder and run as a program of its own.

Beside it lies `script` (or `script.ttyUSB3` for one port): lines to say, and
  !up        the interface `spare0` becomes ppp0 and gets the address
  !hold      stay until a signal comes: USR1 goes on, TERM ends
  !hook      what the ip-up hook does
  !seconds N stay that long, as a program that lingers or hangs does
  !deaf      heed no TERM from here on
  !exit N    end
TERM ends it as pppd ends: it says so, the interface goes, status 5.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
IP = "/usr/sbin/ip"


def ip(*words: str) -> None:
    subprocess.run([IP, *words], check=False, capture_output=True)


def down() -> None:
    ip("link", "set", "ppp0", "down")
    ip("addr", "flush", "dev", "ppp0")
    ip("link", "set", "ppp0", "name", "spare0")


def say(line: str) -> None:
    os.write(1, line.encode() + b"\n")


def terminated(*_: object) -> None:
    say("Terminating on signal 15")
    down()
    say("Connection terminated.")
    os._exit(5)


def main() -> None:
    awake, bell = os.pipe()
    os.set_blocking(bell, False)
    signal.set_wakeup_fd(bell)
    signal.signal(signal.SIGTERM, terminated)
    signal.signal(signal.SIGUSR1, lambda *_: None)
    tty = Path(sys.argv[-1]).name
    script = HERE / f"script.{tty}"
    (HERE / "calls").open("a").write(" ".join(sys.argv[1:]) + "\n")
    for line in (script if script.exists() else HERE / "script").read_text().splitlines():
        match line.split():
            case ["!up"]:
                ip("link", "set", "spare0", "name", "ppp0")
                ip("addr", "add", "100.64.12.89/32", "dev", "ppp0")
                ip("link", "set", "ppp0", "up")
            case ["!hold"]:
                os.read(awake, 1)  # not pause(): a signal that came just before would be slept through
            case ["!hook"]:
                with (HERE / "run/ppp.fifo").open("w") as pipe:
                    pipe.write(f"1\tppp0\t6.6.6.6\t\t\n{os.getpid()}\tppp0\t100.64.12.89\t9.9.9.9\t\n")
            case ["!seconds", number]:
                time.sleep(float(number))
            case ["!deaf"]:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
            case ["!exit", number]:
                down()
                os._exit(int(number))
            case _:
                say(line)


main()
