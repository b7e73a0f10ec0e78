import type { Document, Texture } from '@gltf-transform/core';
import { MeshwrightError } from '../errors.js';
import type { ViewName } from './camera.js';
import { VIEW_NAMES, centreOf } from './camera.js';
import { invalidGlb } from './refusal.js';
import { cleanName } from './describe.js';
import { drawScene } from './draw.js';
import { encodePicture } from './encode.js';
import { blamingFile } from './blame.js';
import { load } from './load.js';
import { texturesOf } from './materials.js';
import { flattenScene } from './scene.js';
import type { RenderedView } from './sheet.js';
import { finishSheet, layOut } from './sheet.js';
import type { Style } from './style.js';
import { STYLES } from './style.js';
import { decodeTextures } from './textures.js';

/** Pictures of a model by a software rasteriser: no GPU, no browser, the same on every machine. */

export interface RenderOptions {
  /** One tile each, in this order; default front, right, back, three-quarter. */
  views?: readonly ViewName[] | undefined;
  /** Default `textured`. */
  style?: Style | undefined;
  /** Longest side of the picture in pixels, 256 to 1024; default 1024. */
  size?: number | undefined;
}

export interface RenderResult {
  /** At most 200 kB. */
  image: Uint8Array<ArrayBuffer>;
  mimeType: 'image/png' | 'image/jpeg';
  /** Pixels. */
  width: number;
  height: number;
  views: RenderedView[];
  /** The same in all views. */
  pixelsPerMeter: number;
  /** What the picture cannot show, one sentence each. */
  notes: string[];
}

const DEFAULT_VIEWS: readonly ViewName[] = ['front', 'right', 'back', 'three-quarter'];

/**
 * Draws a GLB from several sides into one picture: a sheet of square tiles, all at the same scale, each with the
 * name of its view.
 *
 * @throws MeshwrightError `invalid_arguments`, or `invalid_asset` for what is no GLB or has no triangles
 */
export async function render(bytes: Uint8Array, options: RenderOptions = {}): Promise<RenderResult> {
  const checked = checkOptions(options);
  return blamingFile(bytes, () => picture(bytes, checked));
}

async function picture(
  bytes: Uint8Array,
  { views, style, size }: ReturnType<typeof checkOptions>,
): Promise<RenderResult> {
  const { document, unsupported } = await load(bytes);
  const { all, color } = texturesToShow(document, style);
  const decoding = decodeTextures(all, color);
  const scene = flattenScene(document);
  if (scene.bounds === undefined || scene.triangles === 0) {
    throw invalidGlb('There is nothing to see in this GLB: its scene has no triangles.');
  }
  const { textures, failed } = await decoding;
  const notes = unsupported.map((name) => `The file requires ${cleanName(name)}, which is not shown.`);
  if (scene.otherPrimitives > 0)
    notes.push(`Points and lines are not shown: ${scene.otherPrimitives} primitives.`);
  if (failed.length > 0)
    notes.push(`Left out, because they cannot be decoded: ${failed.length} of ${all.size} textures.`);
  const sheet = layOut(views, size);
  const centre = centreOf(scene.bounds);
  const pixelsPerMeter = drawScene(scene, style, textures, sheet, centre);
  finishSheet(sheet);
  const { width, height } = sheet.picture;
  const { image, mimeType } = await encodePicture(sheet.picture);
  return { image: new Uint8Array(image), mimeType, width, height, views: sheet.views, pixelsPerMeter, notes };
}

function checkOptions(options: RenderOptions): { views: readonly ViewName[]; style: Style; size: number } {
  const { views = DEFAULT_VIEWS, style = 'textured', size = 1024 } = options;
  const fail = (field: string, sentence: string): MeshwrightError =>
    new MeshwrightError('invalid_arguments', sentence, { field });
  if (views.length === 0 || views.length > VIEW_NAMES.length || new Set(views).size < views.length) {
    throw fail(
      'views',
      `views takes 1 to ${VIEW_NAMES.length} different views of: ${VIEW_NAMES.join(', ')}.`,
    );
  }
  for (const view of views) {
    if (!VIEW_NAMES.includes(view))
      throw fail('views', `There is no view "${view}": use ${VIEW_NAMES.join(', ')}.`);
  }
  if (!STYLES.includes(style)) throw fail('style', `There is no style "${style}": use ${STYLES.join(', ')}.`);
  if (!Number.isInteger(size) || size < 256 || size > 1024)
    throw fail('size', 'size takes 256 to 1024 pixels.');
  return { views, style, size };
}

/** Only what the style shows: without textures it is the alpha of cut-out materials that still counts. */
function texturesToShow(document: Document, style: Style): { all: Set<Texture>; color: Set<Texture> } {
  const color = new Set<Texture>();
  const all = new Set<Texture>();
  const used = document
    .getRoot()
    .listMeshes()
    .flatMap((mesh) => mesh.listPrimitives().map((part) => part.getMaterial()));
  for (const material of new Set(used)) {
    if (!material) continue;
    const textures = texturesOf(material);
    if (style === 'textured') {
      for (const texture of textures.color) color.add(texture);
      for (const texture of [...textures.color, ...textures.data]) all.add(texture);
    } else if (textures.base && material.getAlphaMode() === 'MASK') {
      color.add(textures.base);
      all.add(textures.base);
    }
  }
  return { all, color };
}
