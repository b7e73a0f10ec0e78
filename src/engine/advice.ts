import type { SilhouetteFit } from './fit.js';
import type { Shape } from './shape.js';
import type { GenerateInput, Mask, ViewName } from './types.js';

/** The argument that a view comes in. */
export const fieldOf: Readonly<Record<ViewName, string>> = {
  front: 'image_url',
  left: 'left_image_url',
  back: 'back_image_url',
  right: 'right_image_url',
  top: 'top_image_url',
};

export interface Findings {
  views: {
    name: ViewName;
    mask: Mask;
    fit: SilhouetteFit;
    /** Colours in common with the front view, 0 to 1. */
    colours: number;
  }[];
  shape: Pick<Shape, 'mesh' | 'mode' | 'parts' | 'isLimited' | 'overlaps'>;
  input: Pick<GenerateInput, 'depth' | 'shape' | 'targetTriangles'>;
}

const SURE = 0.5;
const AGREE = 0.85;
const FITS = 0.9;
/** Two sides of one object share more of their colours; most pairs of objects do not. */
const ALIKE = 0.35;

/** What to check and which picture would help most, the most useful first. */
export function adviceOn({ views, shape, input }: Findings): string[] {
  const names = new Set(views.map(({ name }) => name));
  const hasSide = names.has('left') || names.has('right');
  const advice: string[] = [];

  if (!hasSide && !names.has('top')) {
    advice.push(
      `The depth is a guess, because one silhouette does not show it: a left_image_url (the same object seen from its left at 90 degrees) would help most${input.depth === undefined ? ', or set depth' : ''}.`,
    );
  }
  for (const { name, mask } of views) {
    if (mask.confidence >= SURE) continue;
    advice.push(
      `The cut-out of ${fieldOf[name]} is uncertain (confidence ${mask.confidence.toFixed(2)}): check the result, and send a picture with a transparent or plain background${name === 'front' ? ' or a mask_url' : ''} if it is wrong.`,
    );
  }
  advice.push(...disagreements(views, shape));
  if (input.depth !== undefined && shape.mode === 'hull') {
    advice.push('depth was not used, because a picture shows the depth.');
  }
  for (const { name, fit } of views) {
    if (fit.lostParts === 0) continue;
    advice.push(
      `${fit.lostParts === 1 ? 'A part' : `${fit.lostParts} parts`} of the silhouette in ${fieldOf[name]} ${fit.lostParts === 1 ? 'is' : 'are'} missing from the mesh: too thin for the grid, or not in the other pictures.`,
    );
  }
  if (shape.parts > 1) {
    advice.push(`The mesh has ${shape.parts} separate pieces; that is right only if the object has.`);
  }
  if (hasSide && !names.has('top') && advice.length === 0) {
    advice.push('For wings, fins or a base of its own outline, a top_image_url would help most.');
  }
  if (shape.isLimited) {
    const count = (number: number): string => number.toLocaleString('en-US');
    advice.push(
      `target_triangles: ${count(input.targetTriangles)} are too few for this shape, which would lose its form or break; it was reduced no further than to ${count(shape.mesh.indices.length / 3)}.`,
    );
  }
  return advice;
}

function disagreements(views: Findings['views'], { overlaps }: Findings['shape']): string[] {
  const found: string[] = [];
  const pairs = [
    ['image_url and back_image_url', overlaps.front],
    ['left_image_url and right_image_url', overlaps.side],
  ] as const;
  for (const [fields, overlap] of pairs) {
    if (overlap === undefined || overlap >= AGREE) continue;
    found.push(
      `${fields} should show one silhouette mirrored, but overlap by ${overlap.toFixed(2)} only: check that they show the same object in the same pose, straight from opposite sides.`,
    );
  }
  for (const { name, colours } of views) {
    // From above an object often shows colours that no side has.
    if (name === 'top' || colours >= ALIKE) continue;
    found.push(
      `${fieldOf[name]} and image_url share ${Math.round(100 * colours)} % of their colours: check that they show the same object.`,
    );
  }
  for (const { name, fit } of views) {
    if (fit.iou >= FITS || fit.lostParts > 0) continue;
    found.push(
      `The model fits the silhouette of ${fieldOf[name]} by ${fit.iou.toFixed(2)} only: the pictures may not show the same object at 90 degrees to each other.`,
    );
  }
  return found;
}
