import type { Document, Node } from '@gltf-transform/core';
import { cleanName } from './describe.js';
import type { FlatScene } from './scene.js';
import type {
  Inspection,
  InspectionWarning,
  MaterialInfo,
  TextureInfo,
  Vector3,
  WarningCode,
} from './types.js';

/** What may cause trouble with a model, and what its owner can do about it. */

export interface Findings {
  found: Omit<Inspection, 'warnings'>;
  /** All of them, not only those that are told. */
  materials: MaterialInfo[];
  textures: TextureInfo[];
  scene: FlatScene;
  document: Document;
  /** Extensions that the file requires and that are not understood. */
  unsupported: string[];
}

const REAL_TIME_TRIANGLES = 200_000;
const LARGE_TEXTURE = 4096;

/** Worst first. */
export function warningsFor(findings: Findings): InspectionWarning[] {
  const { found } = findings;
  const warnings = [invalid(findings), unsupported(findings)];
  if (found.size === null) warnings.unshift(empty(findings));
  else {
    warnings.push(insideOut(findings), extremeSize(found.size), scaledNodes(findings), offOrigin(findings));
    warnings.push(helpers(findings), noNormals(findings), noUvs(findings), missingMaterials(findings));
    warnings.push(bareMetal(findings), notWatertight(findings), flipped(findings), degenerate(findings));
    warnings.push(manyTriangles(findings));
  }
  warnings.push(largeTextures(findings), oddTextures(findings), damagedTextures(findings));
  return warnings.filter((warning) => warning !== undefined);
}

type Maybe = InspectionWarning | undefined;

const warn = (code: WarningCode, message: string, fix: string): InspectionWarning => ({ code, message, fix });

function empty({ scene }: Findings): Maybe {
  const others =
    scene.otherPrimitives > 0 ? `; it has ${scene.otherPrimitives} primitives of points or lines` : '';
  return warn(
    'empty',
    `The scene has no triangles${others}.`,
    'Generate or export the model again, and check that its objects are visible and part of the default scene.',
  );
}

function invalid({ found: { validation } }: Findings): Maybe {
  if (validation.valid) return undefined;
  const [first] = validation.issues;
  return warn(
    'invalid',
    `The Khronos validator finds ${count(validation.errors, 'error')}${first ? `, first ${first.code} at ${first.pointer ?? '/'}` : ''}.`,
    'Strict programs may refuse the file: import it into a 3D program and export it as GLB again, or optimise it, which writes it anew.',
  );
}

function unsupported({ unsupported: names }: Findings): Maybe {
  if (names.length === 0) return undefined;
  return warn(
    'unsupported_extension',
    `The file requires ${names.map(cleanName).join(', ')}, which is not understood here: what it describes is left out of all figures.`,
    'Export the model without this extension if other programs fail to open it, too.',
  );
}

function insideOut({ found: { surface } }: Findings): Maybe {
  if (surface.volume === null || surface.volume >= 0) return undefined;
  return warn(
    'inside_out',
    'The surface is inside out: its faces point inwards, so that most programs show the far side from within.',
    'Flip the normals in a 3D program (Blender: select all in edit mode, Mesh > Normals > Recalculate Outside).',
  );
}

function extremeSize(size: Vector3): Maybe {
  const largest = Math.max(...size);
  const what = `The model is ${metres(largest)} along its longest side`;
  if (largest > 100) {
    return warn(
      'huge',
      `${what}: it was perhaps made in centimetres.`,
      'Scale the root node, by 0.01 if the units were centimetres.',
    );
  }
  if (largest < 0.01) {
    return warn(
      'tiny',
      `${what}: it may be too small to be found in a scene.`,
      'Scale the root node, by 100 or 1000, to its real size.',
    );
  }
  return undefined;
}

