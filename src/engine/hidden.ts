import type { Picture } from './bleed.js';
import type { Placement } from './camera.js';
import type { Cutout } from './cutout.js';
import { diffuseColours } from './diffuse.js';
import { addPicture, addSeen, surfacePoint } from './look.js';
import { acrossRuns, aroundRim } from './rim-colours.js';
import type { Projection, Source } from './source.js';
import { inCutout, projectionOf } from './source.js';
import type { Mesh, ShapeMode } from './types.js';

/** What colours a point that no source sees: a picture of its place, or colours of the source mesh's vertices. */
export type Hidden =
  { kind: 'picture'; picture: Picture; projection: Projection } | { kind: 'vertices'; colours: Float32Array };

/** From the only picture there is. */
export function madeUp(view: Placement, cutout: Cutout, mode: ShapeMode): Hidden {
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

/** From what the sources show, run over the mesh; parts that none shows take the first picture at their place. */
export function diffused(mesh: Mesh, vertexNormals: Float32Array, sources: readonly Source[]): Hidden {
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
