// A smooth line through computed points. Between two neighbours it stays between their values
// (monotone cubic interpolation after Fritsch and Butland), so that it shows no valley of its own.

// The slope of the line at each point, for rising xs.
export function slopes(xs, ys) {
  const last = xs.length - 1;
  const steps = xs.slice(1).map((x, index) => x - xs[index]);
  const rises = steps.map((step, index) => (ys[index + 1] - ys[index]) / step);
  return xs.map((_, index) => {
    const [before, after] = [rises[Math.max(index - 1, 0)], rises[Math.min(index, last - 1)]];
    if (index === 0 || index === last) return before;
    if (!(before * after > 0)) return 0;
    const [left, right] = [2 * steps[index] + steps[index - 1], steps[index] + 2 * steps[index - 1]];
    return (left + right) / (left / before + right / after);
  });
}

// Adds a line through points, [x, y] in pixels, to a path that is at the first of them, or at the last if
// `backwards`. Points whose x does not rise are joined by straight lines.
export function addCurve(path, points, backwards = false) {
  const xs = points.map(([x]) => x);
  const rises = xs.every((x, index) => !index || x > xs[index - 1]);
  const slope = rises ? slopes(xs, points.map(([, y]) => y)) : [];
  const order = points.map((_, index) => index);
  if (backwards) order.reverse();
  order.slice(1).forEach((to, step) => {
    const from = order[step];
    const third = (xs[to] - xs[from]) / 3;
    if (!rises) path.lineTo(...points[to]);
    else path.bezierCurveTo(xs[from] + third, points[from][1] + third * slope[from],
      xs[to] - third, points[to][1] - third * slope[to], ...points[to]);
  });
}
