/** The few operations on 4 × 4 matrices that are needed; column by column as in glTF, of 16 numbers. */

export type Mat4 = readonly number[];

export const IDENTITY: Mat4 = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];

/** First `b`, then `a`. */
export function multiply(a: Mat4, b: Mat4): Mat4 {
  const out: number[] = [];
  for (let column = 0; column < 4; column++) {
    for (let row = 0; row < 4; row++) {
      let sum = 0;
      for (let k = 0; k < 4; k++) sum += (a[4 * k + row] ?? 0) * (b[4 * column + k] ?? 0);
      out.push(sum);
    }
  }
  return out;
}

/** @param rotation unit quaternion x, y, z, w */
export function compose(
  [tx, ty, tz]: readonly [number, number, number],
  [x, y, z, w]: readonly [number, number, number, number],
  [sx, sy, sz]: readonly [number, number, number],
): Mat4 {
  return [
    (1 - 2 * (y * y + z * z)) * sx,
    2 * (x * y + z * w) * sx,
    2 * (x * z - y * w) * sx,
    0,
    2 * (x * y - z * w) * sy,
    (1 - 2 * (x * x + z * z)) * sy,
    2 * (y * z + x * w) * sy,
    0,
    2 * (x * z + y * w) * sz,
    2 * (y * z - x * w) * sz,
    (1 - 2 * (x * x + y * y)) * sz,
    0,
    tx,
    ty,
    tz,
    1,
  ];
}

export function isIdentity(matrix: Mat4): boolean {
  return matrix.every((value, i) => value === IDENTITY[i]);
}

/** Volume factor of the upper left 3 × 3 part; negative when it mirrors. */
export function determinant(m: Mat4): number {
  const [a = 0, b = 0, c = 0, , d = 0, e = 0, f = 0, , g = 0, h = 0, i = 0] = m;
  return a * (e * i - f * h) - d * (b * i - c * h) + g * (b * f - c * e);
}

/** The 3 × 3 matrix, column by column, that carries normals: the cofactors of the upper left part. */
export function normalMatrix(m: Mat4): number[] {
  const [a = 0, b = 0, c = 0, , d = 0, e = 0, f = 0, , g = 0, h = 0, i = 0] = m;
  const sign = determinant(m) < 0 ? -1 : 1;
  return [
    e * i - f * h,
    f * g - d * i,
    d * h - e * g,
    h * c - i * b,
    i * a - g * c,
    g * b - h * a,
    b * f - c * e,
    c * d - a * f,
    a * e - b * d,
  ].map((value) => value * sign);
}
