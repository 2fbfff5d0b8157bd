// An inverted index with BM25 (Robertson and Zaragoza 2009), built in the browser.

const K1 = 1.2;
const B = 0.75;
const SLICE_MILLISECONDS = 12;
const MAX_EXPANSIONS = 40;

/** Everything that can be found: {kind, place, text}. */
function searchable() {
  const found = [];
  const add = (kind, texts) => texts.forEach((text, place) => found.push({ kind, place, text }));
  const { pairs, rows, questions } = { pairs: data("pairs"), rows: data("rows"), questions: data("questions") };
  if (questions) {
    add("questions", questions.question.map((question, n) => `${question}\n${questions.answer[n]}\n${questions.id[n]}`));
  }
  if (pairs) {
    add("pairs", pairs.explanation.map((text, n) => `${text}\n${pairs.concepts[n].join(", ")}\n${pairs.id[n]}`));
  }
  if (rows) add("rows", rows.text.map((text, n) => `${text}\n${rows.id[n]}`));
  add("passages", data("passages").text.map((text, n) => `${text}\n${titleOf(n)}\n${placeOf(n)}`));
  return found;
}

/** Build the index without holding up the page; resolves to find(query, kind). */
async function buildIndex(documents, tell) {
  const postings = new Map(); // word → [document, times, document, times, …]
  const lengths = new Float64Array(documents.length);
  let pause = performance.now() + SLICE_MILLISECONDS;
  for (let number = 0; number < documents.length; number += 1) {
    const times = new Map();
    const found = words(documents[number].text);
    for (const word of found) times.set(word, (times.get(word) || 0) + 1);
    lengths[number] = found.length;
    for (const [word, count] of times) {
      const list = postings.get(word);
      if (list) list.push(number, count);
      else postings.set(word, [number, count]);
    }
    if (performance.now() > pause) {
      tell(number / documents.length);
      await new Promise((go) => { setTimeout(go); });
      pause = performance.now() + SLICE_MILLISECONDS;
    }
  }
  const vocabulary = [...postings.keys()].sort();
  const mean = lengths.reduce((a, b) => a + b, 0) / Math.max(1, lengths.length);
  return (query, kind) => rank({ documents, postings, vocabulary, lengths, mean }, words(query), kind);
}

/** Known words that begin so, the first in order of the alphabet. */
function beginningWith(vocabulary, start) {
  let [low, high] = [0, vocabulary.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (vocabulary[middle] < start) low = middle + 1;
    else high = middle;
  }
  const found = [];
  while (found.length < MAX_EXPANSIONS && vocabulary[low]?.startsWith(start)) found.push(vocabulary[low++]);
  return found;
}

/** Documents with all words, else with most of them, best first; and how many words that is. */
function rank(index, wanted, kind) {
  const scores = new Map(); // document → [words found, score]
  const asked = [...new Set(wanted)];
  asked.forEach((word, n) => {
    // The last word may still be on its way.
    const last = n === asked.length - 1;
    const forms = last && word.length > 1 ? beginningWith(index.vocabulary, word) : [word];
    const best = new Map();
    for (const form of forms) {
      const list = index.postings.get(form);
      if (!list) continue;
      const idf = Math.log(1 + (index.documents.length - list.length / 2 + 0.5) / (list.length / 2 + 0.5));
      const weight = form === word ? 1 : 0.6;
      for (let n = 0; n < list.length; n += 2) {
        const [number, times] = [list[n], list[n + 1]];
        if (kind && index.documents[number].kind !== kind) continue;
        const length = 1 - B + (B * index.lengths[number]) / index.mean;
        const score = (weight * idf * times * (K1 + 1)) / (times + K1 * length);
        if (score > (best.get(number) || 0)) best.set(number, score);
      }
    }
    for (const [number, score] of best) {
      const [found, sum] = scores.get(number) || [0, 0];
      scores.set(number, [found + 1, sum + score]);
    }
  });
  let most = 0;
  for (const [found] of scores.values()) most = Math.max(most, found);
  const best = [...scores].filter(([, [found]]) => found === most);
  best.sort((a, b) => b[1][1] - a[1][1] || a[0] - b[0]);
  return { found: best.map(([number]) => index.documents[number]), asked: asked.length, most };
}
