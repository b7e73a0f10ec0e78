/** Mean over a window of `2 * radius + 1` values in both directions, in place; the picture's edge is continued. */
export function boxBlur(values: Float32Array, width: number, height: number, radius: number): void {
  if (radius < 1) return;
  const line = new Float32Array(Math.max(width, height));
  for (let y = 0; y < height; y += 1) blurLine(values, y * width, 1, width, radius, line);
  for (let x = 0; x < width; x += 1) blurLine(values, x, width, height, radius, line);
}

function blurLine(
  values: Float32Array,
  start: number,
  stride: number,
  count: number,
  radius: number,
  line: Float32Array,
): void {
  for (let k = 0; k < count; k += 1) line[k] = values[start + k * stride] ?? 0;
  const last = count - 1;
  let sum = (line[0] ?? 0) * (radius + 1);
  for (let k = 1; k <= radius; k += 1) sum += line[Math.min(last, k)] ?? 0;
  for (let k = 0; k < count; k += 1) {
    values[start + k * stride] = sum / (2 * radius + 1);
    sum += (line[Math.min(last, k + radius + 1)] ?? 0) - (line[Math.max(0, k - radius)] ?? 0);
  }
}
