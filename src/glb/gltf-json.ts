import type { GLTF } from '@gltf-transform/core';
import * as z from 'zod';
import { invalidGlb } from './refusal.js';
import { LIMITS } from './limits.js';

/**
 * The part of the glTF JSON that decides how much is read from where. Everything else passes through: it is
 * read by libraries that ignore what they do not know.
 */

const index = z.int().nonnegative();
const bytes = z.int().nonnegative();
const list = <Item extends z.ZodType>(item: Item) => z.array(item).max(LIMITS.items).optional();

const componentType = z.literal([5120, 5121, 5122, 5123, 5125, 5126, 5130, 5131]);
const accessorType = z.enum(['SCALAR', 'VEC2', 'VEC3', 'VEC4', 'MAT2', 'MAT3', 'MAT4']);

const meshopt = z.looseObject({
  buffer: index,
  byteOffset: bytes.optional(),
  byteLength: bytes,
  byteStride: z.int().min(1).max(256),
  count: bytes,
  mode: z.enum(['ATTRIBUTES', 'TRIANGLES', 'INDICES']),
});

const bufferView = z.looseObject({
  buffer: index,
  byteOffset: bytes.optional(),
  byteLength: bytes,
  byteStride: z.int().min(1).max(252).optional(),
  extensions: z.looseObject({ EXT_meshopt_compression: meshopt.optional() }).optional(),
});

const accessor = z.looseObject({
  bufferView: index.optional(),
  byteOffset: bytes.optional(),
  componentType,
  type: accessorType,
  count: z.int().nonnegative(),
  sparse: z
    .looseObject({
      count: z.int().nonnegative(),
      indices: z.looseObject({ bufferView: index, byteOffset: bytes.optional(), componentType }),
      values: z.looseObject({ bufferView: index, byteOffset: bytes.optional() }),
    })
    .optional(),
});

const attributes = z.record(z.string(), index);

const primitive = z.looseObject({
  attributes,
  indices: index.optional(),
  material: index.optional(),
  mode: z.int().min(0).max(6).optional(),
  targets: z.array(attributes).max(1000).optional(),
  extensions: z
    .looseObject({
      KHR_draco_mesh_compression: z.looseObject({ bufferView: index, attributes }).optional(),
    })
    .optional(),
});

const node = z.looseObject({
  children: z.array(index).optional(),
  mesh: index.optional(),
  skin: index.optional(),
  camera: index.optional(),
});

const texture = z.looseObject({ source: index.optional() });

const gltf = z.looseObject({
  asset: z.looseObject({ version: z.string() }),
  extensionsUsed: list(z.string()),
  extensionsRequired: list(z.string()),
  scene: index.optional(),
  scenes: list(z.looseObject({ nodes: z.array(index).max(LIMITS.items).optional() })),
  nodes: list(node),
  meshes: list(z.looseObject({ primitives: z.array(primitive).min(1).max(LIMITS.items) })),
  materials: list(z.looseObject({})),
  textures: list(texture),
  images: list(
    z.looseObject({
      uri: z.string().optional(),
      bufferView: index.optional(),
      mimeType: z.string().optional(),
    }),
  ),
  skins: list(
    z.looseObject({ joints: z.array(index).max(LIMITS.items), inverseBindMatrices: index.optional() }),
  ),
  animations: list(
    z.looseObject({ channels: z.array(z.looseObject({})), samplers: z.array(z.looseObject({})) }),
  ),
  accessors: list(accessor),
  bufferViews: list(bufferView),
  buffers: list(z.looseObject({ uri: z.string().optional(), byteLength: bytes })),
});

export type GltfJson = z.infer<typeof gltf>;
export type AccessorJson = z.infer<typeof accessor>;
export type BufferViewJson = z.infer<typeof bufferView>;
export type PrimitiveJson = z.infer<typeof primitive>;

/** A glTF document as this module checked it and as gltf-transform wants it; the same object. */
export interface ParsedGltf {
  checked: GltfJson;
  source: GLTF.IGLTF;
}

/** @throws MeshwrightError `invalid_asset` that names the first place with a wrong type or value */
export function parseGltf(json: unknown): ParsedGltf {
  const result = gltf.safeParse(json);
  if (!result.success) {
    const issue = result.error.issues[0];
    const where = issue === undefined || issue.path.length === 0 ? 'its root' : pathText(issue.path);
    if (issue?.code === 'too_big' && issue.origin === 'array') {
      throw invalidGlb(
        `This GLB has more than ${issue.maximum} entries in ${where}, over the limit: use a simplified or merged version.`,
      );
    }
    throw invalidGlb(
      `The glTF JSON in this GLB is malformed at ${where}: ${issue?.message ?? 'unknown'}. Export it again.`,
    );
  }
  const { version } = result.data.asset;
  if (version !== '2.0') {
    throw invalidGlb(
      `The glTF in this GLB is of version ${version.slice(0, 20)}, only 2.0 can be read: export it as glTF 2.0.`,
    );
  }
  if (!isGltf(json)) throw invalidGlb('The glTF JSON in this GLB is malformed. Export it again.');
  return { checked: result.data, source: json };
}

/** Only called with what the schema has accepted. */
function isGltf(json: unknown): json is GLTF.IGLTF {
  return typeof json === 'object' && json !== null && 'asset' in json;
}

function pathText(path: PropertyKey[]): string {
  return path.reduce<string>(
    (text, key) =>
      typeof key === 'number' ? `${text}[${key}]` : `${text}${text && '.'}${String(key).slice(0, 80)}`,
    '',
  );
}
