"""The rungs on disk: pppd and its options, the files that pppgen wrote, and who may read the secret ones."""

from pppgen.doctor.facts import Facts, FileState, Missing, OptionLine
from pppgen.doctor.verdict import Answer, Tighten, Verdict, missing, ok
from pppgen.programs.chat_script import complaints
from pppgen.programs.events import Kind
from pppgen.programs.pppd import PppdReader

# pppd(8): what in /etc/ppp/options would change or break every call of ours. Debian's own `auth` does not: our peers
# file says noauth.
_HARMFUL: dict[str, str] = {
    "demand": "dials on traffic, not when it is told to",
    "persist": "redials by itself, at once after a hang-up, beside the supervisor",
    "updetach": "detaches, so that a supervisor loses sight of it",
    "replacedefaultroute": "takes the default route away from Wi-Fi and does not give it back",
    "nodefaultroute": "plain `pon` gets no default route",
    "require-chap": "asks the carrier for a password, which none has",
    "require-pap": "asks the carrier for a password, which none has",
}
_OLDEST = (2, 4, 8)  # Debian 11's is 2.4.9; 2.4.8 brought defaultroute-metric
_NO_PPP, _OPTION = 4, 2  # pppd(8), EXIT STATUS


def pppd(facts: Facts) -> Answer:
    """The program, its version, and options that count for every call."""
    if isinstance(facts.pppd, Missing):
        return missing(facts.pppd)
    if not facts.pppd:
        return Answer(Verdict.FAIL, "it is not installed", fix=("sudo apt install ppp",))
    version = ".".join(map(str, facts.pppd))
    if facts.pppd < _OLDEST:
        return Answer(Verdict.WARN, f"pppd {version} is older than any that pppgen was tried with")
    if isinstance(facts.options, Missing):
        return Answer(
            Verdict.UNKNOWN, f"pppd {version}; {facts.options.why}", fix=tuple(facts.options.hint.splitlines())
        )
    harmful = [(one, _HARMFUL[word]) for one in facts.options if (word := _word(one)) in _HARMFUL]
    if harmful:
        lines = tuple(f"{one.path}: {one.line}" for one, _ in harmful)
        words = "; ".join(f"`{_word(one)}` in {one.path} {why}" for one, why in harmful)
        fix = tuple(f"sudo sed -i 's/^{_word(one)}\\b/# &/' {one.path}" for one, _ in harmful)
        return Answer(Verdict.WARN, f"pppd {version}; {words}", lines, fix)
    return ok(f"pppd {version}, no option in /etc/ppp/options against us")


def _word(line: OptionLine) -> str:
    return line.line.split(maxsplit=1)[0]


def files(facts: Facts) -> Answer:
    """The files that setup wrote: there, and as it wrote them."""
    broken = [one for one in (facts.config, facts.link) if isinstance(one, Missing) and one.broken]
    if broken:
        fix = tuple(line for one in broken for line in one.hint.splitlines())
        return Answer(Verdict.FAIL, "; ".join(one.why for one in broken), fix=fix)
    if isinstance(facts.files, Missing):
        return missing(facts.files)
    if not facts.files:
        fix = ("sudo pppgen setup --apn YOUR_APN",)
        return Answer(Verdict.WARN, "setup has not written anything here yet", fix=fix)
    by_state = {state: tuple(one.path for one in facts.files if one.state is state) for state in FileState}
    if gone := by_state[FileState.GONE]:
        return Answer(Verdict.FAIL, f"gone: {', '.join(gone)}", gone, ("sudo pppgen setup    # writes them again",))
    if edited := by_state[FileState.EDITED]:
        fix = ("sudo pppgen setup --diff --dry-run    # what setup would write instead",)
        return Answer(Verdict.WARN, f"changed by hand: {', '.join(edited)}", edited, fix)
    if unread := by_state[FileState.UNREADABLE]:
        seen = f"{len(facts.files) - len(unread)} as setup wrote them; not readable: {', '.join(unread)}"
        return Answer(Verdict.UNKNOWN, seen, unread, ("sudo pppgen doctor",))
    return ok(f"{len(facts.files)} files, all as setup wrote them")


def peers_syntax(facts: Facts) -> Answer:
    """What pppd itself thinks of the peers file; it reads it without opening a port."""
    if isinstance(facts.dry_run, Missing):
        return missing(facts.dry_run)
    done, reader = facts.dry_run, PppdReader()
    if done.status == 0:
        return ok(f"pppd reads peers/{done.provider} without a complaint")
    if done.status == _NO_PPP:
        return Answer(Verdict.UNKNOWN, "this kernel has no PPP, so pppd ends before it reads anything")
    events = [event for line in done.said for event in reader.read(line)]
    if any(event.kind is Kind.PORT_MISSING for event in events):
        return Answer(
            Verdict.UNKNOWN, "the modem's port is not there, and pppd reads no further than its name", done.said
        )
    told = [event.value for event in events if event.kind is Kind.OPTION_REFUSED and event.value]
    refused = next(iter(told), done.said[-1] if done.said else "it does not say why")
    if done.status == _OPTION:
        fix = (f"sudo pppd call {done.provider} dryrun", "sudo pppgen setup --diff --dry-run")
        return Answer(Verdict.FAIL, f"pppd refuses peers/{done.provider}: {refused}", done.said[-3:], fix)
    return Answer(Verdict.UNKNOWN, f"pppd ended with {done.status}: {refused}", done.said[-3:])


def chat_syntax(facts: Facts) -> Answer:
    """What chat could not carry out of the script that dials, as a hand may have left it."""
    if isinstance(facts.script, Missing):
        return missing(facts.script)
    told = complaints(facts.script.text)
    if not told:
        return ok(f"chat can carry out {facts.script.path}")
    fix = ("sudo pppgen setup --diff --dry-run    # what setup would write instead",)
    return Answer(Verdict.FAIL, f"{facts.script.path}: {told[0]}", told, fix)


def secrets(facts: Facts) -> Answer:
    """Files with passwords are root's and nobody else may read them."""
    if isinstance(facts.secrets, Missing):
        return missing(facts.secrets)
    if not facts.secrets:
        return Answer(Verdict.SKIP, "there is no file with a password")
    open_to_others = [one for one in facts.secrets if one.mode & 0o077]
    foreign = [one for one in facts.secrets if not one.of_root]
    if not open_to_others and not foreign:
        return ok(f"{len(facts.secrets)} files, readable by root alone")
    lines = tuple(f"{one.path}: {one.mode:04o}{'' if one.of_root else ', of another user'}" for one in facts.secrets)
    names = ", ".join(dict.fromkeys(one.path for one in [*open_to_others, *foreign]))
    fix = (
        *(f"sudo chmod 600 {one.path}" for one in open_to_others),
        *(f"sudo chown root:root {one.path}" for one in foreign),
    )
    # Whose file a stranger's is, only a person knows; a mode is put right in a moment.
    remedies = tuple(Tighten(one.path) for one in open_to_others if one.of_root)
    return Answer(Verdict.FAIL, f"others may read or change {names}", lines, fix, remedies)
