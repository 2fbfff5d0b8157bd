// What is known of a passage, by its place in the data.

const DOMAIN_COLOURS = 10;

const domainOf = (passage) => data("library").domain[data("passages").book[passage]];

const domainName = (domain) => data("library").domains[domain];

const domainClass = (domain) => `domain-${domain % DOMAIN_COLOURS}`;

const titleOf = (passage) => data("library").titles[data("passages").book[passage]];

/** The id of the chunk, as all tables have it. */
function chunkId(passage) {
  const own = data("passages").id[passage];
  return own.startsWith("-") ? data("library").keys[data("passages").book[passage]] + own : own;
}

/** "pp. 12–13", or the section's heading where the format has no pages. */
function placeOf(passage) {
  const passages = data("passages");
  const section = passages.sections[passages.section[passage]];
  if (!data("library").paged[passages.book[passage]]) return section;
  const [from, to] = [passages.from[passage], passages.to[passage]];
  const pages = from === to ? `p. ${from}` : `pp. ${from}–${to}`;
  return section ? `${pages}, ${section}` : pages;
}

const cutPassages = () => (cutPassages.known ??= new Set(data("passages").cut));

/** Domain, title and place on one line. */
function sourceLine(passage) {
  const domain = domainOf(passage);
  return make(
    `p.source.${domainClass(domain)}`,
    null,
    make("span.dot", { "aria-hidden": "true" }),
    make("bdi", null, domainName(domain)),
    " · ",
    make("bdi", null, make("cite", null, titleOf(passage))),
    placeOf(passage) ? make("bdi", null, `, ${placeOf(passage)}`) : null,
  );
}

/** A passage with its source, spans marked. */
function passageBlock(passage, spans = []) {
  const cut = cutPassages().has(passage);
  return make(
    `div.side.${domainClass(domainOf(passage))}`,
    null,
    sourceLine(passage),
    markedText(data("passages").text[passage], spans),
    make("small", null, `Chunk ${chunkId(passage)}${cut ? ", cut here" : ""}`),
  );
}
