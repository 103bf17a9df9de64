"""The report: its story out of journal and samples, its pictures, and that no secret gets into it by any path."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pppgen.commands.report import save
from pppgen.commands.shipment import CONFIG, LINK
from pppgen.config import Auth, Link, dump_link
from pppgen.doctor import examine
from pppgen.errors import ExitCode, NoPermission
from pppgen.model import BearerKind, Reason, RegistrationStat, Signal
from pppgen.plan import chat_path, peers_path, secret_path
from pppgen.policy.chronicle import Entry, Kind, Moment, dump
from pppgen.policy.sample import Sample
from pppgen.policy.sample import dump as dump_sample
from pppgen.redact import Known, Redactor, Secret
from pppgen.report import charts
from pppgen.report.page import Material, Text, page
from pppgen.report.story import OFF, Dial, Period, Story, Window, phases, tell
from pppgen.reports import Step, StepTime
from tests.fakes.healthy import HEALTHY
from tests.fakes.simulator import simulator

SCHEMA = json.loads((Path(__file__).parent.parent / "docs/schema/report.json").read_text())
QMI, PPP = BearerKind.QMI, BearerKind.PPP
T0 = 1_790_000_000.0
STEPS = (StepTime(Step.CALL, 1.0), StepTime(Step.LEASE, 3.0))


def at(second: float, boot: str = "a") -> Moment:
    return Moment(T0 + second, 1000 + second, boot)


def decided(
    second: float,
    before: str,
    phase: str,
    bearer: BearerKind | None = QMI,
    boot: str = "a",
    **more: Any,  # noqa: ANN401 -- any of its fields
) -> Entry:
    return Entry(Kind.DECISION, at(second, boot), 1, bearer, before=before, phase=phase, text=f"{phase}.", **more)


LIFE = (
    Entry(Kind.RUN, at(0), text="the supervisor starts, pid 812"),
    decided(10, "stopped", "connecting"),
    Entry(Kind.FAILED, at(14), 1, QMI, Step.LEASE, Reason.NO_DHCP_LEASE, steps=STEPS, evidence=("no lease, failing",)),
    decided(14, "connecting", "falling-back", PPP, reason=Reason.NO_DHCP_LEASE, verdict="next", evidence=("no lease",)),
    decided(15, "falling-back", "connecting", PPP),
    Entry(Kind.UP, at(45), 2, PPP, steps=(StepTime(Step.CHAT, 3.0), StepTime(Step.TRAFFIC, 27.0))),
    decided(45, "verifying", "online", PPP),
    Entry(Kind.RUN, at(100), text="the supervisor ends"),
)


def heard(second: float, rsrp: int | None, dial: int = 1, received: int | None = None, boot: str = "a") -> Sample:
    stats = (("cereg", RegistrationStat.ROAMING),)
    return Sample(at(second, boot), dial, PPP, Signal(rsrp_dbm=rsrp), stats, received, received)


def test_the_story_tells_phases_bearers_turns_and_dials() -> None:
    story = tell(LIFE, (), T0 + 200, 86400)
    assert [(one.kind, one.start - T0, one.end - T0) for one in story.phases] == [
        ("stopped", 0, 10),
        ("connecting", 10, 14),
        ("falling-back", 14, 15),
        ("connecting", 15, 45),
        ("online", 45, 100),
        (OFF, 100, 200),
    ]
    assert [one.kind for one in story.bearers] == ["qmi", "ppp"]
    assert [(one.number, one.phase, one.evidence) for one in story.turns] == [
        (1, "falling-back", ("no lease",)),
        (2, "online", ()),
    ]
    assert [(one.number, one.bearer, one.seconds, one.failed) for one in story.dials] == [
        (2, PPP, 30.0, None),
        (1, QMI, 4.0, Reason.NO_DHCP_LEASE),
    ]
    assert story.online_share == pytest.approx(0.55)


def test_a_power_cut_ends_a_phase_where_the_journal_ends() -> None:
    cut = (decided(0, "verifying", "online"), decided(500, "stopped", "connecting", boot="b"))
    assert [(one.kind, one.end - T0) for one in phases(cut, Window(T0, T0 + 600))] == [(OFF, 500), ("connecting", 600)]


def test_a_clock_that_was_set_later_puts_the_whole_boot_right() -> None:
    early = Entry(Kind.RUN, Moment(3600.0, 5.0, "b"), text="the supervisor starts, pid 1")
    late = replace(decided(0, "verifying", "online"), at=Moment(T0, 65.0, "b"))
    assert [one.at.wall for one in tell((early, late), (), T0 + 1, 3600).entries] == [T0 - 60, T0]


def test_a_phase_that_nobody_knows_is_not_drawn() -> None:
    assert phases((decided(0, "stopped", '"><script>'),), Window(T0, T0 + 9)) == ()


def test_a_curve_is_cut_where_nobody_looked_or_nothing_was_told() -> None:
    story = tell(
        (), (heard(0, -90), heard(300, -91), heard(600, None), heard(900, -92), heard(9000, -93)), T0 + 9000, 86400
    )
    assert [(one.value, one.run) for one in story.rsrp] == [(-90, 0), (-91, 0), (-92, 1), (-93, 2)]
    # A sample speaks for a quarter of an hour and no longer.
    assert [(one.kind, one.start - T0, one.end - T0) for one in story.registrations] == [("registered", 0, 1800)]


def test_bytes_are_added_up_over_links() -> None:
    samples = (heard(0, -90, 1, 100), heard(300, -90, 1, 400), heard(600, -90, 2, 50), heard(900, -90, 2, 20))
    assert [one.value for one in tell((), samples, T0 + 900, 86400).received] == [0, 300, 350, 370]


@given(
    st.lists(st.tuples(st.integers(0, 4000), st.sampled_from(["online", "waiting", "stopped"])), max_size=8),
    st.sampled_from([charts.NARROW, charts.WIDE]),
)
def test_nothing_is_drawn_outside_of_its_picture(changes: list[tuple[int, str]], width: int) -> None:
    entries = [decided(second, "connecting", phase) for second, phase in sorted(changes)]
    chart = charts.timeline(tell(entries, (), T0 + 4000, 3600), width, UTC)
    for rect in chart.rects:
        assert chart.left - 0.1 <= rect.x
        assert rect.x + rect.width <= chart.right + 1.6  # a moment is drawn wider than it was
        assert rect.y + rect.height <= chart.height
    assert all(chart.left - 0.1 <= tick.at <= chart.right + 0.1 for tick in chart.x_ticks)


@given(st.floats(-200, 1e12), st.floats(0.001, 1e12))
def test_an_axis_spans_its_values_with_few_round_steps(low: float, span: float) -> None:
    steps = charts.value_steps(low, low + span)
    assert steps[0] <= low
    assert steps[-1] >= low + span - 1e-3
    assert 2 <= len(steps) <= 8


@pytest.mark.parametrize("hours", [0.02, 0.5, 3, 24, 24 * 7, 24 * 60])
def test_ticks_stand_at_round_times_of_the_place_and_not_too_close(hours: float) -> None:
    zone = timezone(timedelta(hours=5, minutes=30))
    times = charts.Times(Window(T0, T0 + hours * 3600), 46.0, 350.0, zone)
    ticks = times.ticks()
    assert 1 <= len(ticks) <= 6
    assert all(later.at - tick.at >= 50 for tick, later in pairwise(ticks))
    if 3 <= hours <= 24:
        assert all(tick.label.endswith(":00") or tick.label.endswith(":30") for tick in ticks)
    assert times.name == "time of day, UTC+05:30"


def test_the_step_that_failed_is_marked_and_all_bars_share_one_scale() -> None:
    dial = Dial(1, T0, QMI, STEPS, Reason.NO_DHCP_LEASE)
    bar = charts.dial_bar(dial, 8.0, charts.WIDE)
    call, lease, mark = bar.rects
    assert lease.width == pytest.approx(3 * call.width, abs=0.5)
    assert mark.kind == "failed"
    assert mark.x == pytest.approx(lease.x + lease.width, abs=0.2)
    assert lease.x + lease.width == pytest.approx((bar.right - bar.left) / 2 + bar.left, abs=0.5)


# --- the page --------------------------------------------------------------------------------------------------------


class Outline(HTMLParser):
    """What the page is made of, and what it would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.units: list[str] = []
        self._class = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = dict(attrs)
        self._class = named.get("class") or ""
        self.fetched += [f"{tag} {name}" for name in named if name in {"src", "href", "action", "data", "srcset"}]

    def handle_data(self, data: str) -> None:
        if self._class == "unit" and data.strip():
            self.units.append(data)


