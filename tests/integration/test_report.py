"""A report as its readers meet it: in a real Chromium, by eye, by keyboard, read out, in the dark and on paper."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from typer.testing import CliRunner

from memory import MemorySystem
from memory.cli.app import app
from memory.errors import InvalidArgument, UnknownModel
from memory.events.modifications import Change
from memory.events.safety import SafetyAlert
from memory.projections.catalogue import PROJECTIONS
from memory.projections.runner import ProjectionRunner
from memory.report.made import SECTIONS, ReportMade
from memory.report.scope import Limits, Scope
from memory.report.timeline import LANES
from memory.store import EventStore

HOSTILE = "</script><img src=x onerror=alert(1)>{{ 7 * 7 }}\"'`<!--"
TIED = "embed = head"


def written(path: Path, told: Any) -> Path:
    """Write a history down as a database."""
    with EventStore.open(path) as store:
        for start in range(0, len(told.events), 200):
            store.append(told.events[start : start + 200])
        ProjectionRunner(store, PROJECTIONS).catch_up()
    return path


def measured(told: Any, norm: float) -> None:
    """Say how much the last write changed."""
    counts = {"elements_changed": 4, "elements": 4, "rows_changed": 2, "rows": 2, "nonfinite_after": 0}
    digests = {"fingerprint_before": "aa", "fingerprint_after": "bb"}
    change = Change(**digests, delta_norm=norm, weight_norm=1.0, max_change=norm, **counts)
    last = told.events[-1]
    told.events[-1] = replace(last, payload=last.payload.model_copy(update={"change": change}))


@pytest.fixture(scope="module")
def record(histories: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record of about a thousand events, with everything in it that is drawn."""
    wander = histories.Wander(5, 225, amended=0.0, changing=False)
    told = wander.tell()
    told.write("measured", "head", 1.0)
    measured(told, 0.05)
    told.add(SafetyAlert(model="m", level="warning", category="nan", message="a NaN was seen"), "m")
    told.add(SafetyAlert(model="m", level="emergency", category="nan", message="stop"), "m")
    return written(tmp_path_factory.mktemp("record") / "record.db", told)


@pytest.fixture(scope="module")
def made(record: Path) -> tuple[Path, ReportMade]:
    """Its report, and what is said of it."""
    path = record.with_name("report.html")
    with MemorySystem(record) as memory:
        return path, memory.report(path)


@pytest.fixture(scope="module")
def browser(chromium: Any) -> Iterator[Any]:
    with chromium.browser() as running:
        yield running


def drawn(page: Any) -> None:
    """Wait until every chart is there."""
    page.wait_for_function("document.documentElement.dataset.charts === 'drawn'")


@pytest.fixture(scope="module")
def seen(browser: Any, made: tuple[Path, ReportMade], chromium_module: ModuleType) -> Iterator[tuple[Any, Any]]:
    """The report in a light window, and what was heard from it."""
    with chromium_module.opened(browser, made[0], color_scheme="light") as (page, heard):
        drawn(page)
        yield page, heard


@pytest.fixture
def page(seen: tuple[Any, Any]) -> Any:
    """The report, as it was opened."""
    found = seen[0]
    found.set_viewport_size({"width": 1280, "height": 720})
    found.emulate_media(media="screen", color_scheme="light")
    found.evaluate("delete document.documentElement.dataset.theme")
    return found


TICK = (
    "[...document.querySelectorAll('#chart-evidence .role-axis-label text')].some(each => each.textContent === '510')"
)
MARKS = ":is(.mark-symbol, .mark-line, .mark-rect, .mark-rule, .mark-area):not([class*=role-axis]) > :is(path, line)"


def marks(page: Any, chart: str) -> int:
    """Count what a chart drew of its data."""
    return int(page.locator(f"#chart-{chart} svg {MARKS}").count())


# What is shown


