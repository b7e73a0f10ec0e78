import { boxBlur } from './blur.js';
import type { Placement } from './camera.js';
import { cameraAxes } from './camera.js';
import type { Cutout } from './cutout.js';
import { rasterise } from './raster.js';
import type { Mesh, ViewName } from './types.js';

/** Pixel position as a linear function of one coordinate of object space: `offset + scale * point[axis]`. */
interface Scale {
  axis: 0 | 1 | 2;
  offset: number;
  scale: number;
}

/** Where a point of object space lies in a picture, pixels (edges, not centres). */
export interface Projection {
  u: Scale;
  v: Scale;
}

/** A picture that colours what a camera sees. */
export interface Source {
  /** Axis and direction of the way to the camera. */
  axis: 0 | 1 | 2;
  sign: 1 | -1;
  picture: Cutout;
  /** From object space to `picture`. */
  inPicture: Projection;
  /** What the camera sees, and where in it. */
  inDepth: Projection;
  depthWidth: number;
  depthHeight: number;
  /** Metres away from the camera. */
  depth: Float32Array;
  /** 0 to 1: low where a picture that does not fit the mesh exactly would show something nearer. */
  confidence: Float32Array;
  metresPerDepthPixel: number;
  /** Weight against other sources: 1 for a picture of this side, less for a guess from another side. */
  trust: number;
}

/** Longest side of the depth maps, pixels. */
const depthMapSide = 640;
/** A step in depth, as a share of the object's largest side, that counts as one thing in front of another. */
const stepShare = 0.03;
/** Depth map pixels around such a step in which the farther side is trusted less. */
const stepReach = 3;
const trustAtStep = 0.03;

/**
 * @param opposite Take the picture for the other side of the object, as a mirror image: what is seen at a place
 *   of the picture is also given to the surface behind it.
 */
export function sourceOf(mesh: Mesh, placement: Placement, picture: Cutout, opposite: boolean): Source {
  const cropped = inCutout(placement, picture);
  const eye: Placement = opposite
    ? { ...cropped, name: oppositeOf[placement.name], centreX: picture.width - cropped.centreX }
    : cropped;
  const shrink = Math.min(1, depthMapSide / Math.max(picture.width, picture.height));
  const depthWidth = Math.max(1, Math.round(picture.width * shrink));
  const depthHeight = Math.max(1, Math.round(picture.height * shrink));
  const { depth } = rasterise(mesh, { ...eye, pixels: picture }, depthWidth, depthHeight);
  const { axis, sign } = cameraAxes[eye.name].toCamera;
  return {
    axis,
    sign,
    picture,
    inPicture: projectionOf(cropped, 1, 1),
    inDepth: projectionOf(eye, depthWidth / picture.width, depthHeight / picture.height),
    depthWidth,
    depthHeight,
    depth,
    confidence: confidenceOf(depth, depthWidth, depthHeight, stepShare * extentOf(mesh)),
    metresPerDepthPixel:
      Math.max(eye.metresPerPixelX, eye.metresPerPixelY) *
      Math.max(picture.width / depthWidth, picture.height / depthHeight),
    trust: opposite ? 0.1 : 1,
  };
}

/** Mirrored through a vertical plane; the bottom is no view, and nothing is guessed from the top. */
const oppositeOf: Readonly<Record<ViewName, ViewName>> = {
  front: 'back',
  back: 'front',
  left: 'right',
  right: 'left',
  top: 'top',
};

/** The placing of a view, in pixels of its cutout. */
export function inCutout(placement: Placement, { left, top, factor }: Cutout): Placement {
  return {
    name: placement.name,
    metresPerPixelX: placement.metresPerPixelX * factor,
    metresPerPixelY: placement.metresPerPixelY * factor,
    centreX: (placement.centreX - left) / factor,
    baseY: (placement.baseY - top) / factor,
  };
}

export function projectionOf(placement: Placement, scaleX: number, scaleY: number): Projection {
  const { right, up } = cameraAxes[placement.name];
  return {
    u: {
      axis: right.axis,
      offset: placement.centreX * scaleX,
      scale: (right.sign * scaleX) / placement.metresPerPixelX,
    },
    v: {
      axis: up.axis,
      offset: placement.baseY * scaleY,
      scale: (-up.sign * scaleY) / placement.metresPerPixelY,
    },
  };
}

function extentOf({ positions }: Mesh): number {
  let extent = 0;
  for (let axis = 0; axis < 3; axis += 1) {
    let low = Infinity;
    let high = -Infinity;
    for (let at = axis; at < positions.length; at += 3) {
      low = Math.min(low, positions[at] ?? 0);
      high = Math.max(high, positions[at] ?? 0);
    }
    extent = Math.max(extent, high - low);
  }
  return extent;
}

/** Low where something at least `step` metres nearer is only a few pixels away. */
function confidenceOf(depth: Float32Array, width: number, height: number, step: number): Float32Array {
  const rows = new Float32Array(depth.length);
  const confidence = new Float32Array(depth.length);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let nearest = Infinity;
      for (let k = Math.max(0, x - stepReach); k <= Math.min(width - 1, x + stepReach); k += 1) {
        nearest = Math.min(nearest, depth[y * width + k] ?? Infinity);
      }
      rows[y * width + x] = nearest;
    }
  }
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let nearest = Infinity;
      for (let k = Math.max(0, y - stepReach); k <= Math.min(height - 1, y + stepReach); k += 1) {
        nearest = Math.min(nearest, rows[k * width + x] ?? Infinity);
      }
      const at = y * width + x;
      const here = depth[at] ?? Infinity;
      confidence[at] = here < Infinity && here - nearest > step ? trustAtStep : 1;
    }
  }
  // So that no border of trust is visible.
  boxBlur(confidence, width, height, 2);
  return confidence;
}
