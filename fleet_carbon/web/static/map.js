// The way of a truck: legs by state, stops, gaps, replay. It takes the place of a picture that shows the same and stays
// where the map cannot be drawn.
const place = document.getElementById("map");
if (place) show().catch(() => without(place.dataset.failed));

function without(text) {
  document.body.classList.remove("has-map");
  document.body.classList.add("no-map");
  place.hidden = true;
  document.querySelector(".replay").remove();
  document.getElementById("map-state").hidden = false;
  document.getElementById("map-state").textContent = text;
}

async function show() {
  const told = place.dataset, note = document.getElementById("map-state");
  if (!document.createElement("canvas").getContext("webgl2")) { without(told.absent); return; }
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const nothing = { type: "FeatureCollection", features: [] };
  const answer = async (address) => {
    const got = await fetch(address, { headers: { Accept: "application/json" } });
    if (!got.ok) throw new Error(address);
    return got.json();
  };
  // The whole way is held at one zoom for the replay; what is in view is drawn as finely as seen.
  const whole = JSON.parse(document.getElementById("way").textContent);
  const data = answer(told.provinces);
  // The picture is seen before the library takes the browser's time.
  await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  const library = await import(told.library);
  library.setWorkerUrl(told.worker);
  library.prewarm(); // its threads begin while the ground is on its way
  const provinces = await data;
  let track = whole;

  const sources = { provinces: { type: "geojson", data: provinces }, track: { type: "geojson", data: track }, fixes: { type: "geojson", data: nothing }, truck: { type: "geojson", data: nothing } };
  const ground = [{ id: "ground", type: "background", paint: {} }];
  if (told.tiles) {
    sources.tiles = { type: "raster", tiles: [told.tiles], tileSize: 256, attribution: told.attribution };
    ground.push({ id: "tiles", type: "raster", source: "tiles" });
  }
  const line = (id, filter, paint) => ({ id, type: "line", source: "track", filter, layout: { "line-cap": "butt", "line-join": "round" }, paint });
  const leg = (state) => ["all", ["==", ["get", "kind"], "leg"], ["==", ["get", "state"], state]];
  const layers = [
    ...ground,
    { id: "land", type: "fill", source: "provinces", paint: { "fill-opacity": told.tiles ? 0 : 1 } },
    { id: "outlines", type: "line", source: "provinces", paint: { "line-width": 1 } },
    line("chosen", ["==", ["get", "started_at"], ""], { "line-width": 11, "line-opacity": 0.35 }),
    line("unknown", leg("unknown"), { "line-width": 3 }),
    line("loaded", leg("loaded"), { "line-width": 4 }),
    line("empty", leg("empty"), { "line-width": 4, "line-dasharray": [3, 1] }),
    line("gaps", ["==", ["get", "kind"], "gap"], { "line-width": 2, "line-dasharray": [1.5, 2.5] }),
    { id: "stops", type: "circle", source: "track", filter: ["==", ["get", "kind"], "stop"], paint: { "circle-radius": ["interpolate", ["linear"], ["zoom"], 7, 3, 12, 6], "circle-stroke-width": 2 } },
    { id: "fixes", type: "circle", source: "fixes", paint: { "circle-radius": 2.5, "circle-stroke-width": 1 } },
    { id: "truck", type: "circle", source: "truck", paint: { "circle-radius": 9, "circle-stroke-width": 3 } },
  ];
  const paints = [["ground", "background-color", "ground"], ["land", "fill-color", "card"], ["outlines", "line-color", "line"], ["loaded", "line-color", "loaded"], ["empty", "line-color", "empty"], ["unknown", "line-color", "unknown"], ["gaps", "line-color", "quiet"], ["chosen", "line-color", "ink"], ["stops", "circle-color", "card"], ["stops", "circle-stroke-color", "ink"], ["fixes", "circle-color", "ink"], ["fixes", "circle-stroke-color", "card"], ["truck", "circle-color", "pico-primary"], ["truck", "circle-stroke-color", "card"]];
  // The first picture has its colours: to paint it anew would draw the whole map twice.
  for (const [id, name, token] of paints) layers.find((layer) => layer.id === id).paint[name] = colour(token);
  const map = new library.Map({
    container: place, locale: JSON.parse(told.words), bounds: whole.bbox, fitBoundsOptions: { padding: 30 }, attributionControl: Boolean(told.tiles) && { compact: true },
    fadeDuration: still ? 0 : 300, maxZoom: 18, validateStyle: false, // it is ours
    style: { version: 8, sources, layers },
  });
  const paint = () => {
    for (const [layer, name, token] of paints) map.setPaintProperty(layer, name, colour(token));
  };
  map.addControl(new library.NavigationControl({ showCompass: false }));
  map.addControl(new library.ScaleControl());
  await new Promise((done) => map.once("load", done));
  new MutationObserver(paint).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  document.body.classList.add("has-map");
  note.hidden = true;

  // What is in view is asked for when the view leaves what was sent, or another zoom shows more.
  // Days as everywhere on the pages: 10 Mar 2025, 2025年3月10日.
  const clock = new Intl.DateTimeFormat(told.language === "en" ? "en-GB" : told.language, { timeZone: told.zone, dateStyle: "medium", timeStyle: "short" });
  let asked = 0, sent = null, chosen = "";
  const view = () => {
    const zoom = Math.min(18, Math.ceil(map.getZoom())), seen = map.getBounds();
    return { zoom, box: [seen.getWest(), seen.getSouth(), seen.getEast(), seen.getNorth()] };
  };
  const within = (box, outer) => box[0] >= outer[0] && box[1] >= outer[1] && box[2] <= outer[2] && box[3] <= outer[3];
  const text = ({ zoom, box }) => `&zoom=${zoom}&bbox=${box.map((one) => one.toFixed(5)).join(",")}`;
  async function look(isNew) {
    const now = view();
    if (!isNew && sent && sent.zoom === now.zoom && within(now.box, sent.box)) return;
    const number = ++asked;
    sent = now;
    try {
      const [seen, dots] = await Promise.all([
        map.getZoom() > whole.zoom ? answer(told.track + text(now)) : whole,
        chosen ? answer(`${told.fixes}&leg=${encodeURIComponent(chosen)}${text(now)}`) : nothing,
      ]);
      if (number !== asked) return;
      if (seen !== track) { track = seen; map.getSource("track").setData(track); }
      map.getSource("fixes").setData(dots);
    } catch { sent = null; /* the coarser line stays */ }
  }
  map.on("moveend", () => look(false));

  // A leg is chosen in the list or on the map.
  const items = new Map([...document.querySelectorAll("[data-leg]")].map((item) => [item.dataset.leg, item]));
  const choose = (key, moves) => {
    chosen = key;
    for (const [other, item] of items) item.querySelector("button").setAttribute("aria-pressed", String(other === key));
    map.setFilter("chosen", ["all", ["==", ["get", "kind"], "leg"], ["==", ["get", "started_at"], key]]);
    const item = items.get(key), own = whole.features.filter((one) => one.properties.started_at === key && one.geometry.type === "LineString");
    if (item) { item.closest("details").open = true; if (moves !== "map") item.scrollIntoView({ block: "nearest" }); }
    if (!own.length) return;
    if (moves === "map") {
      sent = null; // the move asks for its fixes
      const around = new library.LngLatBounds();
      own.forEach((one) => one.geometry.coordinates.forEach((at) => around.extend(at)));
      map.fitBounds(around, { padding: 50, maxZoom: 14, animate: !still });
    } else look(true);
    tell(own[0].properties.times_s[0]);
  };
  for (const [key, item] of items) {
    const button = item.querySelector("button");
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", () => choose(key, "map"));
  }
  for (const layer of ["loaded", "empty", "unknown"]) {
    map.on("click", layer, (event) => choose(event.features[0].properties.started_at, "list"));
    map.on("mouseenter", layer, () => { map.getCanvas().style.cursor = "pointer"; });
    map.on("mouseleave", layer, () => { map.getCanvas().style.cursor = ""; });
  }
  map.on("click", "fixes", (event) => {
    const { at, speed_kmh: speed } = event.features[0].properties;
    const said = speed === undefined || speed === null || speed === "null" ? "" : ` · ${told.speed}: ${Math.round(speed)}`;
    new library.Popup().setLngLat(event.features[0].geometry.coordinates).setText(clock.format(new Date(at)) + said).addTo(map);
  });
  map.on("click", "stops", (event) => {
    const { arrived_at: from, departed_at: until } = event.features[0].properties;
    const text = told.stopped.replace("{at}", clock.format(new Date(from))) + (until && until !== "null" ? ` – ${clock.format(new Date(until))}` : "");
    new library.Popup().setLngLat(event.features[0].geometry.coordinates).setText(text).addTo(map);
  });

  // The replay: where the truck was at the moment of the slider.
  const slider = document.getElementById("time"), output = document.getElementById("moment"), play = document.getElementById("play");
  const lines = whole.features.filter((one) => one.geometry.type === "LineString").sort((a, b) => a.properties.times_s[0] - b.properties.times_s[0]);
  const times = lines.flatMap((one) => one.properties.times_s), corners = lines.flatMap((one) => one.geometry.coordinates);
  function placeAt(moment, ofTimes, ofCorners) {
    let low = 0, high = ofTimes.length - 1;
    while (low < high) { const middle = (low + high + 1) >> 1; if (ofTimes[middle] <= moment) low = middle; else high = middle - 1; }
    const next = Math.min(low + 1, ofTimes.length - 1), span = ofTimes[next] - ofTimes[low];
    const share = span > 0 ? Math.max(0, Math.min(1, (moment - ofTimes[low]) / span)) : 0;
    return ofCorners[low].map((one, axis) => one + share * (ofCorners[next][axis] - one));
  }
  function tell(moment) {
    // On the finer line where one is drawn.
    const fine = track === whole ? null : track.features.find((one) => one.properties.times_s && one.properties.times_s[0] <= moment && moment <= one.properties.times_s.at(-1));
    const at = fine ? placeAt(moment, fine.properties.times_s, fine.geometry.coordinates) : placeAt(moment, times, corners);
    map.getSource("truck").setData({ type: "Feature", properties: {}, geometry: { type: "Point", coordinates: at } });
    output.textContent = clock.format(new Date(moment * 1000));
    slider.value = moment;
    slider.setAttribute("aria-valuetext", output.textContent);
  }
  if (!times.length) return;
  slider.min = times[0]; slider.max = times[times.length - 1]; slider.step = 60; slider.value = times[0];
  document.querySelector(".replay").hidden = false;
  slider.addEventListener("input", () => tell(Number(slider.value)));
  if (told.chosen) choose(told.chosen, "map"); else tell(times[0]);
  let running = null;
  const stop = () => { clearInterval(running); running = null; play.textContent = play.dataset.replay; };
  // With less motion the truck goes in steps of hours, else in minutes.
  const [step, pause] = still ? [6 * 3600, 1500] : [300, 50];
  play.addEventListener("click", () => {
    if (running) { stop(); return; }
    play.textContent = play.dataset.pause;
    running = setInterval(() => {
      const moment = Number(slider.value) + step;
      if (moment >= Number(slider.max)) { tell(Number(slider.max)); stop(); } else tell(moment);
    }, pause);
  });
}
