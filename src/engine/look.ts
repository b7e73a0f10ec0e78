import type { Picture } from './bleed.js';
import type { Projection, Source } from './source.js';

/** A point of the surface, metres, with its smooth normal and its triangle's. Reused from texel to texel. */
export interface SurfacePoint {
  position: Float64Array;
  normal: Float64Array;
  faceNormal: Float64Array;
}

export function surfacePoint(): SurfacePoint {
  return { position: new Float64Array(3), normal: new Float64Array(3), faceNormal: new Float64Array(3) };
}

/** A camera that sees a surface flatter than this (cosine) does not know its colour. */
export const grazing = 0.1;

/**
 * Adds the colours that the sources show of a point to `sum` (red, green, blue times weight, then weight).
 *
 * A source counts by the fourth power of the cosine towards its camera, which favours whoever looks straight at
 * the surface, and not at all where its depth map has something nearer.
 */
export function addSeen(sources: readonly Source[], point: SurfacePoint, sum: Float64Array): void {
  for (const source of sources) {
    const cosine = cosineTo(source, point);
    if (cosine <= 0) continue;
    const squared = cosine * cosine;
    const weight = source.trust * visibility(source, point, cosine) * squared * squared;
    if (weight > 0) addPicture(source.picture, source.inPicture, point, weight, sum);
  }
}

/** 0 where a source's camera sees the surface too flat or from behind, 1 where it looks straight at it. */
function cosineTo({ axis, sign }: Source, { normal, faceNormal }: SurfacePoint): number {
  const face = sign * (faceNormal[axis] ?? 0);
  if (face <= 0) return 0;
  // Around a sharp edge the smooth normal turns to the camera although the triangle does not.
  const cosine = Math.min(sign * (normal[axis] ?? 0), face + 0.1);
  return Math.max(0, (cosine - grazing) / (1 - grazing));
}

/** 0 where something is in front of the point, else the source's confidence there. */
export function visibility(source: Source, { position }: SurfacePoint, cosine: number): number {
  const { inDepth, depthWidth, depthHeight } = source;
  const x = Math.floor(inDepth.u.offset + inDepth.u.scale * (position[inDepth.u.axis] ?? 0));
  const y = Math.floor(inDepth.v.offset + inDepth.v.scale * (position[inDepth.v.axis] ?? 0));
  if (x < 0 || y < 0 || x >= depthWidth || y >= depthHeight) return 1;
  const at = y * depthWidth + x;
  const own = -source.sign * (position[source.axis] ?? 0);
  // Within one pixel of the map a slope changes its depth by the tangent; 1.5 pixels are allowed for.
  const slack = source.metresPerDepthPixel * (1 + 1.5 / Math.max(cosine, grazing));
  return own - (source.depth[at] ?? 0) > slack ? 0 : (source.confidence[at] ?? 1);
}

/** Adds the colour of a picture at the place of a point, bilinear, to `sum`. */
export function addPicture(
  { width, height, rgb }: Picture,
  { u, v }: Projection,
  { position }: SurfacePoint,
  weight: number,
  sum: Float64Array,
): void {
  const x = Math.min(width - 1, Math.max(0, u.offset + u.scale * (position[u.axis] ?? 0) - 0.5));
  const y = Math.min(height - 1, Math.max(0, v.offset + v.scale * (position[v.axis] ?? 0) - 0.5));
  const x0 = Math.floor(x);
  const y0 = Math.floor(y);
  const fx = x - x0;
  const fy = y - y0;
  const a = 3 * (y0 * width + x0);
  const b = x0 + 1 < width ? a + 3 : a;
  const down = y0 + 1 < height ? 3 * width : 0;
  const wa = weight * (1 - fx) * (1 - fy);
  const wb = weight * fx * (1 - fy);
  const wc = weight * (1 - fx) * fy;
  const wd = weight * fx * fy;
  for (let k = 0; k < 3; k += 1) {
    sum[k] =
      (sum[k] ?? 0) +
      wa * (rgb[a + k] ?? 0) +
      wb * (rgb[b + k] ?? 0) +
      wc * (rgb[a + down + k] ?? 0) +
      wd * (rgb[b + down + k] ?? 0);
  }
  sum[3] = (sum[3] ?? 0) + weight;
}
