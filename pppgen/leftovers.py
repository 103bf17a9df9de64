"""What vendors' guides leave on a board that would fight for the modem: a table of rows, and what of it is there.

A row tells what the thing does to us and how it is stopped, so that a person can undo it; nothing is stopped here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from pppgen.facts import Process, Trace
from pppgen.model import Notice

_INTERPRETERS = ("sh", "bash", "dash", "busybox", "python")

# Scripts that a guide edits in place: each line of them that moves a route fights our routes.
SCRIPTS = ("/etc/ppp/ip-up", "/etc/ppp/ip-up.local", "/etc/rc.local")


@dataclass(frozen=True, slots=True)
class Leftover:
    """One tool: where it lies, the names its processes carry, the module it loads; any one of them proves it."""

    name: str
    does: str
    stop: str
    paths: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    source: str = ""


def _unit(name: str) -> tuple[str, ...]:
    return (f"/etc/systemd/system/{name}.service", f"/lib/systemd/system/{name}.service")


LEFTOVERS: tuple[Leftover, ...] = (
    Leftover(
        "ip-up.local",
        "replaces every hook in /etc/ppp/ip-up.d, so plain `pon` gets neither its route nor its name servers",
        "mv /etc/ppp/ip-up.local /etc/ppp/ip-up.d/90-local    # it runs beside the others there",
        paths=("/etc/ppp/ip-up.local",),
        source="Debian's /etc/ppp/ip-up",
    ),
    Leftover(
        "qmi_reconnect",
        "restarts quectel-CM whenever a ping fails, over any other link",
        "systemctl disable --now qmi_reconnect.service",
        paths=(*_unit("qmi_reconnect"), "/usr/src/qmi_reconnect.sh"),
        processes=("qmi_reconnect.sh",),
        source="Sixfab QMI tutorial, install_auto_connect.sh",
    ),
    Leftover(
        "ppp_connection_manager",
        "runs `pon` again whenever a ping fails, and cuts the modem's power",
        "systemctl disable --now ppp_connection_manager.service",
        paths=(*_unit("ppp_connection_manager"), "/opt/sixfab/ppp_connection_manager"),
        processes=("ppp_connection_manager.sh", "ppp_reconnect.sh"),
        source="Sixfab_PPP_Installer, ppp_install.sh",
    ),
    Leftover(
        "reconnect",
        "runs `pon` again whenever a ping fails",
        "systemctl disable --now reconnect.service",
        paths=("/usr/src/reconnect.sh",),
        source="Sixfab_PPP_Installer, older versions",
    ),
    Leftover(
        "core_manager",
        "configures the modem over AT and resets it on its own",
        "systemctl disable --now core_manager.service core_agent.service",
        paths=(*_unit("core_manager"), *_unit("core_agent")),
        processes=("core_manager", "core_agent"),
        source="Sixfab Core installer",
    ),
    Leftover(
        "quectel-CM",
        "holds the QMI control port and sets the interface up and down",
        "pkill -x quectel-CM    # and remove what starts it again",
        processes=("quectel-CM", "simcom-cm"),
        source="Quectel_QConnectManager_Linux",
    ),
    Leftover(
        "qmi_wwan_q",
        "is bound in place of the kernel's own qmi_wwan and hides raw_ip",
        "rmmod qmi_wwan_q && modprobe qmi_wwan    # and remove it from /lib/modules/$(uname -r)",
        modules=("qmi_wwan_q", "GobiNet", "simcom_wwan"),
        source="Quectel_Linux_USB_Driver; Sixfab_QMI_Installer",
    ),
    Leftover(
        "wvdial",
        "dials on the port by its own rules",
        "pkill -x wvdial    # and remove what starts it: systemctl list-units '*wvdial*'",
        paths=_unit("wvdial"),
        processes=("wvdial",),
        source="wvdial(1)",
    ),
    Leftover(
        "umtskeeper",
        "redials with sakis3g and resets the USB port when its ping fails",
        "systemctl disable --now umtskeeper.service    # or take it out of /etc/rc.local",
        paths=(*_unit("umtskeeper"), "/etc/umtskeeper"),
        processes=("umtskeeper", "sakis3g"),
        source="umtskeeper's and sakis3g's README",
    ),
)

PATHS = tuple(path for row in LEFTOVERS for path in row.paths)
MODULES = tuple(module for row in LEFTOVERS for module in row.modules)


def moves_routes(line: str) -> bool:
    """Return whether a line of a hook script changes the default route or starts a dialler.

    >>> [moves_routes(line) for line in ("route add default dev ppp0", "ip route replace default dev $1", "exec foo")]
    [True, True, False]
    """
    words = line.replace(";", " ").replace("&", " ").split()
    tools = {word.rpartition("/")[2] for word in words}
    return ("route" in tools and bool({"add", "del", "delete", "replace", "change"} & tools)) or bool(
        {"pon", "wvdial", "sakis3g", "umtskeeper", "quectel-CM"} & tools
    )


def _words_of(process: Process) -> set[str]:
    """Return what a process may be called: a script's name stands behind its interpreter's."""
    words = [word.rpartition("/")[2] for word in process.words[:2]]
    interpreted = words and words[0].startswith(_INTERPRETERS)
    return {process.name, *(words if interpreted else words[:1])}


def _evidence(row: Leftover, traces: Iterable[Trace], processes: Iterable[Process]) -> tuple[str, ...]:
    # The kernel cuts a process's name at 15 characters.
    names = {*row.processes, *(name[:15] for name in row.processes)}
    return (
        *(trace.name for trace in traces if trace.kind == "path" and trace.name in row.paths),
        *(f"kernel module {trace.name}" for trace in traces if trace.kind == "module" and trace.name in row.modules),
        *(f"pid {process.pid} {process.name}" for process in processes if _words_of(process) & names),
    )


def leftovers(traces: Iterable[Trace], processes: Iterable[Process]) -> tuple[Notice, ...]:
    """Return a notice for each row that something proves, and one for each hook script that moves routes.

    >>> leftovers([Trace("module", "qmi_wwan_q")], [])[0].evidence
    ('kernel module qmi_wwan_q',)
    """
    traces, processes = tuple(traces), tuple(processes)
    found = [
        Notice("leftover", f"{row.name} {row.does}", row.stop, evidence)
        for row in LEFTOVERS
        if (evidence := _evidence(row, traces, processes))
    ]
    for script in SCRIPTS:
        lines = [trace.text for trace in traces if trace.kind == "line" and trace.name == script]
        moving = tuple(f"{script}: {line[:120]}" for line in lines if moves_routes(line))
        if moving:
            found.append(
                Notice(
                    "leftover", f"{script} moves routes or dials by itself", f"remove that line from {script}", moving
                )
            )
    return tuple(found)
