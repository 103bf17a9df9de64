"""Reads what doctor judges, all readers side by side; each is a small function and none changes anything.

A tree of another machine (`--sysroot`, `--root`) tells of its ports and files; what only a running system can tell is
`skip` there, never this machine's.
"""

import os
from concurrent.futures import ThreadPoolExecutor

from pppgen.commands.doctor_files import (
    read_config,
    read_files,
    read_heard,
    read_link,
    read_options,
    read_past,
    read_script,
    read_secrets,
    read_standing,
)
from pppgen.commands.doctor_modem import ask_modem, ask_qmi, chosen, sides
from pppgen.commands.doctor_place import ELSEWHERE, Place, known
from pppgen.commands.doctor_system import (
    read_kernel,
    read_log,
    read_managed,
    read_pppd,
    read_resolver,
    read_routes,
    read_throttled,
    read_time,
    run_dry,
)
from pppgen.commands.survey import survey
from pppgen.config import Link
from pppgen.doctor.facts import Facts, Missing
from pppgen.plan import PROVIDER
from pppgen.system.providers import read_providers
from pppgen.udev import MODEM_MANAGER_RULE


def gather(place: Place) -> Facts:
    """Return every fact; it lasts as long as the slowest reader, usually the modem."""
    link, config = known(lambda: read_link(place)), known(lambda: read_config(place))
    seen = survey(place.sysroot)
    provider = link.provider if isinstance(link, Link) else PROVIDER
    device = chosen(seen, link)
    heard = known(lambda: read_heard(place))
    supervised = not (isinstance(heard, Missing) and heard.skip)
    with ThreadPoolExecutor(max_workers=12) as pool:
        asked = pool.submit(known, lambda: ask_modem(place, seen, device))
        qmi = pool.submit(known, lambda: ask_qmi(place, seen, device))
        ran = pool.submit(known, lambda: run_dry(place, link))
        kernel_facts = pool.submit(known, lambda: read_kernel(place))
        throttled = pool.submit(known, lambda: read_throttled(place))
        log = pool.submit(known, lambda: read_log(place))
        managed = pool.submit(known, lambda: read_managed(place))
        pppd = pool.submit(known, lambda: read_pppd(place))
        routes = pool.submit(known, lambda: read_routes(place))
        resolver = pool.submit(known, lambda: read_resolver(place, supervised=supervised))
        past = pool.submit(known, lambda: read_past(place))
        framing, port = sides(qmi.result())
        return Facts(
            board=seen.board,
            found=seen.found,
            supervised=supervised,
            own=seen.own,
            link=link,
            config=config,
            kernel=kernel_facts.result(),
            throttled=throttled.result(),
            kernel_log=log.result(),
            asked=asked.result(),
            heard=heard,
            modem_manager=seen.modem_manager if place.runs else ELSEWHERE,
            modem_manager_rule=os.path.lexists(place.tree.shown(f"/etc/udev/rules.d/{MODEM_MANAGER_RULE}")),
            network_manager=managed.result(),
            providers=read_providers(place.sysroot),
            framing=framing,
            qmi=port,
            pppd=pppd.result(),
            options=known(lambda: read_options(place)),
            files=known(lambda: read_files(place)),
            dry_run=ran.result(),
            script=known(lambda: read_script(place, provider)),
            secrets=known(lambda: read_secrets(place, provider)),
            routes=routes.result(),
            resolver=resolver.result(),
            time=read_time(place),
            standing=known(lambda: read_standing(place, config)),
            past=past.result(),
        )
