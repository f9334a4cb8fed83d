// Files one after the other: bytes as they go out, rows as the server reads them, then what became of each.
const form = document.querySelector("[data-upload]");
if (form) begin(form);

function begin(form) {
  const { words, kinds, named } = JSON.parse(form.querySelector("[data-words]").textContent);
  const input = form.querySelector("input[type=file]"), list = form.querySelector("[data-queue]");
  const said = form.querySelector("[data-said]"), drop = form.querySelector("[data-drop]");
  const button = form.querySelector(".deeds > button"), looker = form.elements.preview, chosenKind = form.elements.kind;
  const bytesMax = Number(form.dataset.bytesMax);
  const count = new Intl.NumberFormat(document.documentElement.lang);
  const share = new Intl.NumberFormat(document.documentElement.lang, { style: "percent" });
  const say = (name, facts = {}) => words[`up_${name}`].replace(/\{(\w+)\}/g, (_, key) => facts[key]);
  const kindOf = (name) => Object.keys(named).find((kind) => named[kind].some((part) => name.toLowerCase().includes(part))) || "";
  const queue = [];
  let isSending = false;
  input.required = false;
  chosenKind.closest("label").hidden = true; // each file has its own

  function element(tag, facts = {}, ...inner) {
    const made = Object.assign(document.createElement(tag), facts);
    made.append(...inner);
    return made;
  }

  function add(file) {
    const kind = element("select", { ariaLabel: say("kind", { file: file.name }) }, element("option", { value: "", textContent: say("choose") }),
      ...kinds.map((one) => element("option", { value: one, textContent: words[`kind_${one}`] })));
    kind.value = kindOf(file.name);
    const state = element("span", { className: "quiet", textContent: say("waiting") });
    const bar = element("progress", { max: 1, value: 0, hidden: true, ariaLabel: file.name });
    const remove = element("button", { type: "button", className: "outline secondary", textContent: "×", ariaLabel: say("remove", { file: file.name }) });
    const row = element("li", {}, element("strong", { textContent: file.name }), kind, remove, bar, state);
    const one = { file, kind, state, bar, remove, row, stage: "waiting" };
    remove.addEventListener("click", () => {
      if (one.stage === "sending") { one.request.abort(); return; }
      queue.splice(queue.indexOf(one), 1); row.remove(); list.hidden = !queue.length; input.focus();
    });
    if (file.size > bytesMax) fail(one, say("too_large", { megabytes: Math.floor(bytesMax / 1048576) }));
    queue.push(one); list.append(row); list.hidden = false;
  }

  function fail(one, text) {
    one.stage = "failed"; one.bar.hidden = true; one.row.className = "failed"; one.state.textContent = text; one.kind.disabled = false;
  }

  function done(one, told) {
    one.stage = "done"; one.bar.hidden = true; one.remove.hidden = true;
    one.row.className = told.rows_rejected ? "failed" : "taken";
    one.state.textContent = say("done", { read: count.format(told.rows_read), accepted: count.format(told.rows_accepted), duplicate: count.format(told.rows_duplicate), rejected: count.format(told.rows_rejected) });
    const first = told.rejections.slice(0, 3).map((each) => element("li", { textContent: [say("line", { line: each.line }), each.column, each.wrong, each.detail, each.remedy].filter(Boolean).join(" · ") }));
    if (first.length) one.row.append(element("ul", {}, ...first), element("a", { href: `/files/${told.reception}`, textContent: say("list") }));
    told.suspicions.forEach((each) => one.row.append(element("p", { textContent: [each.text, each.evidence, each.remedy].filter(Boolean).join(" · ") })));
  }

  // One state a line; the last line may still be on its way.
  function tell(one, text) {
    const lines = text.slice(0, text.lastIndexOf("\n") + 1).trim().split("\n");
    const told = lines.at(-1) ? JSON.parse(lines.at(-1)) : null;
    if (!told || one.stage !== "sending" && one.stage !== "reading") return;
    one.stage = "reading"; one.remove.hidden = true; one.bar.hidden = false;
    if (told.state === "done") done(one, told);
    else if (told.state === "refused") fail(one, told.message);
    else if (told.rows_about) { one.bar.max = told.rows_about; one.bar.value = Math.min(told.rows_read, told.rows_about); one.state.textContent = say("reading_of", { rows: count.format(told.rows_read), about: count.format(told.rows_about) }); }
    else { one.bar.removeAttribute("value"); one.state.textContent = say("reading", { rows: count.format(told.rows_read) }); }
  }

  function bodyOf(one) {
    const body = new FormData();
    for (const name of ["csrf_token", "crs", "dialect", "vehicle"]) body.append(name, form.elements[name].value);
    if (form.elements.profile.files.length) body.append("profile", form.elements.profile.files[0]);
    body.append("kind", one.kind.value); body.append("file", one.file);
    return body;
  }

  // The page itself tells how a file would be read; it is asked for one file at a time.
  async function lookAt(one) {
    const body = bodyOf(one), was = one.state.textContent;
    body.append("preview", "1");
    one.state.textContent = say("looking");
    const answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "text/html" } }).catch(() => null);
    if (!answer) { fail(one, say("broken")); return []; }
    if (answer.status === 413) { fail(one, say("too_large", { megabytes: Math.floor(bytesMax / 1048576) })); return []; }
    const read = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-previews]");
    if (!read) { fail(one, say(answer.url.includes("/sign-in") || answer.status === 403 ? "signed_out" : "broken")); return []; }
    one.state.textContent = was;
    return [...read.children];
  }

  async function lookAtAll() {
    const waiting = ready();
    if (!waiting) return;
    looker.disabled = button.disabled = true;
    const found = [];
    for (const one of waiting) found.push(...await lookAt(one));
    looker.disabled = button.disabled = false;
    const shown = document.querySelector("[data-previews]");
    shown.replaceChildren(...found.map((each) => document.adoptNode(each)));
    shown.scrollIntoView({ block: "start" });
  }

  // What waits to be sent; null if something is still to be said.
  function ready() {
    const waiting = queue.filter((one) => one.stage === "waiting" || one.stage === "failed" && one.file.size <= bytesMax);
    const unsaid = waiting.find((one) => !one.kind.value);
    if (!queue.length) { input.focus(); input.click(); return null; }
    if (unsaid) { said.textContent = say("needed"); unsaid.kind.focus(); return null; }
    said.textContent = "";
    return waiting;
  }

  function send(one) {
    return new Promise((resolve) => {
      const request = new XMLHttpRequest(), body = bodyOf(one);
      Object.assign(one, { request, stage: "sending" });
      one.kind.disabled = true; one.bar.hidden = false; one.row.className = ""; one.remove.textContent = say("stop");
      request.upload.addEventListener("progress", (event) => {
        one.bar.max = event.total; one.bar.value = event.loaded;
        one.state.textContent = say("sending", { share: share.format(event.loaded / event.total) });
      });
      request.upload.addEventListener("load", () => { one.remove.hidden = true; one.bar.removeAttribute("value"); one.state.textContent = say("reading", { rows: 0 }); });
      request.addEventListener("progress", () => { if (request.status === 200) tell(one, request.responseText); });
      request.addEventListener("loadend", () => {
        if (request.status === 200 && !request.responseURL.includes("/sign-in")) tell(one, request.responseText);
        if (one.stage === "sending" || one.stage === "reading") fail(one, why(request));
        one.remove.textContent = "×"; one.remove.hidden = one.stage === "done";
        resolve();
      });
      request.addEventListener("abort", () => fail(one, say("stopped")));
      request.open("POST", form.action);
      request.setRequestHeader("Accept", "application/x-ndjson");
      request.send(body);
    });
  }

  function why(request) {
    if (request.status === 413) return say("too_large", { megabytes: Math.floor(bytesMax / 1048576) });
    if (request.status === 403 || request.responseURL.includes("/sign-in")) return say("signed_out");
    return say("broken");
  }

  async function sendAll() {
    const waiting = ready();
    if (!waiting) return;
    isSending = true; looker.disabled = button.disabled = true;
    // Trucks before what names them.
    waiting.sort((a, b) => kinds.indexOf(a.kind.value) - kinds.indexOf(b.kind.value));
    for (const one of waiting) if (queue.includes(one)) await send(one);
    isSending = false; looker.disabled = button.disabled = false;
    said.textContent = say("all", { count: count.format(waiting.filter((one) => one.stage === "done").length) });
    await refresh();
  }

  async function refresh() {
    const answer = await fetch(location.pathname, { headers: { Accept: "text/html" } });
    if (!answer.ok) return;
    const read = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("[data-arrived]");
    if (read) document.querySelector("[data-arrived]").replaceWith(document.adoptNode(read));
  }

  input.addEventListener("change", () => { [...input.files].forEach(add); input.value = ""; said.textContent = ""; });
  for (const name of ["dragenter", "dragover"]) drop.addEventListener(name, (event) => { event.preventDefault(); drop.classList.add("over"); });
  for (const name of ["dragleave", "drop"]) drop.addEventListener(name, () => drop.classList.remove("over"));
  drop.addEventListener("drop", (event) => { event.preventDefault(); [...event.dataTransfer.files].forEach(add); });
  form.addEventListener("submit", (event) => { event.preventDefault(); if (!isSending) (event.submitter === looker ? lookAtAll : sendAll)(); });
  addEventListener("beforeunload", (event) => { if (isSending) event.preventDefault(); });
}