def material(**changes: Any) -> Material:  # noqa: ANN401 -- any of its fields
    samples = [heard(300 * number, -90 - number, 2, 1000 * number) for number in range(4)]
    story = tell(LIFE, samples, T0 + 1200, 86400)
    return replace(Material(story, T0 + 1200, UTC, examine(HEALTHY), (Text("pppgen", "1"),)), **changes)


def outline(text: str) -> Outline:
    read = Outline()
    read.feed(text)
    return read


def test_the_page_fetches_nothing_and_runs_nothing() -> None:
    text = page(material(), Redactor())
    read = outline(text)
    assert read.fetched == []
    assert not {"script", "link", "img", "iframe", "object", "form"} & {*read.tags}
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text


def test_every_chart_has_axes_with_units_in_both_widths() -> None:
    units = outline(page(material(), Redactor())).units
    for unit in ("time of day, UTC", "dBm", "kB", "seconds"):
        assert units.count(unit) in {2, 6}, units  # the time stands under three charts


def test_hostile_text_is_text() -> None:
    evil = "</pre><script>alert(1)</script>\x1b[2J"
    text = page(material(log=(evil,), files=(Text(evil, evil),), versions=(Text("x", evil),)), Redactor())
    assert "<script>" not in text
    assert "\x1b" not in text
    assert text.count("&lt;script&gt;") == 4


