"""Carries out what `doctor --fix` may: local, reversible, and nothing that the modem or the network sees."""

import os
from pathlib import Path

from pppgen.doctor.verdict import ForgetServers, LoadModule, Remedy, SetFraming, Tighten, Unlock
from pppgen.errors import NoPermission, PppgenError
from pppgen.system import kernel, qmi_look
from pppgen.system.dns import Dns
from pppgen.system.files import Tree
from pppgen.system.uucp import remove_if_stale


def carry_out(remedy: Remedy, tree: Tree) -> None:
    """Do it, looking again first at what may have changed since doctor looked.

    Raises:
        PppgenError: it could not be done; the message says why.
    """
    try:
        match remedy:
            case LoadModule(module):
                kernel.load_module(module)
            case Tighten(path):
                _tighten(tree.shown(path))
            case Unlock(path, _):
                remove_if_stale(Path(path), Path(path).name)
            case SetFraming(interface, raw_ip):
                qmi_look.set_kernel_framing(interface, raw_ip=raw_ip)
            case ForgetServers(interface):
                Dns(tree.root).untell(interface)
    except PermissionError as error:
        raise NoPermission(f"{error.filename or 'it'}: {error.strerror}", hint="sudo pppgen doctor --fix") from error
    except OSError as error:
        raise PppgenError(str(error)) from error


def _tighten(path: str) -> None:
    """Take the others' rights from a file, never through a link that somebody planted."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        os.fchmod(descriptor, os.fstat(descriptor).st_mode & 0o700)
    finally:
        os.close(descriptor)