def test_every_chart_is_drawn_in_silence_without_a_network(
    seen: tuple[Any, Any], made: tuple[Path, ReportMade]
) -> None:
    page, heard = seen
    charts = page.locator(".drawing > div").evaluate_all("all => all.map(each => each.id.slice(6))")
    kinds = {re.sub(r"-\d+$", "", chart) for chart in charts}

    assert (heard.said, heard.asked, heard.dialogs) == ([], [], [])
    assert len(charts) == made[1].charts
    assert kinds == {
        *("acts", "metric", "changes", "effects", "evidence", "beliefs", "architecture", "calibration", "alerts")
    }
    assert [chart for chart in (*charts, "strip") if not marks(page, chart)] == []


def test_it_says_what_it_is_of(page: Any, made: tuple[Path, ReportMade], record: Path) -> None:
    report = made[1]
    with MemorySystem(record) as memory:
        head = memory.store.head()

    assert (report.head, report.events, report.verified) == (head.digest, head.position, True)
    assert report.size == made[0].stat().st_size < 3_000_000
    assert page.locator(".seal.good").inner_text().count(head.digest) == 1
    assert f"{head.position:,}" in page.locator(".figures").inner_text()


def test_tied_names_are_one_row_of_the_heat_map(page: Any) -> None:
    rows = page.locator("#chart-changes svg .role-axis-label text").all_text_contents()

    assert [row for row in rows if "embed" in row or "head" in row] == [f"m: {TIED}", f"n: {TIED}"]


def test_the_sharing_map_is_drawn(page: Any) -> None:
    drawing = page.locator("svg.sharing").first

    assert drawing.locator("path.alias").count() >= 4
    assert drawing.locator("path.derived").count() == 1
    assert drawing.locator("path.overlap").count() == 1
    names = drawing.locator("text.name").evaluate_all("all => all.map(each => each.firstChild.nodeValue)")
    assert {"embed", "head", "w"} <= set(names)


# What it does


def test_looking_closer_narrows_every_chart_along_the_log(page: Any) -> None:
    def ends() -> list[int]:
        labels = [page.locator(f"#chart-{chart} svg .role-axis-label text") for chart in ("acts", "changes")]
        numbers = [[text.replace(",", "") for text in label.all_text_contents()] for label in labels]
        return [end([int(text) for text in texts if text.isdigit()]) for texts in numbers for end in (min, max)]

    before = ends()
    page.locator("#since").fill("500")
    page.locator("#upto").fill("520")
    page.keyboard.press("Enter")
    page.wait_for_function(TICK)
    narrowed = ends()
    page.locator("#whole").click()
    page.wait_for_function(f"!{TICK}")

    assert all(500 <= each <= 520 for each in narrowed)
    assert ends() == before


def test_dragging_across_the_strip_does_the_same(page: Any) -> None:
    box = page.locator("#chart-strip svg").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.5, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, middle, steps=4)
    page.mouse.up()
    page.wait_for_function("Number(document.getElementById('since').value) > 200")
    chosen = [int(page.locator(field).input_value()) for field in ("#since", "#upto")]
    page.locator("#whole").click()

    assert 200 < chosen[0] < chosen[1] < 1000
    assert page.locator("#since").input_value() == "1"


def test_one_tensor_is_highlighted_in_every_chart(page: Any) -> None:
    page.locator("#focus").select_option(f"m: {TIED}")
    page.wait_for_selector("#chart-changes .mark-rect path[opacity='0.12']", state="attached")
    strong = page.locator("#chart-changes .mark-rect path[opacity='1']").count()
    page.locator("#focus").select_option("")
    page.wait_for_function("!document.querySelector('#chart-changes .mark-rect path[opacity=\"0.12\"]')")

    assert 0 < strong < page.locator("#chart-changes .mark-rect path").count()


def colours(page: Any) -> dict[str, str]:
    """Give the colours of the page, and of what is in a chart."""
    return dict(
        page.evaluate(
            """() => ({
                ground: getComputedStyle(document.body).backgroundColor,
                label: getComputedStyle(document.querySelector('#chart-changes .role-axis-label text')).fill,
                line: getComputedStyle(document.querySelector('#chart-metric-0 .mark-line path')).stroke,
            })"""
        )
    )