def test_an_empty_journal_makes_a_page_too() -> None:
    text = page(material(story=tell((), (), T0, 86400), doctor=()), Redactor())
    assert "Nothing was recorded in this time" in text
    assert "Doctor did not run" in text


def test_the_page_says_what_it_hides_or_discloses() -> None:
    known = [Known(Secret.IMEI, "866425030000000")]
    files = (Text("f", "imei 866425030000000"),)
    assert "Hidden: 1 IMEI." in page(material(files=files), Redactor(known))
    open_page = page(material(files=files), Redactor(known, hides=False))
    assert "do not post this" in open_page
    assert "It discloses 1 IMEI." in open_page
    assert "866425030000000" in open_page


# --- secrets through every path --------------------------------------------------------------------------------------

USER, PASSWORD = "marvin.user", 'dont"panic\\42'
IMEI, IMSI, ICCID = "866425030012345", "310410123456789", "89883070000001234567"
PHONE, PUBLIC, PUBLIC6, MAC = "+15557654321", "80.12.34.56", "2a01:4f8:c0c:1234::1", "b8:27:eb:01:02:03"
SECRETS = (USER, "panic", IMEI, IMSI, ICCID, PHONE.lstrip("+"), PUBLIC, PUBLIC6, MAC, "othersecret")
EVERYTHING = f"{USER} {PASSWORD} {IMEI} {IMSI} {ICCID} {PHONE} {PUBLIC} {PUBLIC6} {MAC}"


def put(root: Path, path: str, content: str, mode: int = 0o600) -> Path:
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)
    file.chmod(mode)
    return file


