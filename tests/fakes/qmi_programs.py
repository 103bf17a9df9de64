"""qmicli, udhcpc and quectel-CM against one modem that is a folder; copied there under the three names and run.

`settings` beside it has a line a wish: `framing raw-ip|802.3|unsupported` (what the modem tells), `truth raw-ip|802.3`
(what it speaks), `slow S` (a client id is told that many seconds after it was taken), `call
ok|refused|no-effect|never`, `address A|none`, `dns A`, `dhcp answers|silent|nak|link-local`, `renewal A|none`, `card
ready|absent|pin`, `registration STATE`, `status connected|disconnected`, `hang WORD` (a command line with that word in
it never ends and heeds no TERM), `garbage yes`, `news ended|reconfigured`.
`clients` holds the client ids that are allocated, `calls` every command line. A program that stands for a call goes on
at USR1: the network tells the `news`; udhcpc at USR1: half of the lease's time is over, and `renewal` is what comes of
it. At USR2 either dies without a word. The words are qmicli 1.32.2's own.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).parent
NAME = Path(sys.argv[0]).name
ARGS = sys.argv[1:]
LINE = " ".join(ARGS)
NODE = next((arg.partition("=")[2] for arg in ARGS if arg.startswith("--device=")), "")
HELD = [arg.partition("=")[2] for arg in ARGS if arg.startswith("--client-cid=")]

RECONFIGURED = """<<<<<< TLV:
<<<<<<   type       = "Connection Status" (0x01)
<<<<<<   translated = [ status = 'connected' reconfiguration_required = 'yes' ]
"""
ENDED = """[22 Nov 2026, 09:29:36] [Debug] [{node}] received generic indication (translated)...
<<<<<< QMI:
<<<<<<   flags       = "indication"
<<<<<<   message     = "Packet Service Status" (0x0022)
<<<<<< TLV:
<<<<<<   type       = "Connection Status" (0x01)
<<<<<<   length     = 2
<<<<<<   value      = 01:00
<<<<<<   translated = [ status = 'disconnected' reconfiguration_required = 'no' ]
<<<<<< TLV:
<<<<<<   type       = "Call End Reason" (0x10)
<<<<<<   translated = generic-client-end
<<<<<< TLV:
<<<<<<   type       = "Verbose Call End Reason" (0x11)
<<<<<<   translated = [ type = '3gpp' reason = '36' ]
"""
REFUSED = """error: couldn't start network: QMI protocol error (14): 'CallFailed'
call end reason (1013): gsm-wcdma-unknown-apn
verbose call end reason (6,27): [3gpp] unknown-apn
"""
SETTINGS = """[{node}] Current settings retrieved:
           IP Family: IPv4
        IPv4 address: {address}
    IPv4 subnet mask: 255.255.255.252
IPv4 gateway address: 10.0.0.1
    IPv4 primary DNS: {dns}
  IPv4 secondary DNS: 8.8.4.4
                 MTU: 1430
             Domains: none
"""
CARDS = {
    "ready": "Slot [1]:\n\tCard state: 'present'\n\t\tPIN1 state: 'disabled'\nSlot [2]:\n\tCard state: 'absent'\n",
    "absent": "Slot [1]:\n\tCard state: 'absent'\n",
    "pin": "Slot [1]:\n\tCard state: 'present'\n\t\tPIN1 state: 'enabled-not-verified'\n",
}


def say(words: str) -> None:
    os.write(1, words.encode())


def wish(name: str, default: str) -> str:
    lines = [line.split(None, 1) for line in (HERE / "settings").read_text().splitlines()]
    return next((line[1] for line in lines if line[0] == name), default)


def clients() -> list[str]:
    path = HERE / "clients"
    return path.read_text().split() if path.exists() else []


def keep_clients(ids: list[str]) -> None:
    (HERE / "clients").write_text("\n".join(ids))


def end(status: int = 0) -> None:
    keeps = "--client-no-release-cid" in ARGS
    if not keeps:
        keep_clients([one for one in clients() if one not in HELD])
    for cid in HELD if keeps else ():
        say(f"[{NODE}] Client ID not released:\n\tService: 'wds'\n\t    CID: '{cid}'\n")
    os._exit(status)


MEANT = {signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM}


def stay() -> int:
    """Wait for a signal that means something and return it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, MEANT)
    return signal.sigwait(MEANT)


def qmicli() -> None:
    if "--wds-noop" in ARGS:
        pass
    elif not set(HELD) <= set(clients()):
        say("error: couldn't stop network: QMI protocol error (5): 'InvalidClientId'\n")
        end(1)
    else:
        action = next(arg for arg in ARGS if arg.startswith(("--wd", "--uim", "--nas"))).partition("=")[0]
        ACTIONS[action]()
    end()


def data_format() -> None:
    framing = wish("framing", "raw-ip")
    if framing == "unsupported":
        say("error: couldn't create client for the 'wda' service: QMI protocol error (31): 'InvalidServiceType'\n")
        end(1)
    say(f"[{NODE}] Successfully got data format\n                   QoS flow header: no\n")
    say(f"               Link layer protocol: '{framing}'\n")


