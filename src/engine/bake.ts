import type { Picture } from './bleed.js';
import { bleed, growByOne } from './bleed.js';
import type { Hidden } from './hidden.js';
import type { SurfacePoint } from './look.js';
import { addPicture, addSeen, surfacePoint } from './look.js';
import { scanTriangle } from './scan.js';
import type { Source } from './source.js';
import type { Surface } from './surface.js';
import type { Unwrapped } from './unwrap.js';

/** Weight of the hidden colour: it takes over where a camera sees the surface at less than about 75 degrees. */
const hiddenWeight = 5e-4;

/**
 * Colours every texel of the atlas: its point of the surface takes the colours of the sources that see it, and
 * the hidden colour where none does. Texels outside the charts continue their edges.
 *
 * @param size Side of the atlas, texels.
 */
export function bake(
  mesh: Unwrapped,
  surface: Surface,
  sources: readonly Source[],
  hidden: Hidden,
  size: number,
): Picture {
  const atlas: Picture = { width: size, height: size, rgb: new Uint8Array(size * size * 3) };
  const known = new Uint8Array(size * size);
  const painter = trianglePainter(mesh, surface, sources, hidden);
  /** Whether a texel was coloured for a chart. */
  const isSeen = new Uint8Array(mesh.chartCount);
  const { indices, texels } = mesh;

  for (let t = 0; t < mesh.chartOf.length; t += 1) {
    const a = 2 * (indices[3 * t] ?? 0);
    const b = 2 * (indices[3 * t + 1] ?? 0);
    const c = 2 * (indices[3 * t + 2] ?? 0);
    const chart = mesh.chartOf[t] ?? 0;
    painter.choose(t);
    scanTriangle(
      texels[a] ?? 0,
      texels[a + 1] ?? 0,
      texels[b] ?? 0,
      texels[b + 1] ?? 0,
      texels[c] ?? 0,
      texels[c + 1] ?? 0,
      -1e-3,
      size,
      size,
      (y, from, to) => {
        const at = y * size + from;
        painter.paint(from + 0.5, y + 0.5, to - from + 1, atlas.rgb, 3 * at);
        known.fill(1, at, at + to - from + 1);
        isSeen[chart] = 1;
        return true;
      },
    );
  }

  // A chart between texel centres would be left without any colour: it takes the texel that it lies in.
  for (let t = 0; t < mesh.chartOf.length; t += 1) {
    if (isSeen[mesh.chartOf[t] ?? 0] !== 0) continue;
    isSeen[mesh.chartOf[t] ?? 0] = 1;
    const a = 2 * (indices[3 * t] ?? 0);
    const u = texels[a] ?? 0;
    const v = texels[a + 1] ?? 0;
    const at = Math.min(size - 1, Math.floor(v)) * size + Math.min(size - 1, Math.floor(u));
    painter.choose(t);
    painter.paint(u, v, 1, atlas.rgb, 3 * at);
    known[at] = 1;
  }
  growByOne(atlas, known);
  growByOne(atlas, known);
  bleed(atlas, known);
  return atlas;
}

interface TrianglePainter {
  /** Turns to a triangle of the unwrapped mesh. */
  choose(triangle: number): void;
  /** Writes the colours of `count` points of the triangle from (u, v) to the right, a texel apart. */
  paint(u: number, v: number, count: number, rgb: Uint8Array, at: number): void;
}

/** Position, normal, hidden colour. */
const attributes = 9;