/** Not the dequantisation that compressors put into nodes. */
function scaledNodes({ scene }: Findings): Maybe {
  let culprit: { node: Node; scale: number } | undefined;
  for (const node of scene.worlds.keys()) {
    const quantized = node
      .getMesh()
      ?.listPrimitives()
      .some((primitive) => isQuantized(primitive.getAttribute('POSITION')?.getArray()));
    const scale = Math.max(...node.getScale().map(Math.abs));
    if (!quantized && scale > 0 && (scale >= 50 || scale <= 0.02)) culprit ??= { node, scale };
  }
  if (!culprit) return undefined;
  const { node, scale } = culprit;
  return warn(
    'scaled_nodes',
    `Node "${cleanName(node.getName())}" scales its contents by ${Number(scale.toPrecision(3))}: programs that ignore it show the model ${scale > 1 ? 'far too small' : 'far too large'}, and physics and animations may go wrong.`,
    'Apply the scale to the vertices (Blender: Object > Apply > Scale, armature included) and export again.',
  );
}

function isQuantized(positions: ArrayBufferView | null | undefined): boolean {
  return positions !== null && positions !== undefined && !(positions instanceof Float32Array);
}

function offOrigin({ found: { bounds, size } }: Findings): Maybe {
  if (!bounds || !size) return undefined;
  const slack = 0.5 * Math.max(...size);
  const gap = Math.hypot(...bounds.min.map((low, axis) => Math.max(low, -(bounds.max[axis] ?? 0), 0)));
  if (gap <= slack) return undefined;
  return warn(
    'off_origin',
    `The model lies ${metres(gap)} away from the origin, which it turns and scales about.`,
    'Move it so that the origin is at its feet or its centre, and apply the location.',
  );
}

const HELPER_NAME =
  /^(ico_?sphere|sphere|cube|plane|cone|cylinder|empty|helper|gizmo|target|collider|ucx_|proxy|dummy|bone_?shape|light|camera)/i;

/** Small extra meshes beside one large one, by their names; or what is left unskinned in a rigged model. */
function helpers({ scene, found }: Findings): Maybe {
  const triangles = new Map<Node, number>();
  for (const { node, indices } of scene.primitives) {
    triangles.set(node, (triangles.get(node) ?? 0) + indices.length / 3);
  }
  const largest = Math.max(...triangles.values());
  const rigged = [...triangles.keys()].some((node) => node.getSkin() !== null);
  const suspects = [...triangles].filter(([node, own]) => {
    if (own >= 0.02 * found.triangles) return false;
    const named = HELPER_NAME.test(node.getName()) || HELPER_NAME.test(node.getMesh()?.getName() ?? '');
    return rigged ? !node.getSkin() : named && largest >= 0.9 * found.triangles;
  });
  if (suspects.length === 0) return undefined;
  const names = suspects
    .slice(0, 3)
    .map(([node]) => `"${cleanName(node.getName() || (node.getMesh()?.getName() ?? ''))}"`);
  return warn(
    'helper_objects',
    `${names.join(', ')}${suspects.length > 3 ? ` and ${suspects.length - 3} more` : ''} may be helper objects that were exported along with the model; they count in its size.`,
    'Look at it with view_asset, and delete them in a 3D program if they do not belong to it.',
  );
}

function noNormals({ scene, found }: Findings): Maybe {
  const without = scene.primitives.filter(({ normals }) => !normals).length;
  if (without === 0) return undefined;
  return warn(
    'no_normals',
    `${share(without, found.primitives)} without normals: facets are shown flat.`,
    'Compute smooth normals in a 3D program (Blender: Object > Shade Smooth) if the shape is to look round.',
  );
}

function noUvs({ scene, found }: Findings): Maybe {
  const without = scene.primitives.filter(({ uvs }) => !uvs[0]).length;
  if (without === 0) return undefined;
  return warn(
    'no_uvs',
    `${share(without, found.primitives)} without texture coordinates: no texture can be put on.`,
    'Unwrap the model in a 3D program (Blender: UV > Smart UV Project), or generate it with textures.',
  );
}

function missingMaterials({ scene, found }: Findings): Maybe {
  const without = scene.primitives.filter(({ material }) => !material).length;
  if (without === 0) return undefined;
  return warn(
    'missing_materials',
    `${share(without, found.primitives)} without a material: programs show a default grey or white, often as metal.`,
    'Assign a material, or generate the model with textures.',
  );
}

