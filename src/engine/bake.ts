import type { Picture } from './bleed.js';
import { bleed, growByOne } from './bleed.js';
import type { SurfacePoint } from './look.js';
import { addPicture, addSeen, surfacePoint } from './look.js';
import { scanTriangle } from './scan.js';
import type { Projection, Source } from './source.js';
import type { Surface } from './surface.js';
import type { Unwrapped } from './unwrap.js';

/** What colours a point that no source sees: a picture of its place, or colours of the source mesh's vertices. */
export type Hidden =
  { kind: 'picture'; picture: Picture; projection: Projection } | { kind: 'vertices'; colours: Float32Array };

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
  const triangle = triangleSampler(mesh, surface, sources, hidden);
  /** Whether a texel was coloured for a chart. */
  const isSeen = new Uint8Array(mesh.chartCount);
  const { indices, texels } = mesh;

  for (let t = 0; t < mesh.chartOf.length; t += 1) {
    const a = 2 * (indices[3 * t] ?? 0);
    const b = 2 * (indices[3 * t + 1] ?? 0);
    const c = 2 * (indices[3 * t + 2] ?? 0);
    const chart = mesh.chartOf[t] ?? 0;
    triangle.choose(t);
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
        isSeen[chart] = 1;
        for (let x = from; x <= to; x += 1) {
          const at = y * size + x;
          triangle.colour(x + 0.5, y + 0.5, atlas.rgb, 3 * at);
          known[at] = 1;
        }
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
    triangle.choose(t);
    triangle.colour(u, v, atlas.rgb, 3 * at);
    known[at] = 1;
  }
  growByOne(atlas, known);
  growByOne(atlas, known);
  bleed(atlas, known);
  return atlas;
}

interface TriangleSampler {
  /** Turns to a triangle of the unwrapped mesh. */
  choose(triangle: number): void;
  /** Writes the colour of the triangle's point at (u, v), texels. */
  colour(u: number, v: number, rgb: Uint8Array, at: number): void;
}

/** Interpolates over one triangle at a time. Keeps its numbers in place: it is called for millions of texels. */
function triangleSampler(
  mesh: Unwrapped,
  surface: Surface,
  sources: readonly Source[],
  hidden: Hidden,
): TriangleSampler {
  const { indices, texels, positions, normals } = mesh;
  const point: SurfacePoint = surfacePoint();
  const sum = new Float64Array(4);
  /** Each attribute is `start + l * alongB + m * alongC`: position, normal, hidden colour. */
  const start = new Float64Array(9);
  const alongB = new Float64Array(9);
  const alongC = new Float64Array(9);
  let u0 = 0;
  let v0 = 0;
  let bu = 0;
  let bv = 0;
  let cu = 0;
  let cv = 0;

  function choose(triangle: number): void {
    const a = indices[3 * triangle] ?? 0;
    const b = indices[3 * triangle + 1] ?? 0;
    const c = indices[3 * triangle + 2] ?? 0;
    u0 = texels[2 * a] ?? 0;
    v0 = texels[2 * a + 1] ?? 0;
    const abu = (texels[2 * b] ?? 0) - u0;
    const abv = (texels[2 * b + 1] ?? 0) - v0;
    const acu = (texels[2 * c] ?? 0) - u0;
    const acv = (texels[2 * c + 1] ?? 0) - v0;
    const area = abu * acv - acu * abv;
    const inverse = area === 0 ? 0 : 1 / area;
    bu = acv * inverse;
    bv = -acu * inverse;
    cu = -abv * inverse;
    cv = abu * inverse;
    spread(positions, a, b, c, 0);
    spread(normals, a, b, c, 3);
    if (hidden.kind === 'vertices') {
      const { sourceVertex } = mesh;
      spread(hidden.colours, sourceVertex[a] ?? 0, sourceVertex[b] ?? 0, sourceVertex[c] ?? 0, 6);
    }
    const face = 3 * (mesh.sourceTriangle[triangle] ?? 0);
    for (let k = 0; k < 3; k += 1) point.faceNormal[k] = surface.faceNormals[face + k] ?? 0;
  }

  function spread(vectors: Float32Array, a: number, b: number, c: number, to: number): void {
    for (let k = 0; k < 3; k += 1) {
      const origin = vectors[3 * a + k] ?? 0;
      start[to + k] = origin;
      alongB[to + k] = (vectors[3 * b + k] ?? 0) - origin;
      alongC[to + k] = (vectors[3 * c + k] ?? 0) - origin;
    }
  }

  function attribute(at: number, l: number, m: number): number {
    return (start[at] ?? 0) + l * (alongB[at] ?? 0) + m * (alongC[at] ?? 0);
  }

  function colour(u: number, v: number, rgb: Uint8Array, at: number): void {
    const l = (u - u0) * bu + (v - v0) * bv;
    const m = (u - u0) * cu + (v - v0) * cv;
    for (let k = 0; k < 3; k += 1) point.position[k] = attribute(k, l, m);
    const nx = attribute(3, l, m);
    const ny = attribute(4, l, m);
    const nz = attribute(5, l, m);
    const length = Math.sqrt(nx * nx + ny * ny + nz * nz);
    point.normal[0] = length > 0 ? nx / length : 0;
    point.normal[1] = length > 0 ? ny / length : 0;
    point.normal[2] = length > 0 ? nz / length : 0;

    sum.fill(0);
    addSeen(sources, point, sum);
    if (hidden.kind === 'picture') {
      addPicture(hidden.picture, hidden.projection, point, hiddenWeight, sum);
    } else {
      for (let k = 0; k < 3; k += 1) sum[k] = (sum[k] ?? 0) + hiddenWeight * attribute(6 + k, l, m);
      sum[3] = (sum[3] ?? 0) + hiddenWeight;
    }
    const share = 1 / (sum[3] ?? 1);
    for (let k = 0; k < 3; k += 1) rgb[at + k] = Math.min(255, Math.max(0, (sum[k] ?? 0) * share + 0.5));
  }

  return { choose, colour };
}
