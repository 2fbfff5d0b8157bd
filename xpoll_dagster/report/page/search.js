// Search over questions, pairs, rows of the dataset and passages.

const SNIPPET = 320;
const KIND_NAMES = { questions: "question", pairs: "pair", rows: "dataset row", passages: "passage" };

/** Spans of a text whose words begin with one of the wanted ones. */
function spansOf(text, wanted) {
  const spans = [];
  for (const match of text.matchAll(/[\p{L}\p{N}\p{M}]+/gu)) {
    const [word] = words(match[0]);
    if (word && wanted.some((start, n) => (n === wanted.length - 1 ? word.startsWith(start) : word === start))) {
      spans.push([match.index, match.index + match[0].length]);
    }
  }
  return spans;
}

/** The part of a text around the first words found, with those marked. */
function snippet(text, wanted) {
  const spans = spansOf(text, wanted);
  const first = spans.length ? spans[0][0] : 0;
  if (text.length <= SNIPPET) return markedText(text, spans);
  let start = Math.max(0, first - 80);
  if (start) start = text.indexOf(" ", start) + 1;
  const end = Math.min(text.length, start + SNIPPET);
  const before = start ? "… " : "";
  const shown = `${before}${text.slice(start, end)}${end < text.length ? " …" : ""}`;
  const shift = start - before.length;
  return markedText(shown, spans.filter(([from, to]) => from >= start && to <= end)
    .map(([from, to]) => [from - shift, to - shift]));
}

/** An element that is made when its summary is first opened. */
function onDemand(label, render) {
  const details = make("details", null, make("summary", null, label));
  details.addEventListener("toggle", () => details.append(render()), { once: true });
  return details;
}

const RESULTS = {
  questions: ({ place }, wanted) => {
    const { question, answer, difficulty, split, chunk } = data("questions");
    return [make("p.source", null, ["question", difficulty[place], split[place]].filter(Boolean).join(" · ")),
      snippet(question[place], wanted),
      make("p", { dir: "auto" }, make("b", null, "Answer: "), answer[place]),
      chunk[place] === null ? null : onDemand("Its passage", () => 
        passageBlock(chunk[place], answerSpans(data("passages").text[chunk[place]], answer[place])))];
  },
  pairs: ({ place }, wanted) => [make("p.source", null, `pair · ${pairDomains(place)}`),
    snippet(data("pairs").explanation[place], wanted),
    onDemand("Both passages", () => pairCard(place))],
  rows: ({ place }, wanted) => {
    const { format, split, domains, text } = data("rows");
    return [make("p.source", null, `dataset row · ${format[place]} · ${split[place]} · ${domains[place].map(domainName).join(" + ")}`),
      snippet(text[place], wanted),
      onDemand("The whole row", () => rowCard(place, spansOf(text[place], wanted)))];
  },
  passages: ({ place }, wanted) => [sourceLine(place), snippet(data("passages").text[place], wanted),
    onDemand("The whole passage", () => passageBlock(place, spansOf(data("passages").text[place], wanted)))],
};

/** How a search went, in a sentence. */
function said({ found, asked, most }) {
  if (!found.length) return "Nothing found.";
  const results = counted(found.length, "result");
  if (most === asked) return `${results}.`;
  return `Nothing has all ${asked} words; ${results} ${found.length === 1 ? "has" : "have"} ${most} of them.`;
}

/** Where a passage prints an answer, in either case. */
function answerSpans(text, answer) {
  const start = answer ? text.toLowerCase().indexOf(answer.toLowerCase()) : -1;
  return start < 0 ? [] : [[start, start + answer.length]];
}

function startSearch() {
  const [input, kind, status] = [byId("search-words"), byId("search-kind"), byId("search-status")];
  const kinds = Object.keys(KIND_NAMES).filter((name) => data(name));
  fillSelect(kind, kinds.map((name) => [name, `${KIND_NAMES[name]}s`]));
  const introduction = status.textContent;
  let wanted = [];
  const show = pagedList(byId("search-results"), byId("search-pages"),
    (found) => make("li.card", null, ...RESULTS[found.kind](found, wanted)), 10);
  let index = null;
  const prepare = () => (index ??= buildIndex(searchable(), (share) => {
    if (input.value) status.textContent = `Preparing the search: ${Math.round(100 * share)} %`;
  }));
  const update = async () => {
    wanted = words(input.value);
    if (!wanted.length) { status.textContent = introduction; return show([]); }
    const find = await prepare();
    const answer = find(input.value, kind.value);
    status.textContent = said(answer);
    return show(answer.found);
  };
  const soon = settled(update);
  input.addEventListener("focus", prepare, { once: true });
  input.addEventListener("input", soon);
  kind.addEventListener("input", soon);
  byId("search-form").addEventListener("submit", (event) => { event.preventDefault(); update(); });
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    input.focus();
    byId("search").scrollIntoView();
  });
}
