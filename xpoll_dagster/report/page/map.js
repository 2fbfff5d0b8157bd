// The map: points in the colour of their domain, pairs as lines, drawn on a canvas.

const REACH = 14; // screen units between pointer and point

function startMap() {
  const passages = data("passages");
  const canvas = byId("map-canvas");
  if (!canvas || !passages.x) return;
  const state = {
    canvas, passages, view: mapView(), hovered: null, chosen: null, hidden: new Set(),
    colours: [], nearest: pointGrid(passages.x, passages.y), pairsOf: pairsByPassage(),
  };
  state.visible = (point) => !state.hidden.has(domainOf(point));
  state.draw = drawSoon(() => drawMap(state));
  const readColours = () => {
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    state.colours = Array.from({ length: DOMAIN_COLOURS }, (_, n) => colour(`--domain-${n}`));
    [state.ink, state.soft, state.sheet] = ["--ink", "--soft", "--sheet"].map(colour);
    state.draw();
  };
  readColours();
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", readColours);
  new ResizeObserver(() => {
    const scale = devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * scale);
    canvas.height = Math.round(canvas.clientHeight * scale);
    state.view.resize(canvas.clientWidth, canvas.clientHeight);
    drawMap(state);
  }).observe(canvas);
  startLegend(state);
  startMapButtons(state);
  startPointer(state);
  startMapKeys(state);
}

function pairsByPassage() {
  const found = new Map();
  const pairs = data("pairs");
  if (!pairs) return found;
  pairs.id.forEach((_, pair) => {
    for (const end of [pairs.left[pair], pairs.right[pair]]) {
      if (found.has(end)) found.get(end).push(pair);
      else found.set(end, [pair]);
    }
  });
  return found;
}

function drawSoon(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; draw(); });
  };
}

function drawMap(state) {
  const { canvas, view } = state;
  const context = canvas.getContext("2d");
  const scale = devicePixelRatio || 1;
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, view.width, view.height);
  if (byId("map-lines").checked) drawPairs(state, context);
  drawPoints(state, context);
  for (const [point, radius] of [[state.chosen, 8], [state.hovered, 7]]) {
    if (point !== null) drawRing(state, context, point, radius);
  }
}

function drawPairs(state, context) {
  const pairs = data("pairs");
  if (!pairs) return;
  const { x, y } = state.passages;
  const line = (pair) => {
    const [left, right] = [pairs.left[pair], pairs.right[pair]];
    if (!state.visible(left) || !state.visible(right)) return;
    context.moveTo(...state.view.toScreen(x[left], y[left]));
    context.lineTo(...state.view.toScreen(x[right], y[right]));
  };
  context.strokeStyle = state.soft;
  context.lineWidth = 1;
  context.globalAlpha = Math.max(0.1, Math.min(0.35, 120 / pairs.id.length));
  context.beginPath();
  pairs.id.forEach((_, pair) => line(pair));
  context.stroke();
  context.globalAlpha = 1;
  const own = [...(state.pairsOf.get(state.chosen) || []), ...(state.pairsOf.get(state.hovered) || [])];
  context.strokeStyle = state.ink;
  context.lineWidth = 1.75;
  context.beginPath();
  own.forEach(line);
  context.stroke();
}

function drawPoints(state, context) {
  const { view } = state;
  const { x, y } = state.passages;
  const few = Math.min(1.6, Math.sqrt(4000 / Math.max(1, x.length)));
  const size = Math.max(2.2, Math.min(7, 2.6 * few * (view.zoom / 0.06) ** 0.35));
  const byColour = state.colours.map(() => []);
  x.forEach((_, point) => {
    const domain = domainOf(point);
    if (!state.hidden.has(domain)) byColour[domain % DOMAIN_COLOURS].push(point);
  });
  context.globalAlpha = 0.85;
  byColour.forEach((points, colour) => {
    context.fillStyle = state.colours[colour];
    for (const point of points) {
      const [left, top] = view.toScreen(x[point], y[point]);
      if (left < -8 || top < -8 || left > view.width + 8 || top > view.height + 8) continue;
      context.fillRect(left - size / 2, top - size / 2, size, size);
    }
  });
  context.globalAlpha = 1;
}

function drawRing(state, context, point, radius) {
  const { x, y } = state.passages;
  const [left, top] = state.view.toScreen(x[point], y[point]);
  context.beginPath();
  context.arc(left, top, radius, 0, 2 * Math.PI);
  context.fillStyle = state.colours[domainOf(point) % DOMAIN_COLOURS];
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = state.ink;
  context.stroke();
}

function startLegend(state) {
  const legend = byId("map-legend");
  data("library").domains.forEach((name, domain) => {
    const button = make(`button.${domainClass(domain)}`, { type: "button", "aria-pressed": "true" },
      make("span.dot", { "aria-hidden": "true" }), make("bdi", null, name));
    button.addEventListener("click", () => {
      const hide = !state.hidden.has(domain);
      if (hide) state.hidden.add(domain);
      else state.hidden.delete(domain);
      button.setAttribute("aria-pressed", String(!hide));
      state.draw();
    });
    legend.append(button);
  });
}

