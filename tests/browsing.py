"""A real browser for tests, and what is looked for on every page: nothing cut off, everything named and readable."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

WIDTHS = (390, 1440)
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHECK = """
() => {
  const problems = [], shown = (e) => e.checkVisibility() && !e.closest(".hidden, .skip, title, desc");
  const says = (e) => `${e.tagName}.${e.getAttribute("class") || ""} "${(e.textContent || "").trim().slice(0, 50)}"`;
  const own = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  const all = [...document.body.querySelectorAll("*")].filter(shown);
  const page = document.documentElement;
  if (page.scrollWidth > innerWidth) problems.push(`page is ${page.scrollWidth} wide, window ${innerWidth}`);

  // Nothing cut off
  for (const e of all.filter((e) => own(e) && !e.closest("svg, select"))) {
    const box = e.getBoundingClientRect(), scrolls = e.closest(".scroll");
    if (getComputedStyle(e).display !== "inline" && e.clientWidth && e.scrollWidth > e.clientWidth + 1)
      problems.push(`cut off: ${says(e)} ${e.scrollWidth} > ${e.clientWidth}`);
    if (!scrolls && (box.right > innerWidth + 1 || box.left < -1)) problems.push(`outside the window: ${says(e)}`);
  }
  for (const svg of all.filter((e) => e.matches("svg.chart"))) {
    const frame = svg.getBoundingClientRect(), texts = [...svg.querySelectorAll("text")];
    const boxes = texts.map((t) => t.getBoundingClientRect());
    texts.forEach((t, i) => {
      const b = boxes[i];
      if (b.left < frame.left - 1 || b.right > frame.right + 1 || b.top < frame.top - 1 || b.bottom > frame.bottom + 1)
        problems.push(`outside its chart: ${says(t)}`);
      boxes.slice(i + 1).forEach((c, j) => {
        const wide = Math.min(b.right, c.right) - Math.max(b.left, c.left);
        const high = Math.min(b.bottom, c.bottom) - Math.max(b.top, c.top);
        if (wide > 1.5 && high > 4) problems.push(`on top of each other: ${says(t)} and ${says(texts[i + 1 + j])}`);
      });
    });
    const size = parseFloat(getComputedStyle(texts[0]).fontSize) * frame.width / svg.viewBox.baseVal.width;
    if (size < 9.5) problems.push(`letters of ${size} pixels in ${svg.id || svg.getAttribute("aria-labelledby")}`);
  }

  // Everything named
  if (document.querySelectorAll("h1").length !== 1) problems.push("not one h1");
  if (!document.title || !page.lang) problems.push("no title or language");
  for (const tag of ["header", "main"]) if (!document.querySelector(tag)) problems.push(`no ${tag}`);
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  ids.filter((id, i) => ids.indexOf(id) !== i).forEach((id) => problems.push(`id twice: ${id}`));
  for (const e of document.querySelectorAll("[aria-labelledby], [aria-describedby]"))
    for (const name of ["aria-labelledby", "aria-describedby"])
      for (const id of (e.getAttribute(name) || "").split(" "))
        if (id && !document.getElementById(id)) problems.push(`nothing has the id ${id}`);
  for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea"))
    if (!e.labels.length && !e.getAttribute("aria-label")) problems.push(`no label: ${e.outerHTML.slice(0, 80)}`);
  for (const e of document.querySelectorAll("a[href], button"))
    if (!(e.textContent.trim() || e.getAttribute("aria-label"))) problems.push(`no words: ${e.outerHTML.slice(0, 80)}`);
  for (const e of document.querySelectorAll("img")) if (!e.hasAttribute("alt")) problems.push("an image without alt");
  for (const e of document.querySelectorAll("svg.chart"))
    for (const tag of ["title", "desc"])
      if (!e.querySelector(`:scope > ${tag}`)?.textContent.trim()) problems.push(`a chart without ${tag}`);
  for (const e of document.querySelectorAll("table")) {
    if (!e.caption && !e.closest("[aria-label]")) problems.push("a table without caption");
    for (const th of e.querySelectorAll("th")) if (!th.scope) problems.push(`no scope: ${says(th)}`);
  }
  const levels = [...document.querySelectorAll("h1, h2, h3")].map((e) => +e.tagName[1]);
  levels.forEach((level, i) => { if (i && level > levels[i - 1] + 1) problems.push("a heading level is skipped"); });

  // Everything readable
  const rgb = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return n.length === 3 ? [...n, 1] : n; };
  const light = (c) => c.slice(0, 3).map((v) => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const colour = rgb(getComputedStyle(e).backgroundColor);
      if (!(e instanceof SVGElement) && colour[3] > .99) return colour;
    }
    return [255, 255, 255, 1];
  };
  for (const e of all.filter((e) => own(e) && !e.closest("option"))) {
    const style = getComputedStyle(e), drawn = e instanceof SVGElement;
    let ground = behind(e);
    if (drawn) {
      const mark = e.closest("a")?.querySelector("rect.mark"), box = e.getBoundingClientRect();
      const under = mark?.getBoundingClientRect();
      const inside = under && box.left >= under.left - 1 && box.right <= under.right + 1;
      if (inside) ground = rgb(getComputedStyle(mark).fill);
    }
    const [a, b] = [light(rgb(drawn ? style.fill : style.color)), light(ground)].sort((x, y) => y - x);
    const contrast = (a + .05) / (b + .05);
    if (contrast < 4.5) problems.push(`contrast ${contrast.toFixed(2)}: ${says(e)}`);
  }
  return [...new Set(problems)];
}
"""


def chromium() -> str:
    """Return the browser's program; without one, the test is skipped."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        pytest.skip("no Chromium is installed here: apt-get install chromium")
    return found


@contextmanager
def browser() -> Iterator[object]:
    """Run a browser for as long as this lasts."""
    program = chromium()
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed here")
    with playwright.sync_playwright() as engine:
        running = engine.chromium.launch(executable_path=program, args=["--no-sandbox"])
        try:
            yield running
        finally:
            running.close()
