import type { Camera, Vec3 } from './camera.js';

/**
 * A small studio: soft light from all around that is brighter above, a key light over the left shoulder of the
 * camera and a weak fill from the right. It turns with the camera, so that all views are lit alike. There is no
 * environment map: what metals mirror is made up from the same lights.
 */
export interface Studio {
  /** From the surface to the light, unit length, world space. */
  key: Vec3;
  fill: Vec3;
  back: Vec3;
}

const AMBIENT_BELOW = 0.2;
const AMBIENT_ABOVE = 0.52;
const KEY = 0.66;
const FILL = 0.15;

export function createStudio(camera: Camera): Studio {
  return {
    key: inWorld(camera, [-0.5, 0.7, 0.75]),
    fill: inWorld(camera, [0.85, 0.15, 0.5]),
    back: camera.back,
  };
}

/** Light on a matt white surface, about 1 when it faces the camera. Grey: colours stay what they are. */
export function irradiance(
  { key, fill }: Studio,
  nx: number,
  ny: number,
  nz: number,
  occlusion: number,
): number {
  const ambient = AMBIENT_BELOW + (AMBIENT_ABOVE - AMBIENT_BELOW) * (0.5 + 0.5 * ny);
  const k = nx * key[0] + ny * key[1] + nz * key[2];
  const f = nx * fill[0] + ny * fill[1] + nz * fill[2];
  return ambient * occlusion + (k > 0 ? KEY * k : 0) + (f > 0 ? FILL * f : 0);
}

/** What a mirror in direction (x, y, z) shows, blurred by roughness. */
export function environment(
  { key, fill }: Studio,
  x: number,
  y: number,
  z: number,
  roughness: number,
): number {
  const horizon = smoothstep(-0.12 - roughness, 0.12 + roughness, y);
  const room = 0.16 + 0.74 * horizon;
  const spread = 0.03 + 0.5 * roughness;
  const strength = 1 / (1 + 6 * roughness);
  const softbox = smoothstep(0.9 - spread, 0.93 + spread / 4, x * key[0] + y * key[1] + z * key[2]);
  const strip = smoothstep(0.88 - spread, 0.92 + spread / 4, x * fill[0] + y * fill[1] + z * fill[2]);
  return room + strength * (2.6 * softbox + 0.9 * strip);
}

function smoothstep(from: number, to: number, value: number): number {
  if (value <= from) return 0;
  if (value >= to) return 1;
  const t = (value - from) / (to - from);
  return t * t * (3 - 2 * t);
}

function inWorld({ right, up, back }: Camera, [x, y, z]: Vec3): Vec3 {
  const length = Math.hypot(x, y, z);
  const along = (axis: 0 | 1 | 2): number => (x * right[axis] + y * up[axis] + z * back[axis]) / length;
  return [along(0), along(1), along(2)];
}

/**
 * Brings any amount of light into 0 to 1 and leaves colours under 0.8 alone (Khronos PBR Neutral tone mapper,
 * https://github.com/KhronosGroup/ToneMapping). Works on `rgb[0..2]` in place.
 */
export function toneMap(rgb: Float64Array): void {
  const r = rgb[0] ?? 0;
  const g = rgb[1] ?? 0;
  const b = rgb[2] ?? 0;
  const least = Math.min(r, g, b);
  const offset = least < 0.08 ? least - 6.25 * least * least : 0.04;
  const peak = Math.max(r, g, b) - offset;
  const start = 0.8 - 0.04;
  if (peak < start) {
    rgb[0] = r - offset;
    rgb[1] = g - offset;
    rgb[2] = b - offset;
    return;
  }
  const span = 1 - start;
  const newPeak = 1 - (span * span) / (peak + span - start);
  const scale = newPeak / peak;
  const white = 1 - 1 / (0.15 * (peak - newPeak) + 1);
  rgb[0] = (r - offset) * scale * (1 - white) + newPeak * white;
  rgb[1] = (g - offset) * scale * (1 - white) + newPeak * white;
  rgb[2] = (b - offset) * scale * (1 - white) + newPeak * white;
}
