// The pairs: filters, and both passages of each side by side.

const PAIR_ORDERS = [["score", "best score"], ["cosine", "nearest in meaning"],
  ["lexical_score", "most words shared"], ["concept_score", "most concepts shared"]];
const PAIR_MEASURES = [["score", "score"], ["cosine", "cosine"], ["margin", "margin"],
  ["margin_rank", "margin’s rank"], ["lexical_score", "words"], ["concept_score", "concepts"]];

/** The two domains of a pair, as one text, the same for either order. */
function pairDomains(pair) {
  const { left, right } = data("pairs");
  return [domainName(domainOf(left[pair])), domainName(domainOf(right[pair]))].sort().join(" + ");
}

/** Rows of the dataset by pair. */
function rowsByPair() {
  const found = new Map();
  (data("rows")?.pair || []).forEach((pair, row) => {
    if (pair !== null) found.set(pair, [...(found.get(pair) || []), row]);
  });
  return found;
}

function pairMeasures(pair) {
  const pairs = data("pairs");
  const shown = PAIR_MEASURES.filter(([name]) => pairs[name][pair] !== null);
  return make("dl.measures", null, ...shown.map(([name, label]) =>
    make("div", null, make("dt", null, label), make("dd", null, String(pairs[name][pair])))));
}

function pairTexts(pair) {
  const rows = (pairTexts.known ??= rowsByPair()).get(pair);
  if (!rows) return null;
  return make("details", null,
    make("summary", null, `${counted(rows.length, "row")} of the dataset written from this pair`),
    ...rows.map((row) => rowCard(row, [])));
}

/** A row of the dataset. */
function rowCard(row, spans) {
  const rows = data("rows");
  const domains = rows.domains[row].map(domainName).join(" + ");
  return make("div.card", null,
    make("p.source", null, `${rows.format[row]} · ${rows.split[row]} · ${domains} · row ${rows.id[row]}`),
    markedText(rows.text[row], spans));
}

/** A pair with its evidence; its two passages side by side. */
function pairCard(pair) {
  const pairs = data("pairs");
  const [left, right] = [pairs.left[pair], pairs.right[pair]];
  return make("article.card.pair", { id: `pair-${pairs.id[pair]}` },
    make("h3", null, pairDomains(pair), " ", make("small", null, `pair ${pairs.id[pair]}`)),
    make("p", { dir: "auto" }, pairs.explanation[pair]),
    make("ul.chips", { "aria-label": "Evidence" },
      ...pairs.concepts[pair].map((concept) => make("li.shared", { dir: "auto" }, concept)),
      ...pairs.signals[pair].map((signal) => make("li", null, `${signal} signal`))),
    pairMeasures(pair),
    make("div.sides", null, passageBlock(left, pairs.marks[pair][0]),
      passageBlock(right, pairs.marks[pair][1])),
    pairTexts(pair));
}

/** All words that a filter looks through. */
function pairWords(pair) {
  const { left, right, explanation, concepts, id } = data("pairs");
  const texts = data("passages").text;
  return words([id[pair], explanation[pair], ...concepts[pair], texts[left[pair]],
    texts[right[pair]], titleOf(left[pair]), titleOf(right[pair])].join(" ")).join(" ");
}

function startPairs() {
  const pairs = data("pairs");
  if (!pairs || !byId("pairs-list")) return;
  const all = pairs.id.map((_, pair) => pair);
  const domains = new Map();
  for (const pair of all) domains.set(pairDomains(pair), (domains.get(pairDomains(pair)) || 0) + 1);
  fillSelect(byId("pairs-domains"), [...domains].sort().map(([name, n]) => [name, `${name} (${grouped(n)})`]));
  fillSelect(byId("pairs-signal"), [...new Set(pairs.signals.flat())].sort().map((s) => [s, s]));
  fillSelect(byId("pairs-order"), PAIR_ORDERS);
  const show = pagedList(byId("pairs-list"), byId("pairs-pages"), pairCard, 5);
  let texts = null;
  const update = () => {
    const [domain, signal, order] = ["domains", "signal", "order"].map((n) => byId(`pairs-${n}`).value);
    const wanted = words(byId("pairs-words").value);
    if (wanted.length) texts ??= all.map((pair) => ` ${pairWords(pair)}`);
    const found = all.filter((pair) =>
      (!domain || pairDomains(pair) === domain) &&
      (!signal || pairs.signals[pair].includes(signal)) &&
      wanted.every((word) => texts[pair].includes(` ${word}`)));
    found.sort((a, b) => (pairs[order][b] ?? -Infinity) - (pairs[order][a] ?? -Infinity) || a - b);
    byId("pairs-status").textContent =
      found.length ? `${counted(found.length, "pair")}.` : "No pair fits: take a filter away.";
    show(found);
  };
  byId("pairs-form").addEventListener("input", settled(update, 120));
  byId("pairs-form").addEventListener("submit", (event) => event.preventDefault());
  update();
  startPairs.open = (pair) => {
    byId("pairs-form").reset();
    update();
    show([pair]);
    byId("pairs-status").textContent = "One pair; change a filter to see all.";
    byId("pairs").scrollIntoView();
    byId("pairs-status").scrollIntoView({ block: "start" });
  };
}
