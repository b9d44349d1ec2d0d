
"use strict";
(() => {
  const Interval = 1000, LongestWait = 15000, Samples = 120;
  const byId = id => document.getElementById(id);
  // Relative to the page as the browser sees it, so that no proxy's prefix can lead astray.
  const source = new URL(location.pathname.replace(/\/*$/, "/") + "live.json", location.origin);
  const processes = new Map();
  let timer = 0, failures = 0, isPaused = false, isAsking = false;

  const number = (value, digits = 0) => value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  // Beyond ten millions the last digits are a blur.
  const count = value => value < 1e7 ? number(value) : value.toLocaleString("en", { notation: "compact", maximumFractionDigits: 1 });
  const rate = value => number(value, value > 0 && value < 100 ? 1 : 0);
  const bytes = value => {
    const units = ["B", "KB", "MB", "GB", "TB"];
    let unit = 0;
    for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1024;
    return `${number(value, unit > 0 && value < 100 ? 1 : 0)} ${units[unit]}`;
  };
  const milliseconds = value =>
    value < 0.05 ? "0 ms" : value < 100 ? `${number(value, 1)} ms` : value < 1000 ? `${number(value)} ms` : seconds(value / 1000);
  const seconds = value =>
    value < 60 ? `${number(value, 1)} s`
      : value < 3600 ? `${number(Math.floor(value / 60))} min ${number(Math.floor(value % 60))} s`
      : value < 86400 ? `${number(Math.floor(value / 3600))} h ${number(Math.floor(value % 3600 / 60))} min`
      : `${number(Math.floor(value / 86400))} d ${number(Math.floor(value % 86400 / 3600))} h`;

  // Everything that is shown goes through here: text, never markup.
  const show = (id, text, className) => {
    const element = typeof id === "string" ? byId(id) : id;
    if (element.textContent !== text) element.textContent = text;
    if (className !== undefined && element.className !== className) element.className = className;
  };

  // Rows and cells stay where they are, so that a selection survives and nothing flickers.
  const fill = (id, rows, roles) => {
    const body = byId(id);
    while (body.rows.length > rows.length) body.deleteRow(-1);
    rows.forEach((cells, index) => {
      const row = body.rows[index] ?? body.insertRow();
      if (roles) row.setAttribute("role", "row");
      cells.forEach(([text, className], column) => {
        const cell = row.cells[column] ?? row.insertCell();
        if (roles) cell.setAttribute("role", "cell");
        show(cell, text, className ?? "");
      });
    });
  };

  const draw = (id, values, top) => {
    const [area, line] = byId(id).children;
    const scale = 38 / (top || 1);
    let lines = "", areas = "", start = -1;
    const close = end => {
      if (start >= 0 && end > start) areas += `L${end - 1} 40L${start} 40Z`;
      start = -1;
    };
    values.forEach((value, index) => {
      const x = Samples - values.length + index;
      if (value === null) {
        close(x);
        return;
      }
      const point = `${x} ${(40 - value * scale).toFixed(2)}`;
      lines += (start < 0 ? "M" : "L") + point;
      areas += (start < 0 ? "M" : "L") + point;
      if (start < 0) start = x;
    });
    close(Samples);
    line.setAttribute("d", lines);
    area.setAttribute("d", areas);
  };

  const setState = (state, text) => {
    const element = byId("state");
    if (element.dataset.state === state && element.textContent === text) return;
    element.dataset.state = state;
    element.textContent = text;
    document.querySelector("main").classList.toggle("stale", state === "lost");
  };

  // The name of a mount is its key; the host's own pipeline has none.
  const mountName = key => key === "" ? ["default", "muted"] : [key, "mono"];

  const showTotals = data => {
    show("app", data.app);
    document.title = `${data.app} – statistics`;
    show("flight", number(data.in_flight));
    show("cores", `busy, of ${number(data.cores)} cores`);
    show("harakiris", count(data.harakiri_count), data.harakiri_count > 0 ? "big warn" : "big");
    show("stuck", data.stuck > 0 ? `${number(data.stuck)} still stuck` : "none stuck", data.stuck > 0 ? "small bad" : "small");
    show("exceptions", count(data.exceptions), data.exceptions > 0 ? "big warn" : "big");
    show("requests", count(data.requests));
    show("static", `${count(data.static_requests)} of them files`);
    show("sent-total", `${bytes(data.tx)} in all`);
    const fullest = data.sockets.reduce((most, socket) => socket.queue > most.queue ? socket : most, { queue: 0, max_queue: 0 });
    const limit = Math.max(0, ...data.sockets.map(socket => socket.max_queue));
    const isFull = fullest.max_queue > 0 && fullest.queue * 2 > fullest.max_queue;
    show("backlog", number(fullest.queue), isFull ? "big bad" : "big");
    show("backlog-limit", limit > 0 ? `of ${number(limit)} may wait` : "no socket");
  };

  const showProcess = (process, cpu) => {
    show("pid", String(process.pid));
    show("uptime", seconds(Math.floor(process.uptime_ms / 1000)).replace(".0 s", " s"));
    show("cpu", cpu === null ? "–" : `${number(cpu * 100)} %`);
    show("rss", bytes(process.rss));
    show("heap", bytes(process.heap));
    show("gc", `${number(process.gc_pause_ms / Math.max(1, process.uptime_ms) * 100, 2)} %`);
    show("threads", number(process.pool_threads));
    show("queued", number(process.pool_queue));
    show("runtime", process.runtime);
  };

  const showTables = (data, before, elapsed) => {
    fill("mounts", data.apps.map((app, index) => [
      mountName(app.mountpoint),
      [before ? rate(Math.max(0, app.requests - before.apps[index].requests) / elapsed) : "–", "number"],
      [count(app.requests), "number"],
      [count(app.exceptions), app.exceptions > 0 ? "number warn" : "number"],
    ]));
    fill("sockets", data.sockets.map(socket => [
      [socket.name, "mono"],
      [socket.proto],
      [number(socket.queue), socket.queue * 2 > socket.max_queue && socket.queue > 0 ? "number bad" : "number"],
      [number(socket.max_queue), "number"],
    ]));
    fill("running", data.longest.map(request => [
      [request.method, "mono"],
      [request.path, "mono"],
      request.mount === null ? ["", "muted"] : mountName(request.mount),
      [request.remote, "mono muted"],
      [milliseconds(request.elapsed_ms), "number"],
    ]), true);
    byId("idle").hidden = data.longest.length > 0;
  };

  const receive = data => {
    const key = `${data.process.pid}/${data.process.started}`;
    let seen = processes.get(key);
    if (!seen) processes.set(key, seen = { before: null, rates: [], latencies: [] });
    const note = byId("note");
    note.hidden = processes.size < 2;
    show(note, `${processes.size} processes have answered here; shown is process ${data.process.pid}.`);

    const before = seen.before;
    const elapsed = before ? (data.clock_ms - before.clock_ms) / 1000 : 0;
    showTotals(data);
    showTables(data, elapsed > 0 ? before : null, elapsed);
    showProcess(data.process, elapsed > 0 ? (data.process.cpu_ms - before.process.cpu_ms) / 1000 / elapsed : null);
    if (elapsed > 0) {
      const requests = Math.max(0, data.requests - before.requests);
      const timed = requests - Math.max(0, data.static_requests - before.static_requests);
      const perSecond = requests / elapsed;
      const mean = timed > 0 ? Math.max(0, data.running_time - before.running_time) / timed / 1000 : null;
      show("rate", rate(perSecond));
      show("latency", mean === null ? "–" : milliseconds(mean));
      show("sent", bytes(Math.max(0, data.tx - before.tx) / elapsed));
      show("exception-rate", `${rate(Math.max(0, data.exceptions - before.exceptions) / elapsed)} per second`);
      // Behind a pause the line has a gap.
      if (elapsed > 5) {
        seen.rates.push(null);
        seen.latencies.push(null);
      }
      seen.rates = [...seen.rates, perSecond].slice(-Samples);
      seen.latencies = [...seen.latencies, mean].slice(-Samples);
    }
    seen.before = data;
    const topRate = Math.max(0, ...seen.rates), topLatency = Math.max(0, ...seen.latencies);
    draw("rate-line", seen.rates, topRate);
    draw("latency-line", seen.latencies, topLatency);
    show("rate-top", topRate > 0 ? `at most ${rate(topRate)}` : "");
    show("latency-top", topLatency > 0 ? `at most ${milliseconds(topLatency)}` : "");
  };

  const ask = async () => {
    clearTimeout(timer);
    if (isAsking) return;
    isAsking = true;
    const started = performance.now();
    let wait;
    try {
      const answer = await fetch(source, { cache: "no-store", credentials: "same-origin", redirect: "manual", signal: AbortSignal.timeout(10000) });
      if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) throw new Error("Signed out, reload the page");
      if (!answer.ok) throw new Error(`The server answers ${answer.status}`);
      receive(await answer.json());
      failures = 0;
      wait = Math.max(0, Interval - (performance.now() - started));
      setState("live", "Live");
    } catch (error) {
      wait = Math.min(LongestWait, Interval * 2 ** failures++);
      // fetch itself fails with a TypeError, and a time-out with a DOMException.
      const reason = error.constructor === Error ? error.message : "Disconnected";
      setState("lost", `${reason}; next try in ${wait / 1000} s`);
    } finally {
      isAsking = false;
    }
    schedule(wait);
  };

  const schedule = delay => {
    clearTimeout(timer);
    if (isPaused) setState("paused", "Paused");
    else if (!document.hidden) timer = setTimeout(ask, delay);
  };

  byId("pause").addEventListener("click", event => {
    isPaused = !isPaused;
    event.target.setAttribute("aria-pressed", String(isPaused));
    schedule(0);
  });
  document.addEventListener("visibilitychange", () => schedule(0));
  addEventListener("online", () => schedule(0));
  schedule(0);
})();
