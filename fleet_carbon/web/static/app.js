// What pages need beyond HTML: the theme, charts from option dicts, progress of jobs.
const root = document.documentElement;
const kept = (name) => { try { return localStorage.getItem(name); } catch { return null; } };
const theme = kept("theme");
if (theme) root.dataset.theme = theme;

const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();

document.querySelectorAll("[data-theme-switch]").forEach((button) => button.addEventListener("click", () => {
  root.dataset.theme = isDark() ? "light" : "dark";
  try { localStorage.setItem("theme", root.dataset.theme); } catch { /* kept for this page only */ }
  drawCharts();
}));

// A chart's option stands beside it as JSON; ink and fonts of the page take the place of the paper's.
const drawn = new Map();
function drawCharts() {
  if (!window.echarts) return;
  const ink = css("--ink"), quiet = css("--quiet");
  const fonts = JSON.stringify(getComputedStyle(document.body).fontFamily).slice(1, -1);
  document.querySelectorAll("[data-chart]").forEach((place) => {
    const source = document.getElementById(place.dataset.chart).textContent
      .replaceAll("#2b3a42", ink).replaceAll("#8a979e", quiet)
      .replaceAll("Noto Sans SC, Noto Sans", fonts);
    drawn.get(place)?.dispose();
    const chart = echarts.init(place, null, { renderer: "svg" });
    const option = JSON.parse(source);
    option.animation = false;
    chart.setOption(option);
    drawn.set(place, chart);
  });
}
addEventListener("resize", () => drawn.forEach((chart) => chart.resize()));
// Figures are read first: the library is begun when they have been painted.
const library = document.querySelector("[data-drawing]");
if (library) requestAnimationFrame(() => setTimeout(() => {
  const script = document.createElement("script");
  script.src = library.href;
  script.addEventListener("load", () => (document.fonts?.ready ?? Promise.resolve()).then(drawCharts));
  document.head.append(script);
}));

// A job tells how far it is until it is done; then the page is read anew.
document.querySelectorAll("[data-job]").forEach((place) => {
  const bar = place.querySelector("progress"), text = place.querySelector("[data-job-text]");
  const ask = async () => {
    const answer = await fetch(place.dataset.job, { headers: { Accept: "application/json" } });
    if (!answer.ok) { setTimeout(ask, 3000); return; }
    const job = await answer.json();
    const { done_count: done, total_count: total } = job.progress || {};
    if (bar) { if (total) { bar.max = total; bar.value = done; } else { bar.removeAttribute("value"); } }
    if (text) text.textContent = total ? text.dataset.jobText.replace("{done}", done).replace("{total}", total) : "";
    if (job.state !== "waiting" && job.state !== "running") location.reload(); // an address with a place in the page would not be read anew
    else setTimeout(ask, 700);
  };
  ask();
});

// Definitions close again with Escape, and when another is opened.
addEventListener("keydown", (event) => { if (event.key === "Escape") document.querySelectorAll("details.about[open]").forEach((one) => { one.open = false; }); });
// Beside its mark, below where there is room, and never beyond the edge of the screen.
function placeDefinition(one) {
  const mark = one.querySelector("summary").getBoundingClientRect(), sheet = one.querySelector("div");
  const { width, height } = sheet.getBoundingClientRect();
  const below = mark.bottom + 4, room = innerHeight - height - 8;
  sheet.style.left = `${Math.max(8, Math.min(mark.left, document.documentElement.clientWidth - width - 8))}px`;
  sheet.style.top = `${Math.max(8, below <= room ? below : mark.top - height - 4)}px`;
  sheet.style.bottom = "auto";
}
const placeDefinitions = () => document.querySelectorAll("details.about[open]").forEach(placeDefinition);
addEventListener("scroll", placeDefinitions, { capture: true, passive: true });
addEventListener("resize", placeDefinitions);
// A mouse opens one by resting on it; pressed, it stays.
document.querySelectorAll("details.about").forEach((one) => {
  let isLent = false;
  one.addEventListener("toggle", () => {
    if (!one.open) return;
    document.querySelectorAll("details.about[open]").forEach((other) => { if (other !== one) other.open = false; });
    placeDefinition(one);
  });
  one.addEventListener("pointerenter", (event) => { if (event.pointerType === "mouse" && !one.open) one.open = isLent = true; });
  one.addEventListener("pointerleave", () => { if (isLent) one.open = isLent = false; });
  one.querySelector("summary").addEventListener("click", (event) => { if (isLent) { event.preventDefault(); isLent = false; } });
});
