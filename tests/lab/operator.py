"""The operator behind the modem: a real pppd in a network namespace of its own.

It has another program name, a private /run and a private /etc/ppp, so that nothing that is done to the client's pppd
(`poff`, `killall pppd`, a lock, an options file) reaches it.
"""

import asyncio
import os
import pty
import shutil
import signal
import subprocess
import tty
from dataclasses import dataclass
from pathlib import Path

from pppgen.sim.faults import Auth
from tests.lab import namespaces
from tests.lab.places import (
    CLIENT_ADDRESS,
    DNS,
    HOME_NETNS,
    OPERATOR_ADDRESS,
    OPERATOR_ETC,
    OPERATOR_NETNS,
    OPERATOR_PPPD,
    SANDBOX,
    WLAN,
    WLAN_ADDRESS,
    WLAN_GATEWAY,
    WLAN_METRIC,
)

OPTIONS = (
    "nodetach local nocrtscts nolock nodefaultroute asyncmap 0 lcp-echo-interval 0 noccp novj noipv6 debug logfd 1 "
    # The network's end tells no address of its own: the client says "Could not determine remote IP address".
    f"nosendip {OPERATOR_ADDRESS}:{CLIENT_ADDRESS} ms-dns {DNS[0]} ms-dns {DNS[1]}"
)
AUTH = {
    Auth.NONE: "noauth",
    # With PAP allowed and an empty PAP secret for everybody, pppd goes on when the client refuses CHAP (and then PAP).
    Auth.OFFERED: "auth require-chap require-pap",
    Auth.CHECKED: "auth require-chap",
    Auth.CUT: "auth require-chap",
}


def lay_out() -> None:
    """Make the operator's and the home network, once a boot."""
    shutil.copy2("/usr/sbin/pppd", OPERATOR_PPPD)
    OPERATOR_ETC.mkdir(parents=True)
    (OPERATOR_ETC / "options").write_text("")
    SANDBOX.touch()
    # The operator's own /run and /etc/ppp, kept by a file, entered by nsenter.
    namespaces.run(
        "unshare", f"--mount={SANDBOX}", "sh", "-c", f"mount -t tmpfs run /run && mount --bind {OPERATOR_ETC} /etc/ppp"
    )
    addresses = [f"addr add {address}/32 dev lo" for address in DNS]
    namespaces.run_ip(
        f"netns add {OPERATOR_NETNS}",
        f"netns add {HOME_NETNS}",
        f"link add {WLAN} type veth peer name eth0 netns {HOME_NETNS}",
        f"addr add {WLAN_ADDRESS}/24 dev {WLAN}",
        f"link set {WLAN} up",
        f"route add default via {WLAN_GATEWAY} dev {WLAN} metric {WLAN_METRIC}",
    )
    namespaces.run_ip("link set lo up", *addresses, netns=OPERATOR_NETNS)
    namespaces.run_ip(
        "link set lo up", "link set eth0 up", f"addr add {WLAN_GATEWAY}/24 dev eth0", *addresses, netns=HOME_NETNS
    )


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the operator lets in where he checks."""

    user: str = "user"
    secret: str = "secret"  # noqa: S105 -- everybody may know it

    def write(self, auth: Auth) -> None:
        """Write the operator's secrets."""
        # Who is to be cut is one whose secret no one can know.
        chap = f'* * "{os.urandom(8).hex()}" *' if auth is Auth.CUT else f'"{self.user}" * "{self.secret}" *'
        for name, line in (("chap-secrets", chap), ("pap-secrets", '* * "" *')):
            path = OPERATOR_ETC / name
            path.write_text(line + "\n")
            path.chmod(0o600)


class Session:
    """One call at the operator: his pppd on a pty whose master is ours.

    The slave stays open here too: the master would read EIO until pppd has it.
    """

    def __init__(self, auth: Auth, account: Account, log: Path) -> None:
        self.auth = auth
        self.account = account
        self.log = log
        self.master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self.master, False)
        self._process: asyncio.subprocess.Process | None = None

    async def run(self) -> int:
        """Start the operator's pppd and return its exit status when it ends."""
        self.account.write(self.auth)
        argv = ["nsenter", f"--net=/run/netns/{OPERATOR_NETNS}", f"--mount={SANDBOX}"]
        argv += [str(OPERATOR_PPPD), os.ttyname(self._slave), *AUTH[self.auth].split(), *OPTIONS.split()]
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        status = await self._process.wait()
        self._process = None
        return status

    def say_goodbye(self) -> None:
        """Let the operator hang up: LCP terminate. There is no carrier detect through gser."""
        self._signal(signal.SIGTERM)

    def cut(self) -> None:
        """End the operator's pppd at once: the modem has hung up."""
        self._signal(signal.SIGKILL)

    def close(self) -> None:
        """Give the pty back."""
        os.close(self.master)
        os.close(self._slave)

    def _signal(self, number: signal.Signals) -> None:
        if self._process:
            self._process.send_signal(number)
