// The map's geometry: what part of the plane is in view, and which point is near a place.

const MAP_SCALE = 10000;
const GRID = 80;

/** Points sorted into squares, so that the nearest is found without looking at all. */
function pointGrid(x, y) {
  const squares = new Map();
  const square = (v) => Math.min(GRID - 1, Math.floor((v / (MAP_SCALE + 1)) * GRID));
  x.forEach((_, point) => {
    const key = square(x[point]) * GRID + square(y[point]);
    const points = squares.get(key);
    if (points) points.push(point);
    else squares.set(key, [point]);
  });
  /** The nearest point within reach (in the plane's units) that is visible, or null. */
  return (atX, atY, reach, visible) => {
    let best = null;
    let least = reach * reach;
    const clamp = (v) => Math.max(0, square(Math.max(0, Math.min(MAP_SCALE, v))));
    for (let column = clamp(atX - reach); column <= clamp(atX + reach); column += 1) {
      for (let row = clamp(atY - reach); row <= clamp(atY + reach); row += 1) {
        for (const point of squares.get(column * GRID + row) || []) {
          const distance = (x[point] - atX) ** 2 + (y[point] - atY) ** 2;
          if (distance <= least && visible(point)) [best, least] = [point, distance];
        }
      }
    }
    return best;
  };
}

/** The part of the plane in view: `zoom` screen units for each of the plane's, from a corner. */
function mapView() {
  const view = { zoom: 1, left: 0, top: 0, width: 1, height: 1 };
  const whole = () => Math.min(view.width, view.height) / (MAP_SCALE * 1.06);
  const keepInside = () => {
    const size = { x: view.width / view.zoom, y: view.height / view.zoom };
    const within = (corner, extent) =>
      Math.max(-extent / 2, Math.min(MAP_SCALE - extent / 2, corner));
    view.left = within(view.left, size.x);
    view.top = within(view.top, size.y);
  };
  view.showWhole = () => {
    view.zoom = whole();
    view.left = MAP_SCALE / 2 - view.width / view.zoom / 2;
    view.top = MAP_SCALE / 2 - view.height / view.zoom / 2;
  };
  view.resize = (width, height) => {
    const middle = view.toPlane(view.width / 2, view.height / 2);
    const relative = view.zoom / whole();
    const first = view.width === 1;
    [view.width, view.height] = [width, height];
    if (first) return view.showWhole();
    view.zoom = whole() * relative;
    view.left = middle[0] - width / view.zoom / 2;
    view.top = middle[1] - height / view.zoom / 2;
    return undefined;
  };
  view.toPlane = (x, y) => [view.left + x / view.zoom, view.top + y / view.zoom];
  view.toScreen = (x, y) => [(x - view.left) * view.zoom, (y - view.top) * view.zoom];
  view.move = (x, y) => {
    view.left -= x / view.zoom;
    view.top -= y / view.zoom;
    keepInside();
  };
  view.zoomBy = (factor, x = view.width / 2, y = view.height / 2) => {
    const [planeX, planeY] = view.toPlane(x, y);
    view.zoom = Math.max(whole() * 0.8, Math.min(whole() * 60, view.zoom * factor));
    view.left = planeX - x / view.zoom;
    view.top = planeY - y / view.zoom;
    keepInside();
  };
  return view;
}
