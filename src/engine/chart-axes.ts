import type { CameraAxes, SignedAxis } from './camera.js';
import { cameraAxes } from './camera.js';

/** The six ways a chart can be projected: along one axis of object space, seen from outside. */
export const chartAxes: readonly CameraAxes[] = [
  cameraAxes.front,
  cameraAxes.back,
  cameraAxes.left,
  cameraAxes.right,
  cameraAxes.top,
  { right: { axis: 0, sign: 1 }, up: { axis: 2, sign: 1 }, toCamera: { axis: 1, sign: -1 } },
];

/** The coordinate of a vector along a signed axis. */
export function along({ axis, sign }: SignedAxis, vectors: Float32Array, at: number): number {
  return sign * (vectors[at + axis] ?? 0);
}
