import type { Bounds, ScenePrimitive } from './scene.js';

/** Where the pictures are taken from. All cameras are orthographic: sizes compare between views. */

export const VIEW_NAMES = ['front', 'right', 'back', 'three-quarter', 'left', 'top', 'bottom'] as const;

/**
 * Where the camera stands: `front` at +Z, `right` at +X, `back` at -Z, `left` at -X, `top` at +Y and `bottom` at
 * -Y; `three-quarter` in front, to the right and above. glTF says that a model faces +Z.
 */
export type ViewName = (typeof VIEW_NAMES)[number];

export type Vec3 = readonly [number, number, number];

/** Three unit vectors at right angles, in world space. */
export interface Camera {
  /** To the right in the picture. */
  right: Vec3;
  /** Up in the picture. */
  up: Vec3;
  /** From the scene to the camera. */
  back: Vec3;
}

const CAMERAS: Record<ViewName, Camera> = {
  front: { right: [1, 0, 0], up: [0, 1, 0], back: [0, 0, 1] },
  right: { right: [0, 0, -1], up: [0, 1, 0], back: [1, 0, 0] },
  back: { right: [-1, 0, 0], up: [0, 1, 0], back: [0, 0, -1] },
  left: { right: [0, 0, 1], up: [0, 1, 0], back: [-1, 0, 0] },
  top: { right: [1, 0, 0], up: [0, 0, -1], back: [0, 1, 0] },
  bottom: { right: [1, 0, 0], up: [0, 0, 1], back: [0, -1, 0] },
  'three-quarter': orbit(35, 22),
};

export function cameraOf(view: ViewName): Camera {
  return CAMERAS[view];
}

/** @param azimuth degrees from +Z towards +X; @param elevation degrees above the horizon */
function orbit(azimuth: number, elevation: number): Camera {
  const [a, e] = [(azimuth * Math.PI) / 180, (elevation * Math.PI) / 180];
  const [sinA, cosA, sinE, cosE] = [Math.sin(a), Math.cos(a), Math.sin(e), Math.cos(e)];
  return {
    right: [cosA, 0, -sinA],
    up: [-sinA * sinE, cosE, -cosA * sinE],
    back: [sinA * cosE, sinE, cosA * cosE],
  };
}

/** The rectangle that the scene takes up in front of a camera, relative to the centre of its bounds; metres. */
export interface Extent {
  x: [min: number, max: number];
  y: [min: number, max: number];
}

export function centreOf({ min, max }: Bounds): Vec3 {
  return [(min[0] + max[0]) / 2, (min[1] + max[1]) / 2, (min[2] + max[2]) / 2];
}

/** Measured on the vertices: the corners of a box would leave a wide margin in oblique views. */
export function extentOf(primitives: readonly ScenePrimitive[], centre: Vec3, camera: Camera): Extent {
  const { right, up } = camera;
  let [left, rightmost, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { positions } of primitives) {
    for (let i = 0; i + 2 < positions.length; i += 3) {
      const dx = (positions[i] ?? 0) - centre[0];
      const dy = (positions[i + 1] ?? 0) - centre[1];
      const dz = (positions[i + 2] ?? 0) - centre[2];
      const x = right[0] * dx + right[1] * dy + right[2] * dz;
      const y = up[0] * dx + up[1] * dy + up[2] * dz;
      // Damaged files have vertices at infinity.
      if (!(Math.abs(x) < Infinity && Math.abs(y) < Infinity)) continue;
      if (x < left) left = x;
      if (x > rightmost) rightmost = x;
      if (y < low) low = y;
      if (y > high) high = y;
    }
  }
  return { x: [left, rightmost], y: [low, high] };
}

/** From world space to the pixels of a tile: x to the right, y down, depth towards the camera in metres. */
export interface Projection {
  camera: Camera;
  centre: Vec3;
  /** Pixels per metre. */
  scale: number;
  /** Pixel of the centre. */
  originX: number;
  originY: number;
}

/** Writes x, y, depth of every vertex to `out`. */
export function project(
  positions: Float32Array,
  { camera, centre, scale, originX, originY }: Projection,
  out: Float32Array,
): void {
  const { right, up, back } = camera;
  const [cx, cy, cz] = centre;
  const [rx, ry, rz] = [right[0] * scale, right[1] * scale, right[2] * scale];
  const [ux, uy, uz] = [up[0] * scale, up[1] * scale, up[2] * scale];
  const [bx, by, bz] = back;
  for (let i = 0; i + 2 < positions.length; i += 3) {
    const x = (positions[i] ?? 0) - cx;
    const y = (positions[i + 1] ?? 0) - cy;
    const z = (positions[i + 2] ?? 0) - cz;
    out[i] = originX + rx * x + ry * y + rz * z;
    out[i + 1] = originY - (ux * x + uy * y + uz * z);
    out[i + 2] = bx * x + by * y + bz * z;
  }
}