function startMapButtons(state) {
  const act = (id, action) => byId(id).addEventListener("click", () => { action(); state.draw(); });
  act("map-in", () => state.view.zoomBy(1.5));
  act("map-out", () => state.view.zoomBy(1 / 1.5));
  act("map-whole", () => state.view.showWhole());
  byId("map-lines").addEventListener("input", state.draw);
}

/** Show what is under the pointer. */
function hover(state, x, y) {
  const [planeX, planeY] = state.view.toPlane(x, y);
  const point = state.nearest(planeX, planeY, REACH / state.view.zoom, state.visible);
  const tip = byId("map-tip");
  if (point !== state.hovered) {
    state.hovered = point;
    state.draw();
    if (point !== null) {
      const text = state.passages.text[point];
      const pairs = state.pairsOf.get(point)?.length || 0;
      tip.replaceChildren(sourceLine(point),
        make("p", { dir: "auto" }, text.length > 180 ? `${text.slice(0, 180)} …` : text),
        ...(pairs ? [make("small", null, `In ${counted(pairs, "pair")}`)] : []));
    }
  }
  tip.hidden = point === null;
  if (point !== null) {
    const room = { x: state.view.width - tip.offsetWidth - 4, y: state.view.height - tip.offsetHeight - 4 };
    const left = Math.max(4, Math.min(x + 16, room.x));
    const top = y + 16 > room.y ? Math.max(4, y - tip.offsetHeight - 16) : y + 16;
    tip.style.transform = `translate(${left}px, ${top}px)`;
  }
}

/** Show a passage and its pairs beside the map. */
function choose(state, point) {
  state.chosen = point;
  state.draw();
  const pairs = state.pairsOf.get(point) || [];
  const other = (pair) => {
    const { left, right, score } = data("pairs");
    const end = left[pair] === point ? right[pair] : left[pair];
    return make("li", null, make("button.link", { type: "button", onclick: () => startPairs.open(pair) },
      `${domainName(domainOf(end))}: ${titleOf(end)}`), ` (score ${score[pair]})`);
  };
  const panel = byId("map-passage");
  panel.replaceChildren(passageBlock(point), make("h3", null, pairs.length ? counted(pairs.length, "pair") : "In no pair"),
    make("ul", null, ...pairs.map(other)));
  panel.scrollTop = 0;
}

function startPointer(state) {
  const { canvas, view } = state;
  const down = new Map();
  let moved = 0;
  const place = (event) => [event.offsetX, event.offsetY];
  const spread = () => {
    const [a, b] = [...down.values()];
    return { size: Math.hypot(a[0] - b[0], a[1] - b[1]), x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2 };
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (!down.size) moved = 0;
    down.set(event.pointerId, place(event));
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointermove", (event) => {
    const [x, y] = place(event);
    const last = down.get(event.pointerId);
    if (!last) return hover(state, x, y);
    const before = down.size === 2 ? spread() : null;
    down.set(event.pointerId, [x, y]);
    moved += Math.hypot(x - last[0], y - last[1]);
    if (before) {
      const after = spread();
      view.zoomBy(after.size / Math.max(1, before.size), after.x, after.y);
      view.move(after.x - before.x, after.y - before.y);
    } else view.move(x - last[0], y - last[1]);
    byId("map-tip").hidden = true;
    return state.draw();
  });
  canvas.addEventListener("pointerup", (event) => {
    if (down.size === 1 && moved < 6) {
      hover(state, ...place(event));
      if (state.hovered !== null) choose(state, state.hovered);
    }
    down.delete(event.pointerId);
  });
  canvas.addEventListener("pointercancel", (event) => down.delete(event.pointerId));
  canvas.addEventListener("pointerleave", () => {
    state.hovered = null;
    byId("map-tip").hidden = true;
    state.draw();
  });
  // The page scrolls by wheel; the map zooms with Ctrl, as maps inside pages do.
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    view.zoomBy(Math.exp(-event.deltaY * 0.004), event.offsetX, event.offsetY);
    state.draw();
  }, { passive: false });
}

function startMapKeys(state) {
  const { canvas, view } = state;
  const middle = () => state.nearest(...view.toPlane(view.width / 2, view.height / 2),
    Math.max(view.width, view.height) / view.zoom, state.visible);
  const actions = {
    ArrowLeft: () => view.move(60, 0), ArrowRight: () => view.move(-60, 0),
    ArrowUp: () => view.move(0, 60), ArrowDown: () => view.move(0, -60),
    "+": () => view.zoomBy(1.4), "=": () => view.zoomBy(1.4), "-": () => view.zoomBy(1 / 1.4),
    0: () => view.showWhole(),
    Enter: () => { const point = middle(); if (point !== null) choose(state, point); },
  };
  canvas.addEventListener("keydown", (event) => {
    const action = actions[event.key];
    if (!action || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    action();
    state.draw();
  });
}
