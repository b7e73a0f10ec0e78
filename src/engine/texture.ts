import { MeshwrightError } from '../errors.js';
import type { Hidden } from './bake.js';
import { bake } from './bake.js';
import { cutCharts } from './charts.js';
import type { Cutout } from './cutout.js';
import { withoutBackdrop } from './cutout.js';
import { diffuseColours } from './diffuse.js';
import { acrossRuns, aroundRim } from './hidden.js';
import { addPicture, addSeen, grazing, surfacePoint, visibility } from './look.js';
import type { Source } from './source.js';
import { inCutout, projectionOf, sourceOf } from './source.js';
import type { Surface } from './surface.js';
import { surfaceOf } from './surface.js';
import type { Mesh, Report, ShapeMode, View, ViewName } from './types.js';
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
 * @param views At least one; the first is taken for what must be made up.
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
  let area = 0;
  for (const faceArea of surface.faceAreas) area += faceArea;
  const [first] = views;
  if (!(area > 0) || !first) {
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
  const front = cutouts.find(({ view }) => view === first);
  const hidden =
    views.length > 1 || !front ? diffused(mesh, surface, sources) : madeUp(front.view, front.cutout, mode);
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

function madeUp(view: View, cutout: Cutout, mode: ShapeMode): Hidden {
  // A turned object keeps its own colours up to the rim: they only meet there.
  const picture = mode === 'lathe' ? cutout : mode === 'extrude' ? aroundRim(cutout) : acrossRuns(cutout);
  const placement = inCutout(view, cutout);
  return {
    kind: 'picture',
    picture,
    projection: projectionOf(placement, picture.width / cutout.width, picture.height / cutout.height),
  };
}

/** A vertex that the pictures show with at least this weight keeps its colour. */
const knownWeight = 2e-3;

function diffused(mesh: Mesh, { vertexNormals }: Surface, sources: readonly Source[]): Hidden {
  const count = mesh.positions.length / 3;
  const colours = new Float32Array(count * 3);
  const known = new Uint8Array(count);
  const point = surfacePoint();
  const sum = new Float64Array(4);
  const [first] = sources;
  for (let vertex = 0; vertex < count; vertex += 1) {
    for (let k = 0; k < 3; k += 1) {
      point.position[k] = mesh.positions[3 * vertex + k] ?? 0;
      point.normal[k] = vertexNormals[3 * vertex + k] ?? 0;
      point.faceNormal[k] = point.normal[k] ?? 0;
    }
    sum.fill(0);
    addSeen(sources, point, sum);
    if ((sum[3] ?? 0) >= knownWeight) known[vertex] = 1;
    else if (first) addPicture(first.picture, first.inPicture, point, 1, sum.fill(0));
    for (let k = 0; k < 3; k += 1) colours[3 * vertex + k] = (sum[k] ?? 0) / (sum[3] ?? 1);
  }
  diffuseColours(mesh, colours, known);
  return { kind: 'vertices', colours };
}

/** Places on a triangle that stand for a third of three quarters and the last quarter of its area. */
const probes = [
  [1 / 3, 1 / 3],
  [2 / 3, 1 / 6],
  [1 / 6, 2 / 3],
  [1 / 6, 1 / 6],
] as const;

function unseenShare({ positions, indices }: Mesh, surface: Surface, sources: readonly Source[]): number {
  const point = surfacePoint();
  let total = 0;
  let unseen = 0;
  for (let t = 0; t < surface.faceAreas.length; t += 1) {
    const area = surface.faceAreas[t] ?? 0;
    total += area;
    const cosineOf = ({ axis, sign }: Source): number => sign * (surface.faceNormals[3 * t + axis] ?? 0);
    const facing = sources.filter((source) => cosineOf(source) > grazing);
    for (const [l, m] of probes) {
      for (let k = 0; k < 3; k += 1) {
        const a = positions[3 * (indices[3 * t] ?? 0) + k] ?? 0;
        const b = positions[3 * (indices[3 * t + 1] ?? 0) + k] ?? 0;
        const c = positions[3 * (indices[3 * t + 2] ?? 0) + k] ?? 0;
        point.position[k] = a + l * (b - a) + m * (c - a);
      }
      if (!facing.some((source) => visibility(source, point, cosineOf(source)) > 0))
        unseen += area / probes.length;
    }
  }
  return unseen / total;
}
