"""`pppgen render`: the files that setup would write, for any family, printed and not written."""

import sys
from pathlib import Path

import click

from pppgen.commands.dial_options import DialRequest, dial_options
from pppgen.commands.options import json_option, root_option, sysroot_option
from pppgen.commands.present import emit_json, say, show_notice
from pppgen.commands.probe import names_of
from pppgen.commands.shipment import device_named
from pppgen.commands.survey import survey
from pppgen.errors import BadValue, PppgenError
from pppgen.install import redacted
from pppgen.memory import read_memory
from pppgen.model import ExpectedRole
from pppgen.modems.catalog import Family, family_named, names
from pppgen.plan import DEBIAN_PPPD, Plan, make_plan, pppd_version
from pppgen.render import RenderedFile, render
from pppgen.system.pppd import installed_pppd
from pppgen.udev import link_name

# Where the modem sits is not known without one; the place that a Raspberry Pi's HAT usually has.
_EXAMPLE_PATH = "1-1"
_EXAMPLE_INTERFACE = 3


@click.command()
@click.option("--family", "family_name", type=click.Choice(names()), required=True, help="The modem family.")
@dial_options
@click.option("--device", metavar="PORT", help="The port to dial on; it is written by its stable name.")
@click.option("--pppd", metavar="VERSION", help="Write for this pppd instead of the installed one, such as 2.5.2.")
@click.option("--show-secrets", is_flag=True, help="Print passwords too.")
@sysroot_option
@root_option
@json_option
def command(
    *,
    family_name: str,
    request: DialRequest,
    device: str | None,
    pppd: str | None,
    show_secrets: bool,
    sysroot: Path,
    root: Path,
    as_json: bool,
) -> None:
    r"""Print the files that setup would write; writes nothing and asks no modem.

    \b
    Examples:
      pppgen render --family bg96 --apn super
      pppgen render --family bg96 --apn super --as-guide
      pppgen render --family sim7600 --apn internet --user me --password-file secret --auth chap
    """
    try:
        family = family_named(family_name)
        remembered = _remembered(family, root)
        port = _stable(device, sysroot) if device else remembered or _example(family)
        plan = make_plan(request.dial(), family, port, pppd=_version(pppd))
        files = render(plan)
    except PppgenError as error:
        if not as_json:
            raise
        emit_json({"family": family_name, "device": None, "files": [], "warnings": [], "error": error.as_json()})
        sys.exit(error.exit)
    shown = [(file, _text(file, show_secrets=show_secrets)) for file in files]
    if as_json:
        emit_json(_answer(family, plan, shown))
        return
    if device is None and remembered is None:
        say(f"no --device, so an example's name is written: {port}")
    for notice in plan.notices:
        show_notice(notice)
    for number, (file, text) in enumerate(shown):
        click.secho(f"{chr(10) if number else ''}--- {file.path}  {file.mode:04o} root:{file.group}", bold=True)
        click.echo(text, nl=False)


def _answer(family: Family, plan: Plan, shown: list[tuple[RenderedFile, str]]) -> dict[str, object]:
    return {
        "family": family.name,
        "device": plan.device,
        "files": [
            {
                "path": file.path,
                "mode": f"{file.mode:04o}",
                "owner": "root",
                "group": file.group,
                "secret": file.secret,
                "content": text,
            }
            for file, text in shown
        ],
        "warnings": [notice.as_json() for notice in plan.notices],
        "error": None,
    }


def _text(file: RenderedFile, *, show_secrets: bool) -> str:
    text = file.content.decode("ascii")
    return text if show_secrets else redacted(text)


def _version(given: str | None) -> tuple[int, ...]:
    if given is None:
        return installed_pppd() or DEBIAN_PPPD
    version = pppd_version(given)
    if version is None:
        raise BadValue(f"--pppd {given!r} is not a version", hint="such as 2.4.9")
    return version


def _stable(device: str, sysroot: Path) -> str:
    """Return the name that setup gives to a port that is there now, else the name as it was given."""
    devices = [one.device for one in survey(sysroot).found.candidates]
    return next((device_named(one, port) for one in devices for port in one.ports if device in names_of(port)), device)


def _remembered(family: Family, root: Path) -> str | None:
    """Return the port that dialled on a modem of this family, as setup below `root` remembers it."""
    known = (one for one in read_memory(root).modems if one.dial is not None and family.layout(one.vid, one.pid))
    return next((link_name(one.usb_path, one.dial) for one in known if one.dial is not None), None)


def _example(family: Family) -> str:
    roles = [role for layout in family.layouts[:1] for role in layout.roles]
    dialling = (number for number, role in roles if role in {ExpectedRole.DIAL, ExpectedRole.AT_DIAL})
    return link_name(_EXAMPLE_PATH, next(dialling, _EXAMPLE_INTERFACE))