function bareMetal({ scene, document, materials }: Findings): Maybe {
  const drawn = new Set(scene.primitives.map(({ material }) => material));
  const all = document.getRoot().listMaterials();
  const metal = materials.filter(
    (info, i) =>
      drawn.has(all[i] ?? null) &&
      info.metallic > 0.9 &&
      info.textures.metallicRoughness === undefined &&
      !info.unlit,
  );
  if (metal.length === 0) return undefined;
  return warn(
    'metal_without_texture',
    `${count(metal.length, 'material')} fully metallic without a metallic-roughness texture: black in programs without an environment to mirror.`,
    'Set the metallic factor to 0 unless the object is bare metal.',
  );
}

function notWatertight({ found: { surface } }: Findings): Maybe {
  if (surface.watertight) return undefined;
  return warn(
    'not_watertight',
    `The surface is not watertight: ${count(surface.boundaryEdges, 'edge')} at holes, ${count(surface.nonManifoldEdges, 'edge')} shared by more than two triangles.`,
    'This matters for 3D printing, physics and cutting only: close it there with a mesh repair (Blender: 3D Print Toolbox > Make Manifold).',
  );
}

function flipped({ found: { surface } }: Findings): Maybe {
  if (surface.flippedEdges === 0) return undefined;
  return warn(
    'flipped_faces',
    `At ${count(surface.flippedEdges, 'edge')} neighbouring triangles face opposite ways: parts of the surface may be invisible.`,
    'Recalculate the normals to the outside in a 3D program, or make the material double-sided.',
  );
}

function degenerate({ found: { surface, triangles } }: Findings): Maybe {
  if (surface.degenerateTriangles <= triangles / 1000) return undefined;
  return warn(
    'degenerate_triangles',
    `${surface.degenerateTriangles} of ${triangles} triangles have no area.`,
    'They cost time and confuse tools: merge by distance in a 3D program, or simplify the model with optimize_asset.',
  );
}

function manyTriangles({ found: { triangles } }: Findings): Maybe {
  if (triangles <= REAL_TIME_TRIANGLES) return undefined;
  return warn(
    'many_triangles',
    `${triangles} triangles are too many for games, the web and phones (up to ${REAL_TIME_TRIANGLES} do well).`,
    'Simplify it with optimize_asset, or generate it again with a lower target.',
  );
}

function largeTextures({ textures }: Findings): Maybe {
  const large = textures.filter(({ width, height }) => Math.max(width ?? 0, height ?? 0) > LARGE_TEXTURE);
  if (large.length === 0) return undefined;
  return warn(
    'large_textures',
    `${count(large.length, 'texture')} larger than ${LARGE_TEXTURE} pixels: phones and browsers may refuse it.`,
    'Scale the textures down to 2048 or 4096 with optimize_asset.',
  );
}

function oddTextures({ textures }: Findings): Maybe {
  const isPower = (side: number | null): boolean => side === null || Number.isInteger(Math.log2(side));
  const odd = textures.filter(({ width, height }) => !isPower(width) || !isPower(height));
  const [first] = odd;
  if (!first) return undefined;
  return warn(
    'odd_texture_size',
    `${count(odd.length, 'texture')} with sides that are no powers of two (${first.width} × ${first.height}): some engines scale or refuse them, and they cannot be compressed for graphics cards.`,
    'Scale the images to the next power of two (512, 1024, 2048, …).',
  );
}

function damagedTextures({ textures }: Findings): Maybe {
  const damaged = textures.filter(({ width }) => width === null);
  if (damaged.length === 0) return undefined;
  return warn(
    'damaged_textures',
    `${count(damaged.length, 'texture')} cannot be read.`,
    'Download or generate the model again; if that does not help, replace the images in a 3D program.',
  );
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function share(part: number, all: number): string {
  return part === all ? 'The model is' : `${part} of ${all} primitives are`;
}

function metres(value: number): string {
  return `${Number(value.toPrecision(3))} m`;
}