def test_the_theme_changes_by_keyboard_and_charts_follow_as_they_are(page: Any) -> None:
    page.evaluate("window.before = document.querySelector('#chart-changes svg')")
    light = colours(page)
    page.locator("#theme").focus()
    page.keyboard.press("Enter")
    dark = colours(page)
    kept = page.evaluate("window.before === document.querySelector('#chart-changes svg')")
    named = page.locator("#theme").inner_text()
    page.keyboard.press("Space")

    assert all(light[each] != dark[each] for each in light)
    assert (kept, named) == (True, "Light theme")
    assert colours(page) == light


def test_it_is_dark_where_the_reader_prefers_it(page: Any) -> None:
    light = colours(page)
    page.emulate_media(color_scheme="dark")

    assert all(now != light[each] for each, now in colours(page).items())
    assert page.locator("#theme").inner_text() == "Light theme"


def test_on_paper_it_is_light_and_has_no_controls(page: Any) -> None:
    light = colours(page)["line"]
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    page.emulate_media(media="print")

    assert colours(page)["ground"] == "rgb(255, 255, 255)"
    assert colours(page)["line"] == light
    assert not page.locator(".tools").is_visible()
    assert page.locator("#chart-evidence svg").is_visible()


def test_on_a_telephone_nothing_is_wider_than_the_window(page: Any) -> None:
    page.set_viewport_size({"width": 360, "height": 800})
    page.wait_for_function("document.querySelector('#chart-changes svg').getBoundingClientRect().width < 340")

    assert page.evaluate("document.documentElement.scrollWidth") == 360


# Who does not see it


