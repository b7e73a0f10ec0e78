import { MeshwrightError } from '../errors.js';
import { bake } from './bake.js';
import { cutCharts } from './charts.js';
import { withoutBackdrop } from './cutout.js';
import { diffused, madeUp } from './hidden.js';
import { sourceOf } from './source.js';
import { surfaceOf } from './surface.js';
import type { Mesh, Report, ShapeMode, View, ViewName } from './types.js';
import { unseenShare } from './unseen.js';
import { unwrap } from './unwrap.js';
import { writeGlb } from './write.js';

export interface TextureOptions {
  /** How the shape was made; it says what the hidden sides of a single picture look like. */
  mode: ShapeMode;
  /** Side of the square texture, pixels. */
  textureSize: number;
}

export interface TextureOutput {
  /** Binary glTF 2.0 with one mesh, one material and one embedded texture. */
  glb: Uint8Array;
  /** Vertices of the file: those on texture seams count once for each chart. */
  vertices: number;
  triangles: number;
  /** Share of the surface that no picture shows, 0 to 1. */
  unseen: number;
}

/** Share of the atlas that charts are expected to fill, before they are packed. */
const expectedFill = 0.5;

/**
 * Paints a mesh with the pictures it was made from and writes it as a GLB. The same input gives the same bytes.
 *
 * What several pictures show is blended. What none shows is made up quietly: with one picture from its rim
 * (`inflate`, `hull`), or as its mirror image (`lathe`, `extrude`); with several by mirroring a side picture to
 * the other side and by colours that run over the surface.
 *
 * @param views At least one, the front first.
 * @throws MeshwrightError `generation_failed` when the mesh has no surface or falls into too many pieces.
 */
export async function texture(
  mesh: Mesh,
  views: readonly View[],
  { mode, textureSize }: TextureOptions,
  report: Report,
): Promise<TextureOutput> {
  report({ fraction: 0, stage: 'cutting the surface into charts' });
  const surface = surfaceOf(mesh);
  const area = surface.faceAreas.reduce((sum, one) => sum + one, 0);
  if (!(area > 0)) {
    throw new MeshwrightError(
      'generation_failed',
      'The shape has no surface to paint. Give a larger picture.',
    );
  }
  const texelsPerMetre = textureSize * Math.sqrt(expectedFill / area);
  const unwrapped = unwrap(mesh, surface, cutCharts(mesh, surface, texelsPerMetre), textureSize);
  if (!unwrapped) {
    throw new MeshwrightError(
      'generation_failed',
      `The shape falls into too many pieces for a texture of ${textureSize} pixels. Give a cleaner picture or a larger texture_size.`,
    );
  }

  report({ fraction: 0.15, stage: 'preparing the pictures' });
  const cutouts = views.map((view) => ({
    view,
    cutout: withoutBackdrop(view, reduction(view, texelsPerMetre)),
  }));
  const real = cutouts.map(({ view, cutout }) => sourceOf(mesh, view, cutout, false));
  const guesses = cutouts
    .filter(({ view }) => isMirrored(view.name, views, mode))
    .map(({ view, cutout }) => sourceOf(mesh, view, cutout, true));
  const sources = [...real, ...guesses];

  report({ fraction: 0.35, stage: 'baking the texture' });
  const [only, ...others] = cutouts;
  const hidden =
    only && others.length === 0
      ? madeUp(only.view, only.cutout, mode)
      : diffused(mesh, surface.vertexNormals, sources);
  const atlas = bake(unwrapped, surface, sources, hidden, textureSize);

  report({ fraction: 0.9, stage: 'writing the model' });
  const glb = await writeGlb(unwrapped, atlas);
  report({ fraction: 1, stage: 'the model is written' });
  return {
    glb,
    vertices: unwrapped.positions.length / 3,
    triangles: unwrapped.indices.length / 3,
    unseen: unseenShare(mesh, surface, real),
  };
}

/** Pictures finer than the atlas are made smaller by a whole number: they would only flicker. */
function reduction({ metresPerPixelX, metresPerPixelY }: View, texelsPerMetre: number): number {
  const pixelsPerTexel = 1 / (Math.max(metresPerPixelX, metresPerPixelY) * texelsPerMetre);
  return Math.max(1, Math.floor(pixelsPerTexel));
}

/**
 * Whether a picture is also taken for the other side. Most objects are alike on their left and right; a front
 * put on a back would give heads two faces, so that is only done for turned and cut-out shapes.
 */
function isMirrored(name: ViewName, views: readonly View[], mode: ShapeMode): boolean {
  const has = (other: ViewName): boolean => views.some((view) => view.name === other);
  if (name === 'left') return !has('right');
  if (name === 'right') return !has('left');
  return name === 'front' && !has('back') && (mode === 'lathe' || mode === 'extrude');
}
