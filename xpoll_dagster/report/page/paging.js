// A list that shows a page at a time.

/**
 * Show items page by page.
 * holder and buttons are elements; render makes an element of an item. Returns show(items).
 */
function pagedList(holder, buttons, render, size) {
  let items = [];
  let page = 0;
  const draw = () => {
    const last = Math.max(0, Math.ceil(items.length / size) - 1);
    page = Math.min(page, last);
    holder.replaceChildren(...items.slice(page * size, (page + 1) * size).map(render));
    if (!last) return buttons.replaceChildren();
    const turn = (by, label) =>
      make("button", { type: "button", disabled: page + by < 0 || page + by > last,
        onclick: () => { page += by; draw(); holder.scrollIntoView({ block: "start" }); } }, label);
    buttons.replaceChildren(
      turn(-1, "Previous"),
      make("span", null, `Page ${grouped(page + 1)} of ${grouped(last + 1)}`),
      turn(1, "Next"),
    );
  };
  return (found, first = 0) => {
    items = found;
    page = first;
    draw();
  };
}
