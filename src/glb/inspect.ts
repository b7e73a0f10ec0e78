import {
  cleanName,
  describeAnimations,
  describeMaterials,
  describeSkins,
  describeTextures,
} from './describe.js';
import { blamingFile } from './blame.js';
import { load } from './load.js';
import type { FlatScene, ScenePrimitive } from './scene.js';
import { flattenScene } from './scene.js';
import { surfaceOf } from './topology.js';
import type { AttributeInfo, Coverage, Inspection, Vector3 } from './types.js';
import { validate } from './validate.js';
import { warningsFor } from './warnings.js';

/** Entries of a list that are told; a file may have thousands. */
const MAX_ITEMS = 50;

/**
 * Everything worth knowing about a GLB, as plain JSON: what it holds, how large it is in metres, whether the
 * validator and a 3D printer would take it, and what may cause trouble with how to mend it.
 *
 * @throws MeshwrightError `invalid_asset` when it is no GLB or cannot be decoded; `too_large`
 */
export function inspect(bytes: Uint8Array): Promise<Inspection> {
  return blamingFile(bytes, () => look(bytes));
}

async function look(bytes: Uint8Array): Promise<Inspection> {
  const { document, json, unsupported } = await load(bytes);
  const validation = await validate(bytes);
  const scene = flattenScene(document);
  const root = document.getRoot();
  const materials = describeMaterials(document);
  const textures = describeTextures(document);
  const animations = describeAnimations(document);
  const skins = describeSkins(document);
  const { bounds } = scene;
  const found: Omit<Inspection, 'warnings'> = {
    sizeBytes: bytes.length,
    ...assetText(json.asset),
    validation,
    vertices: scene.vertices,
    triangles: scene.triangles,
    primitives: scene.primitives.length,
    meshes: root.listMeshes().length,
    nodes: root.listNodes().length,
    materials: materials.slice(0, MAX_ITEMS),
    materialCount: materials.length,
    textures: textures.slice(0, MAX_ITEMS),
    textureCount: textures.length,
    textureGpuBytes: textures.reduce((sum, texture) => sum + (texture.gpuBytes ?? 0), 0),
    animations: animations.slice(0, MAX_ITEMS),
    animationCount: animations.length,
    skins: skins.slice(0, MAX_ITEMS),
    skinCount: skins.length,
    extensionsUsed: extensions(json.extensionsUsed),
    extensionsRequired: extensions(json.extensionsRequired),
    bounds: bounds ? { min: rounded(bounds.min), max: rounded(bounds.max) } : null,
    size: bounds ? rounded(sizeOf(bounds)) : null,
    surface: surfaceOf(scene.primitives, bounds),
    attributes: attributesOf(scene),
  };
  return { ...found, warnings: warningsFor({ found, materials, textures, scene, document, unsupported }) };
}

function assetText(asset: { generator?: unknown; copyright?: unknown }): {
  generator?: string;
  copyright?: string;
} {
  const out: { generator?: string; copyright?: string } = {};
  if (typeof asset.generator === 'string') out.generator = cleanName(asset.generator);
  if (typeof asset.copyright === 'string') out.copyright = cleanName(asset.copyright);
  return out;
}

function extensions(names: readonly string[] = []): string[] {
  return names.slice(0, MAX_ITEMS).map(cleanName);
}

function sizeOf({ min, max }: { min: Vector3; max: Vector3 }): Vector3 {
  return [max[0] - min[0], max[1] - min[1], max[2] - min[2]];
}

/** Six significant digits: more than 32-bit numbers that went through a transform can promise. */
function rounded(vector: Vector3): Vector3 {
  const [x, y, z] = vector.map((value) => Number(value.toPrecision(6)));
  return [x ?? 0, y ?? 0, z ?? 0];
}

function attributesOf({ primitives }: FlatScene): AttributeInfo {
  const coverage = (has: (primitive: ScenePrimitive) => boolean): Coverage => {
    const count = primitives.filter(has).length;
    if (count === 0) return 'none';
    return count === primitives.length ? 'all' : 'some';
  };
  return {
    normals: coverage(({ normals }) => normals !== undefined),
    uvs: coverage(({ uvs }) => uvs[0] !== undefined),
    vertexColors: coverage(({ colors }) => colors !== undefined),
  };
}
