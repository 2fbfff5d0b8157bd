// Rejected texts with their reasons and the passages that they were written from.

function rejectedCard(place) {
  const { variant, reasons, text, raw, chunks } = data("rejected");
  return make("article.card", null,
    make("p.why", null, make("b", null, "Rejected: "), make("bdi", null, reasons[place].join("; "))),
    variant[place] ? make("p.source", null, variant[place]) : null,
    text[place] ? markedText(text[place], []) : make("p.absent", null, "Nothing was written."),
    raw[place] && raw[place] !== text[place]
      ? make("details", null, make("summary", null, "The model’s whole answer"), markedText(raw[place], []))
      : null,
    chunks[place].length
      ? make("details", null,
          make("summary", null, chunks[place].length > 1 ? "The passages" : "The passage"),
          make("div.sides", null, ...chunks[place].map((chunk) => passageBlock(chunk))))
      : null);
}

function startRejected() {
  const rejected = data("rejected");
  if (!rejected || !byId("rejected-list")) return;
  const all = rejected.kind.map((_, place) => place);
  const show = pagedList(byId("rejected-list"), byId("rejected-pages"), rejectedCard, 5);
  const reasonSelect = byId("rejected-reason");
  const reasons = () => {
    const kind = byId("rejected-kind").value;
    const known = all.filter((place) => !kind || rejected.kind[place] === kind)
      .flatMap((place) => rejected.reasons[place]);
    reasonSelect.replaceChildren(make("option", { value: "" }, "any"));
    fillSelect(reasonSelect, [...new Set(known)].sort().map((reason) => [reason, reason]));
  };
  const update = () => {
    const [kind, reason] = [byId("rejected-kind").value, reasonSelect.value];
    const found = all.filter((place) => (!kind || rejected.kind[place] === kind) &&
      (!reason || rejected.reasons[place].includes(reason)));
    byId("rejected-status").textContent = `${counted(found.length, "example")}.`;
    show(found);
  };
  byId("rejected-kind").addEventListener("input", () => { reasons(); update(); });
  reasonSelect.addEventListener("input", update);
  byId("rejected-form").addEventListener("submit", (event) => event.preventDefault());
  reasons();
  update();
}
