"""The upper rungs: where traffic goes, who answers names, the clock, the budget, and how the last starts ended."""

from collections import Counter
from datetime import UTC, datetime

from pppgen.causes import cause
from pppgen.config import Config
from pppgen.doctor.facts import Facts, Missing
from pppgen.doctor.verdict import Answer, ForgetServers, Verdict, missing, ok
from pppgen.model import Reason
from pppgen.policy.governor import Why, permit
from pppgen.policy.sentences import rule_words, span
from pppgen.resolver import MECHANISMS, PLACEHOLDERS

_BUILT = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
"""No clock that is right is before it: certificates made since are not valid yet for one that is."""
_IPV4 = 4


def routes(facts: Facts) -> Answer:
    """Which link carries traffic that names none."""
    if isinstance(facts.routes, Missing):
        return missing(facts.routes)
    lines = tuple(
        f"default{' via ' + one.gateway if one.gateway else ''} dev {one.interface} metric {one.metric}"
        f"{' (ours)' if one.ours else ''}{' (IPv6)' if one.family != _IPV4 else ''}"
        for one in facts.routes
    )
    first = [one for one in facts.routes if one.family == _IPV4] or list(facts.routes)
    if not first:
        verdict = Verdict.WARN if facts.supervised else Verdict.OK
        return Answer(verdict, "there is no default route: no link is up", lines, ("pppgen status",) * facts.supervised)
    ours = [one for one in first if one.ours]
    primary = isinstance(facts.config, Config) and facts.config.primary
    if primary and ours and not first[0].ours:
        seen = f"`primary` is set, but {first[0].interface} (metric {first[0].metric}) comes before {ours[0].interface}"
        return Answer(Verdict.WARN, seen, lines, ("pppgen status", "ip route show default"))
    ppp = [one for one in first if one.interface.startswith("ppp") and not one.ours and one.metric == 0]
    if ppp and len(first) > 1:
        seen = f"{ppp[0].interface} took the default route with metric 0, and not by pppgen: it comes before all others"
        fix = ("grep -rn defaultroute /etc/ppp/    # replacedefaultroute or an edited ip-up does this",)
        return Answer(Verdict.WARN, seen, lines, fix)
    seen = f"{first[0].interface} (metric {first[0].metric}) carries traffic that names no interface"
    if ours and ours[0] != first[0]:
        seen += f"; {ours[0].interface} (metric {ours[0].metric}) stands behind it, as configured"
    return ok(seen, *lines)


def dns(facts: Facts) -> Answer:
    """Who writes resolv.conf, and whether a server in it can be asked."""
    if isinstance(facts.resolver, Missing):
        return missing(facts.resolver)
    seen = facts.resolver
    how = f"{seen.owner.value} owns /etc/resolv.conf; pppgen tells it by {MECHANISMS[seen.owner]}"
    servers = tuple(f"nameserver {server}" for server in seen.servers)
    if seen.orphans:
        remedies = tuple(ForgetServers(name) for name in seen.orphans)
        words = f"{how}; it still has the servers of {', '.join(seen.orphans)}, which is gone"
        return Answer(Verdict.WARN, words, servers, ("sudo pppgen doctor --fix",), remedies)
    # A stub on 127.0.0.53 cannot be asked from elsewhere, but it is no placeholder.
    if seen.servers and PLACEHOLDERS.issuperset(seen.servers):
        return Answer(
            Verdict.FAIL, cause(Reason.DNS_PLACEHOLDER).sentence, servers, cause(Reason.DNS_PLACEHOLDER).action
        )
    if not seen.servers:
        fix = ("ls -l /etc/resolv.conf", "# with a link up: pppgen status")
        return Answer(Verdict.WARN, f"{how}; no name server stands in it", servers, fix)
    return ok(how, *servers)


def time(facts: Facts) -> Answer:
    """A board without a clock starts in the past: then certificates are refused and the budget counts on."""
    if isinstance(facts.time, Missing):
        return missing(facts.time)
    shown = datetime.fromtimestamp(facts.time.wall, UTC).strftime("%Y-%m-%d %H:%M UTC")
    fix = ("sudo timedatectl set-ntp true", "timedatectl timesync-status")
    if facts.time.wall < _BUILT:
        return Answer(Verdict.FAIL, f"{shown} is in the past: secure connections fail until it is set", fix=fix)
    if not facts.time.synchronised:
        return Answer(Verdict.WARN, f"{shown}, and nobody set it from the network", fix=fix)
    return ok(f"{shown}, set from the network")


def budget(facts: Facts) -> Answer:
    """When the network may be asked again, and which rule says so."""
    if isinstance(facts.standing, Missing):
        return missing(facts.standing)
    ledger, rules, now = facts.standing.ledger, facts.standing.budget, facts.standing.now
    used = sum(at > now - rules.window_s for at in ledger.spent)
    spent = f"{used} of {rules.attempts} attempts of the last {span(rules.window_s)} are spent"
    allowed = permit(ledger, rules, now)
    if allowed.at <= now or allowed.why is Why.FREE:
        return ok(f"the next attempt may start now; {spent}")
    evidence = (f"{ledger.failures} failed rounds in a row",) if ledger.failures else ()
    fix = ("sudo pppgen up --now    # overrides the wait once; carriers count attempts",)
    seen = f"the next attempt is in {span(allowed.at - now)}{rule_words(allowed.why)}; {spent}"
    return Answer(Verdict.WARN, seen, evidence, fix)


def last_failures(facts: Facts) -> Answer:
    """How the last starts ended."""
    if isinstance(facts.past, Missing):
        return missing(facts.past)
    past = facts.past
    if not past.ever:
        return Answer(Verdict.SKIP, "no link was started here yet")
    if not past.failures:
        return ok("none in the last day")
    counts = Counter((one.bearer, one.reason) for one in past.failures)
    lines = tuple(f"{times} x {bearer.value}: {reason.value}" for (bearer, reason), times in counts.most_common(5))
    last = past.failures[0]
    at = f" at step {last.step.value}" if last.step else ""
    seen = f"{len(past.failures)} in the last day; the last {span(last.ago_s)} ago, {last.bearer.value}{at}: "
    seen += cause(last.reason).sentence
    if past.up_since:
        return ok(f"{seen} A link came up after it.", *lines)
    return Answer(Verdict.WARN, seen, lines, ("pppgen explain", *cause(last.reason).action))