def test_headings_are_in_order(page: Any) -> None:
    levels = page.locator("h1, h2, h3, h4").evaluate_all("all => all.map(each => Number(each.tagName[1]))")

    assert levels.count(1) == 1
    assert levels[0] == 1
    assert levels.count(2) == len(SECTIONS)
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_it_has_landmarks_and_everything_in_it_has_a_name(page: Any) -> None:
    assert [page.locator(each).count() for each in ("main", "header", "footer", "nav")] == [1, 1, 1, 1]
    assert page.locator("html").get_attribute("lang") == "en"
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll('[role=img], [role=region], nav, section, table, select, input, button')]
            .filter(each => !(each.getAttribute('aria-label')
                || document.getElementById(each.getAttribute('aria-labelledby') ?? '')?.textContent
                || each.caption?.textContent || each.labels?.length || each.textContent.trim()))
            .map(each => each.outerHTML.slice(0, 80))"""
    )
    assert unnamed == []
    labels = page.locator(".drawing").evaluate_all("all => all.map(each => each.getAttribute('aria-label'))")
    assert [label for label in labels if len(label) < 20] == []
    assert page.locator("table:not(:has(caption))").count() == page.locator("table th:not([scope=col])").count() == 0


def test_the_skip_link_is_the_first_stop_of_the_keyboard(page: Any) -> None:
    page.evaluate("document.body.tabIndex = -1; document.body.focus(); document.body.removeAttribute('tabindex')")
    page.keyboard.press("Tab")

    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.locator(".skip").bounding_box()["x"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_every_chart_has_a_table_that_the_keyboard_opens_and_scrolls(page: Any) -> None:
    without = page.evaluate(
        "[...document.querySelectorAll('section')].filter(each => each.querySelector('.drawing') "
        "&& !each.querySelector('details table tbody tr')).map(each => each.id)"
    )
    details = page.locator("#changes details").first
    details.locator("summary").focus()
    page.keyboard.press("Enter")
    opened = details.locator("td", has_text=TIED).first.is_visible()
    page.keyboard.press("Tab")
    stop = page.evaluate("document.activeElement.getAttribute('aria-label')")
    details.locator("summary").click()

    assert (without, opened) == ([], True)
    assert stop == "Relative change of storages along the log"


CONTRASTS = """() => {
    const probe = document.body.appendChild(document.createElement('i'));
    const of = (name) => {
        probe.style.color = `var(--${name})`;
        return getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map(Number);
    };
    const light = (name) => {
        const [r, g, b] = of(name).map((each) => each / 255)
            .map((each) => each <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const between = (a, b) => {
        const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
        return (x + 0.05) / (y + 0.05);
    };
    const told = {};
    for (const ground of ['card', 'ground']) {
        for (const ink of ['ink', 'quiet', 'accent', 'good', 'bad']) told[`${ink} on ${ground}`] = between(ink, ground);
    }
    for (let at = 1; at <= 8; at++) told[`series ${at}`] = between(`series-${at}`, 'card');
    probe.remove();
    return told;
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_stand_out_from_their_ground(page: Any, theme: str) -> None:
    page.emulate_media(color_scheme=theme)
    faint = {what: ratio for what, ratio in page.evaluate(CONTRASTS).items() if ratio < 4.5}

    assert faint == {}


# What could go wrong


def test_what_names_say_is_shown_and_never_run(
    browser: Any, histories: ModuleType, tmp_path: Path, chromium_module: ModuleType
) -> None:
    told = histories.History()
    names = [f"a.{HOSTILE}.weight", f"b.{HOSTILE}.weight"]
    told.attach(histories.sharing(names, names), HOSTILE)
    for number in range(4):
        told.metrics(f"act {number}", {HOSTILE: float(number), "odd": math.nan}, HOSTILE, HOSTILE)
        told.write(f"act {number}", names[0], 1.0, model=HOSTILE, description=HOSTILE)
        measured(told, 0.1 * number)
    told.add(SafetyAlert(model=HOSTILE, level="critical", category=HOSTILE, message=HOSTILE), HOSTILE)
    record, report = written(tmp_path / "hostile.db", told), tmp_path / "hostile.html"
    with MemorySystem(record) as memory:
        memory.report(report, title=HOSTILE)
    with chromium_module.opened(browser, report) as (page, heard):
        drawn(page)
        page.locator("#chart-changes .mark-rect path").first.hover()
        page.wait_for_selector("#vg-tooltip-element.visible")
        tip = page.locator("#vg-tooltip-element").inner_text()
        page.locator("summary").evaluate_all("all => all.forEach(each => each.click())")

        assert (heard.said, heard.asked, heard.dialogs) == ([], [], [])
        assert page.locator("h1").inner_text() == page.title() == HOSTILE
        assert page.locator("img").count() == 0
        assert HOSTILE in tip
        assert page.locator("td", has_text=HOSTILE).count() > 4
        assert page.locator(".note, .said, h3", has_text=HOSTILE).count() > 1
        # Even what slipped into the page would not run.
        page.evaluate(
            "document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,\" onerror=\"window.ran = 1\">')"
        )
        page.wait_for_timeout(50)
        assert page.evaluate("window.ran") is None


def nothing(told: Any, histories: ModuleType) -> None:
    pass


def a_note(told: Any, histories: ModuleType) -> None:
    told.note("hello")


def a_model(told: Any, histories: ModuleType) -> None:
    told.attach(histories.sharing(["a", "b"]))


def no_number(told: Any, histories: ModuleType) -> None:
    told.attach(histories.sharing(["a"]))
    for value in (math.nan, math.inf, -math.inf):
        told.metrics(None, {"loss": value})
    told.metrics(None, {"loss": 1.7e308})
    told.metrics(None, {"loss": 1.7e308})


@pytest.mark.parametrize("tell", [nothing, a_note, a_model, no_number])
def test_there_may_be_next_to_nothing_to_tell(
    browser: Any, histories: ModuleType, tmp_path: Path, chromium_module: ModuleType, tell: Any
) -> None:
    told = histories.History()
    tell(told, histories)
    record, report = written(tmp_path / "small.db", told), tmp_path / "small.html"
    with MemorySystem(record) as memory:
        said = memory.report(report)
    with chromium_module.opened(browser, report) as (page, heard):
        drawn(page)

        assert (heard.said, heard.asked) == ([], [])
        assert page.locator("h2").count() == len(SECTIONS)
        assert (said.events, said.verified) == (len(told.events), True)


def test_a_file_that_cannot_be_written_is_an_error_and_leaves_nothing(record: Path, tmp_path: Path) -> None:
    with MemorySystem(record) as memory:
        with pytest.raises(InvalidArgument, match="path"):
            memory.report(tmp_path / "nowhere" / "report.html")
        with pytest.raises(UnknownModel):
            memory.report(tmp_path / "report.html", model="nobody")

    assert list(tmp_path.iterdir()) == []


def test_one_model_is_told_of_alone(record: Path, tmp_path: Path) -> None:
    with MemorySystem(record) as memory:
        memory.report(tmp_path / "m.html", model="m", verify=False)
    text = (tmp_path / "m.html").read_text()

    assert "Not verified" in text
    assert "m: embed" not in text
    assert "What was done to m" in text


def test_the_command_writes_it_and_says_what(record: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    told = CliRunner().invoke(app, ["report", "-d", str(record), "-o", str(report), "--json"])

    assert told.exit_code == 0, told.stderr
    assert f'"path": "{report}"' in told.stdout
    assert report.read_text().startswith("<!doctype html>")


# However long the log is


def test_what_is_drawn_is_bounded_whatever_there_is(record: Path) -> None:
    limits = Limits(
        bins=12,
        heat_bins=6,
        storages=3,
        metrics=2,
        effects=2,
        claims=2,
        beliefs=3,
        revisions=4,
        facts=4,
        table=20,
        points=5,
    )
    with EventStore.open(record) as store:
        runner = ProjectionRunner(store, PROJECTIONS)
        sections = [make(Scope(store, runner, 1, runner.catch_up(), limits=limits)) for make in SECTIONS]

    drawn = {chart.chart_id: len(chart.spec["data"]["values"]) for section in sections for chart in section.charts}
    assert drawn["acts"] <= 12 * len(LANES)
    assert drawn["changes"] == 3 * 6
    assert max(drawn["metric-0"], drawn["metric-1"]) <= 3 * 12
    assert "metric-2" not in drawn
    assert drawn["evidence"] <= 2 * 2 * 5
    assert max(len(table.rows) for section in sections for table in section.tables) <= 20
    assert any("are drawn" in note or "is drawn" in note for section in sections for note in section.notes)


def test_both_engines_tell_the_same(histories: ModuleType, database_pair: tuple[str, str]) -> None:
    told = histories.Wander(8, 40, amended=0.0).tell()
    sections = []
    for url in database_pair:
        with EventStore.open(url) as store:
            for start in range(0, len(told.events), 50):
                store.append(told.events[start : start + 50])
            runner = ProjectionRunner(store, PROJECTIONS)
            scope = Scope(store, runner, 1, runner.catch_up(), limits=Limits(points=10))
            sections.append([make(scope) for make in SECTIONS])

    assert sections[0] == sections[1]


@pytest.fixture
def database_pair(sqlite_url: str, postgres_url: str) -> tuple[str, str]:
    return sqlite_url, postgres_url


def test_a_log_that_goes_on_from_another_counts_its_own_events(tmp_path: Path) -> None:
    with MemorySystem(tmp_path / "old.db") as memory:
        for number in range(5):
            memory.record_metrics({"loss": float(number)})
        memory.rollover(tmp_path / "new.db")
    with MemorySystem(tmp_path / "new.db") as memory:
        memory.record_metrics({"loss": 9.0})
        (held,) = memory.query_sql("SELECT count(*) AS events FROM events")
        assert memory.store.head().position > held["events"]
        assert memory.report(tmp_path / "new.html").events == held["events"]