def laced(root: Path) -> None:
    """Write every secret into every file that a report reads, and into every field of every line."""
    link = Link("provider", "super", "bg96", "/dev/pppgen/1-1.4-if03", 1, auth=Auth.CHAP, user=USER, password=PASSWORD)
    put(root, LINK, dump_link(replace(link, usb_path="1-1.4", imei=IMEI)))
    put(root, CONFIG, f"# {EVERYTHING}\nprimary = false\n")
    put(root, secret_path("provider"), f'user "{USER}"\npassword "{json.dumps(PASSWORD)[1:-1]}"\n')
    put(root, "/etc/ppp/chap-secrets", f'"{USER}" * othersecret *\n')
    put(root, peers_path("provider"), f'user "{USER}"\n{EVERYTHING}\n')
    put(root, chat_path("connect", "provider"), f'OK \'\\qAT+CGAUTH=1,1,"{USER}","othersecret"\'\n{EVERYTHING}\n')
    put(root, chat_path("disconnect", "provider"), EVERYTHING)
    put(root, "/etc/ppp/options", f"persist {EVERYTHING}\n")
    put(root, "/etc/resolv.conf", f"nameserver {PUBLIC}\nnameserver {PUBLIC6}\n")
    entry = Entry(
        Kind.DECISION,
        at(0),
        1,
        QMI,
        Step.LEASE,
        Reason.NO_DHCP_LEASE,
        verdict=EVERYTHING,
        before=EVERYTHING,
        phase="online",
        interface=EVERYTHING,
        address=PUBLIC,
        text=EVERYTHING,
        evidence=(EVERYTHING, f"local  IP address {PUBLIC}"),
        steps=STEPS,
    )
    kinds = (replace(entry, kind=kind, phase=phase) for kind in Kind for phase in ("online", EVERYTHING))
    put(root, "/var/lib/pppgen/journal.jsonl", "".join(dump(one) for one in kinds))
    sample = Sample(at(0), 1, PPP, Signal(rsrp_dbm=-90, rat=IMEI), (), 1, 1)
    put(root, "/var/lib/pppgen/samples.jsonl", dump_sample(sample))


def report(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    where = ("--sysroot", str(root), "--root", str(root))
    return subprocess.run(
        [sys.executable, "-m", "pppgen", "report", *where, *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("board")
    laced(root)
    with simulator(root):
        yield root


def test_no_secret_of_any_path_is_in_the_file(board: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    done = report(board, "-o", str(file), "--json")
    answer = json.loads(done.stdout)
    jsonschema.validate(answer, SCHEMA)
    text = file.read_text()
    assert {secret for secret in SECRETS if secret in text} == set()
    # What the simulated modem itself says of its IMEI and its card is no more there.
    assert re.search(r"(?<![\d.])\d{14,22}(?![\d.])", text) is None
    assert answer["size"] == len(text.encode())
    assert {"IMEI", "password", "user name", "public address", "MAC address"} <= {*answer["found"]}
    # It is the report all the same, not an empty page.
    assert text.count("<svg") >= 4
    assert "no-dhcp-lease" in text or "nobody answered DHCP" in text


def test_without_redaction_the_file_is_its_owners_and_what_it_discloses_is_said(board: Path, tmp_path: Path) -> None:
    file = tmp_path / "open.html"
    done = report(board, "-o", str(file), "--no-redact")
    assert done.returncode == 0, done.stderr
    assert "not redacted, it discloses" in done.stderr
    assert "IMEI" in done.stderr
    assert IMEI in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_span_that_is_none_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    done = report(tmp_path, "--since", "soon", "--json")
    assert done.returncode == ExitCode.CONFIGURATION
    answer = json.loads(done.stdout)
    jsonschema.validate(answer, SCHEMA)
    assert answer["error"]["exit"] == ExitCode.CONFIGURATION


def test_a_report_replaces_a_link_and_never_writes_through_it(tmp_path: Path) -> None:
    target = put(tmp_path, "/precious", "mine")
    link = tmp_path / "report.html"
    link.symlink_to(target)
    save(link, "text", private=False)
    assert target.read_text() == "mine"
    assert not link.is_symlink()
    with pytest.raises(NoPermission):
        save(tmp_path / "none" / "report.html", "text", private=False)


def test_a_report_never_takes_the_place_of_a_device_or_a_folder(tmp_path: Path) -> None:
    pipe = tmp_path / "null"
    os.mkfifo(pipe)
    for place in (pipe, tmp_path, Path(), Path("/")):
        with pytest.raises(NoPermission, match="not a plain file"):
            save(place, "text", private=False)
    assert pipe.is_fifo()
    assert list(tmp_path.iterdir()) == [pipe]


def test_story_without_anything_has_no_share() -> None:
    assert Story(Window(T0, T0)).online_share is None
    assert Story(Window(T0, T0 + 9), (Period(T0, T0 + 9, OFF),)).online_share is None