def settings() -> None:
    if (address := wish("address", "10.0.0.2")) == "none":
        say("error: couldn't get current settings: QMI protocol error (15): 'OutOfCall'\n")
        end(1)
    say(SETTINGS.format(node=NODE, address=address, dns=wish("dns", "8.8.8.8")))


def start() -> None:
    cid = str(20 + len(clients()))
    keep_clients([*clients(), cid])
    HELD.append(cid)
    time.sleep(float(wish("slow", "0")))
    if "--verbose" in ARGS:
        say(f"[22 Nov 2026, 09:29:30] [Debug] [{NODE}] registered 'wds' (version unknown) client with ID '{cid}'\n")
    match wish("call", "ok"):
        case "refused":
            say(REFUSED)
            end(1)
        case "no-effect":
            say("error: couldn't start network: QMI protocol error (26): 'NoEffect'\n")
            end(1)
        case "never":
            stay()
            end(1)
        case _:
            pass
    say(f"[{NODE}] Network started\n\tPacket data handle: '2264423824'\n\nCtrl+C will stop the network\n")
    while (heard := stay()) == signal.SIGUSR1 and wish("news", "ended") == "reconfigured":
        say(RECONFIGURED)
    match heard:
        case signal.SIGUSR1:
            say(ENDED.format(node=NODE))
            stay()
        case signal.SIGUSR2:
            os._exit(0)
        case _:
            say("cancelling the operation...\nerror: operation failed: Operation was cancelled\n")
    end()


ACTIONS: dict[str, Callable[[], None]] = {
    "--wda-get-data-format": data_format,
    "--uim-get-card-status": lambda: say(CARDS[wish("card", "ready")]),
    "--nas-get-serving-system": lambda: say(f"\tRegistration state: '{wish('registration', 'registered')}'\n"),
    "--wds-start-network": start,
    "--wds-follow-network": start,
    "--wds-get-current-settings": settings,
    "--wds-get-packet-service-status": lambda: say(f"[{NODE}] Connection status: '{wish('status', 'connected')}'\n"),
    "--wds-stop-network": lambda: say(f"Network cancelled... releasing resources\n[{NODE}] Network stopped\n"),
}


def understood() -> bool:
    """Whether modem and kernel agree on the framing."""
    raw = (HERE / "net/wwan0/qmi/raw_ip").read_text().strip() == "Y"
    return raw == (wish("truth", "raw-ip") == "raw-ip")


def udhcpc() -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, MEANT)  # one that comes while the script runs is heard after it
    script = ARGS[ARGS.index("-s") + 1]

    def tell(event: str, **values: str) -> None:
        subprocess.run([script, event], env={**os.environ, "interface": "wwan0", **values}, check=True)

    def leased(event: str, address: str) -> None:
        dns = wish("dns", "8.8.8.8")
        tell(event, ip=address, subnet="255.255.255.252", router="10.0.0.1", dns=f"{dns} * 8.8.4.4", mtu="1430")

    say("udhcpc: started, v1.35.0\n")
    tell("deconfig")
    kind = wish("dhcp", "answers") if understood() else "silent"
    match kind:
        case "silent":
            say("udhcpc: broadcasting discover\nudhcpc: no lease, failing\n")
            tell("leasefail")
            os._exit(1)
        case "nak":
            tell("nak")
            tell("leasefail")
            os._exit(1)
        case _:
            address = "169.254.7.7" if kind == "link-local" else "10.0.0.2"
            say(f"udhcpc: lease of {address} obtained, lease time 7200\n")
            leased("bound", address)
    while (heard := stay()) == signal.SIGUSR1:
        if (address := wish("renewal", "10.0.0.2")) == "none":
            tell("deconfig")
            tell("leasefail")
            os._exit(1)
        leased("renew", address)
    os._exit(9 if heard == signal.SIGUSR2 else 0)


def quectel_cm() -> None:
    """Say a transcript; after its last line stay until told to end."""
    for line in (HERE / "transcript").read_text().splitlines():
        if line == "!address":
            subprocess.run(["/usr/sbin/ip", "addr", "replace", "10.0.0.2/30", "dev", "wwan0"], check=True)
            continue
        say(line + "\n")
    while stay() == signal.SIGUSR1:
        say("[07-01_01:00:40:000] requestQueryDataCall IPv4ConnectionStatus: DISCONNECTED\n")
    os._exit(0)


with (HERE / "calls").open("a") as calls:
    calls.write(f"{NAME} {LINE}\n")
if wish("garbage", "no") == "yes":
    os.write(1, b"\x00\xff\x1b[2J <<<<<<   translated = \n" * 500 + b"error: " + b"x" * 9000)
if (word := wish("hang", "")) and word in LINE:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.pause()
    signal.pause()
{"qmicli": qmicli, "udhcpc": udhcpc, "quectel-CM": quectel_cm}[NAME]()