/** Interpolates over one triangle at a time. Keeps its numbers in place: it colours millions of texels. */
function trianglePainter(
  mesh: Unwrapped,
  surface: Surface,
  sources: readonly Source[],
  hidden: Hidden,
): TrianglePainter {
  const { indices, texels, positions, normals } = mesh;
  const point: SurfacePoint = surfacePoint();
  const { position, normal } = point;
  const sum = new Float64Array(4);
  /** Each attribute is `origin + u * perU + v * perV`. */
  const origin = new Float64Array(attributes);
  const perU = new Float64Array(attributes);
  const perV = new Float64Array(attributes);
  const now = new Float64Array(attributes);
  let facing: readonly Source[] = [];

  function choose(triangle: number): void {
    const a = indices[3 * triangle] ?? 0;
    const b = indices[3 * triangle + 1] ?? 0;
    const c = indices[3 * triangle + 2] ?? 0;
    spread(positions, a, b, c, a, b, c, 0);
    spread(normals, a, b, c, a, b, c, 3);
    if (hidden.kind === 'vertices') {
      const { sourceVertex } = mesh;
      spread(hidden.colours, sourceVertex[a] ?? 0, sourceVertex[b] ?? 0, sourceVertex[c] ?? 0, a, b, c, 6);
    }
    const face = 3 * (mesh.sourceTriangle[triangle] ?? 0);
    for (let k = 0; k < 3; k += 1) point.faceNormal[k] = surface.faceNormals[face + k] ?? 0;
    facing = sources.filter(({ axis, sign }) => sign * (point.faceNormal[axis] ?? 0) > 0);
  }

  /** Makes three values, at the texels of three vertices, linear in u and v. */
  function spread(
    vectors: Float32Array,
    fromA: number,
    fromB: number,
    fromC: number,
    a: number,
    b: number,
    c: number,
    to: number,
  ): void {
    const u = texels[2 * a] ?? 0;
    const v = texels[2 * a + 1] ?? 0;
    const abu = (texels[2 * b] ?? 0) - u;
    const abv = (texels[2 * b + 1] ?? 0) - v;
    const acu = (texels[2 * c] ?? 0) - u;
    const acv = (texels[2 * c + 1] ?? 0) - v;
    const area = abu * acv - acu * abv;
    const inverse = area === 0 ? 0 : 1 / area;
    for (let k = 0; k < 3; k += 1) {
      const start = vectors[3 * fromA + k] ?? 0;
      const ab = ((vectors[3 * fromB + k] ?? 0) - start) * inverse;
      const ac = ((vectors[3 * fromC + k] ?? 0) - start) * inverse;
      const alongU = ab * acv - ac * abv;
      const alongV = ac * abu - ab * acu;
      perU[to + k] = alongU;
      perV[to + k] = alongV;
      origin[to + k] = start - u * alongU - v * alongV;
    }
  }

  function paint(u: number, v: number, count: number, rgb: Uint8Array, at: number): void {
    for (let k = 0; k < attributes; k += 1) {
      now[k] = (origin[k] ?? 0) + u * (perU[k] ?? 0) + v * (perV[k] ?? 0);
    }
    for (let texel = at; texel < at + 3 * count; texel += 3) {
      const nx = now[3] ?? 0;
      const ny = now[4] ?? 0;
      const nz = now[5] ?? 0;
      const shorten = 1 / Math.sqrt(nx * nx + ny * ny + nz * nz + 1e-30);
      for (let k = 0; k < 3; k += 1) {
        position[k] = now[k] ?? 0;
        normal[k] = (now[3 + k] ?? 0) * shorten;
        sum[k] = 0;
      }
      sum[3] = 0;
      addSeen(facing, point, sum);
      if (hidden.kind === 'picture') {
        addPicture(hidden.picture, hidden.projection, point, hiddenWeight, sum);
      } else {
        for (let k = 0; k < 3; k += 1) sum[k] = (sum[k] ?? 0) + hiddenWeight * (now[6 + k] ?? 0);
        sum[3] = (sum[3] ?? 0) + hiddenWeight;
      }
      const share = 1 / (sum[3] ?? 1);
      // Extrapolation at a triangle's edge can leave the range by a rounding error.
      for (let k = 0; k < 3; k += 1) rgb[texel + k] = Math.min(255, Math.max(0, (sum[k] ?? 0) * share + 0.5));
      for (let k = 0; k < attributes; k += 1) now[k] = (now[k] ?? 0) + (perU[k] ?? 0);
    }
  }

  return { choose, paint };
}
