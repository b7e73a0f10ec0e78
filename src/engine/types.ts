import type { WorkerProgress } from '../worker-thread.js';

/**
 * Words of the local generator. Object space: metres, +Y up, the object faces +Z, origin at the bottom centre.
 * Every view is orthographic.
 */

/**
 * Where the camera stands. `front` looks along -Z (it stands at +Z), `left` stands at -X (the object's front
 * points to the right edge of the picture), `back` at -Z, `right` at +X, `top` at +Y (the front points down in
 * the picture).
 */
export type ViewName = 'front' | 'left' | 'back' | 'right' | 'top';

export type ShapeMode = 'inflate' | 'lathe' | 'extrude' | 'hull';

/** 8-bit sRGB with straight alpha, row by row from the top left: `data[4 * (y * width + x)]`. */
export interface Pixels {
  width: number;
  height: number;
  data: Uint8Array;
}

/** One silhouette: 255 inside, 0 outside, the size of the picture it was cut from. */
export interface Mask {
  width: number;
  height: number;
  data: Uint8Array;
  /** How much of each pixel on the outline the object covers, 0 to 255, where the picture tells; else like `data`. */
  soft?: Uint8Array;
  /** How it was found. */
  method: 'alpha' | 'border' | 'given';
  /** 0 to 1; under 0.5 the cut-out should be checked. */
  confidence: number;
}

/** Axis-aligned pixel box of a mask; `x1` and `y1` are exclusive. */
export interface PixelBox {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

/** A view that is ready to be used: its pixels, its silhouette and where it lies in object space. */
export interface View {
  name: ViewName;
  pixels: Pixels;
  mask: Mask;
  box: PixelBox;
  /**
   * Metres per pixel along the picture's axes, and the pixel that the object's axis falls on. A point is seen at
   * `u = centreX + sx / metresPerPixelX`, `v = baseY - sy / metresPerPixelY` (pixels, edges not centres), where
   * (sx, sy) is (x, y) for front, (z, y) for left, (-x, y) for back, (-z, y) for right, and (x, -z) for top.
   */
  metresPerPixelX: number;
  metresPerPixelY: number;
  centreX: number;
  baseY: number;
}

/** Triangles, counter-clockwise seen from outside. */
export interface Mesh {
  /** x, y, z of each vertex. */
  positions: Float32Array;
  indices: Uint32Array;
}

/** What the worker is given. Pictures are encoded files (PNG, JPEG, WebP), already checked by the caller. */
export interface GenerateInput {
  views: { name: ViewName; image: Uint8Array }[];
  /** Silhouette of the front view: white (or opaque) is the object. */
  mask?: Uint8Array | undefined;
  shape: 'auto' | 'inflate' | 'lathe' | 'extrude';
  /** Depth divided by the width of the front view; a guess is made when it is absent. */
  depth?: number | undefined;
  targetTriangles: number;
  textureSize: 1024 | 2048;
}

/** What was done and how well it fits; plain JSON. */
export interface GenerateReport {
  mode: ShapeMode;
  /** One sentence. */
  reason: string;
  views: {
    name: ViewName;
    maskMethod: Mask['method'];
    maskConfidence: number;
    /** Silhouette of the delivered mesh against the mask, intersection over union, 0 to 1. */
    silhouetteIou: number;
  }[];
  /** Share of the surface that no picture shows, 0 to 1. */
  unseen: number;
  watertight: boolean;
  /** Separate pieces of the mesh. */
  parts: number;
  vertices: number;
  triangles: number;
  /** What picture would help most, or what to check; one sentence each. */
  advice: string[];
  /** Milliseconds per stage. */
  timings: Record<string, number>;
}

export interface GenerateOutput {
  glb: Uint8Array;
  report: GenerateReport;
}

export type Report = (progress: WorkerProgress) => void;
