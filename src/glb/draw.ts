import type { Material, Texture } from '@gltf-transform/core';
import type { Projection, Vec3 } from './camera.js';
import { cameraOf, extentOf, project } from './camera.js';
import type { Picture } from './label.js';
import type { SurfaceMaterial } from './materials.js';
import { surfaceMaterial } from './materials.js';
import { ambientOcclusion } from './occlusion.js';
import type { Target } from './raster.js';
import { clearTarget, createTarget, rasterize } from './raster.js';
import type { FlatScene, ScenePrimitive } from './scene.js';
import { Shader } from './shade.js';
import type { RenderedView, Sheet } from './sheet.js';
import { BACKGROUND } from './sheet.js';
import type { Style } from './style.js';
import type { MipTexture } from './textures.js';
import { linearToSrgb, toLinear } from './textures.js';
import { Triangle } from './triangle.js';

/** Draws a scene into the tiles of a sheet: two passes per view, see `raster.ts` and `shade.ts`. */

/** Samples per pixel along each axis; `resolve` counts on two. */
const SAMPLES = 2;
/** Share of a tile that the largest view fills. */
const FRAME = 0.86;
/** How far below the middle it stands, as a share of the tile: above is the name of the view. */
const DROP = 0.02;

/** A primitive on its way through the passes. */
interface Entry {
  primitive: ScenePrimitive;
  material: SurfaceMaterial;
  triangle: Triangle;
  /** x, y in samples and depth of every vertex, in the view that is being drawn. */
  points: Float32Array;
  /** Ids of its triangles: the first, and one past the last. */
  firstId: number;
  endId: number;
}

/** @returns the scale, the same in all views: pixels per metre */
export function drawScene(
  scene: FlatScene,
  style: Style,
  textures: ReadonlyMap<Texture, MipTexture>,
  sheet: Sheet,
  centre: Vec3,
): number {
  const entries = prepare(scene.primitives, style, textures);
  const side = sheet.tile * SAMPLES;
  const target = createTarget(side, side);
  const views = sheet.views.map((view) => {
    const camera = cameraOf(view.name);
    return { view, camera, extent: extentOf(scene.primitives, centre, camera) };
  });
  const widest = Math.max(...views.map(({ extent: { x, y } }) => Math.max(x[1] - x[0], y[1] - y[0])));
  // A scene may be a single point.
  const scale = widest > 0 ? (FRAME * side) / widest : 1;
  for (const { view, camera, extent } of views) {
    const originX = side / 2 - (scale * (extent.x[0] + extent.x[1])) / 2;
    const originY = side * (0.5 + DROP) + (scale * (extent.y[0] + extent.y[1])) / 2;
    rasterizeAll(target, entries, style, { camera, centre, scale, originX, originY });
    const occlusion = ambientOcclusion(target, SAMPLES, scale);
    resolve(target, entries, new Shader(style, camera), occlusion, sheet.picture, view);
  }
  return scale / SAMPLES;
}

function prepare(
  primitives: readonly ScenePrimitive[],
  style: Style,
  textures: ReadonlyMap<Texture, MipTexture>,
): Entry[] {
  const materials = new Map<Material | null, SurfaceMaterial>();
  let firstId = 1;
  return primitives.map((primitive) => {
    const material =
      materials.get(primitive.material) ?? styled(surfaceMaterial(primitive.material, textures), style);
    materials.set(primitive.material, material);
    const endId = firstId + primitive.indices.length / 3;
    const triangle = new Triangle(primitive, material, style);
    const entry = {
      primitive,
      material,
      triangle,
      points: new Float32Array(primitive.positions.length),
      firstId,
      endId,
    };
    firstId = endId;
    return entry;
  });
}

/** Glass has a shape, too: only cut-out parts stay away where the shape is what is to be seen. */
function styled(material: SurfaceMaterial, style: Style): SurfaceMaterial {
  return style === 'textured' || material.alpha !== 'blend' ? material : { ...material, alpha: 'opaque' };
}

function rasterizeAll(target: Target, entries: readonly Entry[], style: Style, projection: Projection): void {
  clearTarget(target);
  for (const { primitive, material, points, firstId } of entries) {
    project(primitive.positions, projection, points);
    const cull = !material.doubleSided && (style === 'textured' || style === 'normals');
    rasterize(target, primitive, points, firstId, { cull, material });
  }
}

/** Shades what is seen and averages the samples of each pixel in linear light. */
function resolve(
  target: Target,
  entries: readonly Entry[],
  shader: Shader,
  occlusion: Float32Array,
  picture: Picture,
  view: RenderedView,
): void {
  const { rgb } = shader;
  const background = BACKGROUND.map((value) => toLinear[value] ?? 0);
  const ids = new Uint32Array(4);
  const sum = new Float64Array(3);
  let id = 0;
  let entry: Entry | undefined;
  for (let py = 0; py < view.height; py++) {
    for (let px = 0; px < view.width; px++) {
      const covered = readSamples(target, px, py, ids);
      if (covered === 0) continue;
      const open = occlusion[py * view.width + px] ?? 1;
      // Where triangles are smaller than samples, two of four show enough of them.
      const step = covered === 4 && allDiffer(ids) ? 3 : 1;
      let shaded = 0;
      sum.fill(0);
      for (let s = 0; s < 4; s += step) {
        const seen = ids[s] ?? 0;
        if (seen === 0) continue;
        if (seen !== id || !entry) {
          if (!entry || seen < entry.firstId || seen >= entry.endId) entry = ownerOf(entries, seen);
          if (!entry) continue;
          entry.triangle.set(seen - entry.firstId, entry.points);
          id = seen;
        }
        entry.triangle.moveTo(SAMPLES * px + (s & 1) + 0.5, SAMPLES * py + (s >> 1) + 0.5);
        shader.shade(entry.triangle, open);
        for (let c = 0; c < 3; c++) sum[c] = (sum[c] ?? 0) + (rgb[c] ?? 0);
        shaded++;
      }
      const at = 3 * ((view.y + py) * picture.width + view.x + px);
      const share = covered / 4;
      for (let c = 0; c < 3; c++) {
        picture.data[at + c] = linearToSrgb(
          (share * (sum[c] ?? 0)) / shaded + (1 - share) * (background[c] ?? 0),
        );
      }
    }
  }
}

/** The ids of a pixel's samples: upper left, upper right, lower left, lower right. Answers how many show something. */
function readSamples({ ids, width }: Target, px: number, py: number, out: Uint32Array): number {
  const at = SAMPLES * (py * width + px);
  const a = (out[0] = ids[at] ?? 0);
  const b = (out[1] = ids[at + 1] ?? 0);
  const c = (out[2] = ids[at + width] ?? 0);
  const d = (out[3] = ids[at + width + 1] ?? 0);
  return (a && 1) + (b && 1) + (c && 1) + (d && 1);
}

function allDiffer(ids: Uint32Array): boolean {
  const a = ids[0];
  const b = ids[1];
  const c = ids[2];
  const d = ids[3];
  return a !== b && a !== c && a !== d && b !== c && b !== d && c !== d;
}

/** The primitive that a triangle belongs to, by bisection. */
function ownerOf(entries: readonly Entry[], id: number): Entry | undefined {
  let low = 0;
  let high = entries.length;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.firstId ?? Infinity) <= id) low = middle;
    else high = middle;
  }
  return entries[low];
}
