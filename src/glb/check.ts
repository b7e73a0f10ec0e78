import type { MeshwrightError } from '../errors.js';
import { readDracoCounts } from './draco-header.js';
import { checkNodes } from './check-nodes.js';
import type { AccessorJson, BufferViewJson, GltfJson, PrimitiveJson } from './gltf-json.js';
import { imageSize } from './image-size.js';
import { LIMITS } from './limits.js';
import { invalidGlb, megabytes, missing } from './refusal.js';

/**
 * Checks, before any decoder runs and any array is made, that everything the JSON asks for lies inside the file
 * and inside the limits. After this, reading the document touches no byte outside and takes bounded memory.
 */

const COMPONENT_BYTES: Record<number, number> = {
  5120: 1,
  5121: 1,
  5122: 2,
  5123: 2,
  5125: 4,
  5126: 4,
  5130: 8,
  5131: 2,
};
const COMPONENTS: Record<string, number> = {
  SCALAR: 1,
  VEC2: 2,
  VEC3: 3,
  VEC4: 4,
  MAT2: 4,
  MAT3: 9,
  MAT4: 16,
};

/** @throws MeshwrightError `invalid_asset` that names what does not fit */
export function checkGltf(json: GltfJson, bin: Uint8Array | undefined): void {
  checkCounts(json);
  const buffers = readBuffers(json, bin);
  for (const [i, view] of (json.bufferViews ?? []).entries()) checkBufferView(json, buffers, view, i);
  checkAccessors(
    json,
    buffers.reduce((sum, buffer) => sum + (buffer?.length ?? 0), 0),
  );
  for (const [i, mesh] of (json.meshes ?? []).entries()) {
    for (const primitive of mesh.primitives) checkPrimitive(json, buffers, primitive, `mesh ${i}`);
  }
  checkImages(json, buffers);
  checkNodes(json);
}

/** Every entry becomes an object of some kilobytes, whatever it holds. */
function checkCounts(json: GltfJson): void {
  const { nodes = [], meshes = [], accessors = [], materials = [], textures = [], images = [] } = json;
  const { bufferViews = [], buffers = [], skins = [], animations = [], scenes = [] } = json;
  const primitives = meshes.flatMap((mesh) => mesh.primitives);
  const lists = [nodes, meshes, primitives, accessors, materials, textures, images];
  const more = [bufferViews, buffers, skins, animations, scenes];
  const items = [...lists, ...more].reduce((sum, list) => sum + list.length, 0);
  let references = 0;
  for (const { attributes, targets = [] } of primitives) {
    references += Object.keys(attributes).length;
    for (const target of targets) references += 1 + Object.keys(target).length;
  }
  for (const { children = [] } of nodes) references += children.length;
  for (const { joints } of skins) references += joints.length;
  for (const { channels, samplers } of animations) references += channels.length + samplers.length;
  for (const { nodes: roots = [] } of scenes) references += roots.length;
  if (items <= LIMITS.items && references <= LIMITS.references) return;
  const [found, limit, what] =
    items > LIMITS.items ? [items, LIMITS.items, 'parts'] : [references, LIMITS.references, 'references'];
  throw invalidGlb(
    `This GLB has ${found} ${what} (nodes, meshes, materials, …), over the limit of ${limit}: use a simplified or merged version.`,
  );
}

/** The bytes of each buffer; `undefined` for the placeholder that compressed views refer to. */
type Buffers = (Uint8Array | undefined)[];

function readBuffers(json: GltfJson, bin: Uint8Array | undefined): Buffers {
  return (json.buffers ?? []).map((buffer, i) => {
    if (buffer.uri !== undefined) return readDataUri(buffer.uri, `buffer ${i}`);
    if (i > 0) return undefined;
    if (bin !== undefined && buffer.byteLength > bin.length) {
      throw invalidGlb(
        `Buffer 0 is to have ${buffer.byteLength} bytes and the binary chunk of the GLB has ${bin.length}: the file is damaged. Export it again.`,
      );
    }
    return bin;
  });
}

function readDataUri(uri: string, owner: string): Uint8Array {
  const match = /^data:[^,]*?(;base64)?,/.exec(uri.slice(0, 300));
  if (!match) {
    throw invalidGlb(
      `This GLB needs another file for its ${owner} ("${uri.slice(0, 80)}"), which is not read: export it again as one self-contained GLB.`,
    );
  }
  return Buffer.from(uri.slice(match[0].length), match[1] === undefined ? 'latin1' : 'base64');
}

function checkBufferView(json: GltfJson, buffers: Buffers, view: BufferViewJson, i: number): void {
  const meshopt = view.extensions?.EXT_meshopt_compression;
  if (meshopt === undefined) {
    checkRange(json, buffers, view, `bufferView ${i}`);
    return;
  }
  checkRange(json, buffers, meshopt, `compressed bufferView ${i}`);
  const { mode, byteStride, count } = meshopt;
  const strideFits = mode === 'ATTRIBUTES' ? byteStride % 4 === 0 : byteStride === 2 || byteStride === 4;
  if (!strideFits || (mode === 'TRIANGLES' && count % 3 !== 0) || view.byteLength > count * byteStride) {
    throw invalidGlb(
      `The meshopt compression of bufferView ${i} contradicts itself (${count} × ${byteStride} bytes, ${mode}): the file is damaged. Export it again.`,
    );
  }
}

function checkRange(
  json: GltfJson,
  buffers: Buffers,
  range: { buffer: number; byteOffset?: number | undefined; byteLength: number },
  what: string,
): void {
  const buffer = buffers[range.buffer];
  if (buffer === undefined) {
    const needed = (json.extensionsRequired ?? []).find((name) => name.includes('compression'));
    throw invalidGlb(
      `The ${what} of this GLB refers to buffer ${range.buffer}, which holds no data` +
        (needed === undefined ? ': the file is damaged.' : ` (the file requires ${needed.slice(0, 80)}).`) +
        ' Export it again, without compression or with Draco.',
    );
  }
  const end = (range.byteOffset ?? 0) + range.byteLength;
  if (end > buffer.length) {
    throw invalidGlb(
      `The ${what} ends at byte ${end} of a buffer of ${buffer.length} bytes: the GLB is damaged. Export it again.`,
    );
  }
}

/** @param fileBytes of all buffers: a few bytes may promise a gigabyte of zeros */
function checkAccessors(json: GltfJson, fileBytes: number): void {
  const views = json.bufferViews ?? [];
  const limit = Math.min(LIMITS.accessorBytes, LIMITS.smallBytes + LIMITS.growth * fileBytes);
  let total = 0;
  for (const view of views) {
    const meshopt = view.extensions?.EXT_meshopt_compression;
    if (meshopt) total += meshopt.count * meshopt.byteStride;
  }
  if (total > limit) throw tooMuchGeometry(limit);
  for (const [i, accessor] of (json.accessors ?? []).entries()) {
    total += accessor.count * elementBytes(accessor);
    if (total > limit) throw tooMuchGeometry(limit);
    const what = `Accessor ${i}`;
    if (accessor.bufferView !== undefined)
      checkInView(views, accessor, accessor.bufferView, accessor.count, what);
    const { sparse } = accessor;
    if (sparse === undefined) continue;
    const indices: AccessorJson = { ...accessor, ...sparse.indices, type: 'SCALAR' };
    const values: AccessorJson = { ...accessor, byteOffset: 0, ...sparse.values };
    checkInView(views, indices, sparse.indices.bufferView, sparse.count, `${what} (sparse indices)`);
    checkInView(views, values, sparse.values.bufferView, sparse.count, `${what} (sparse values)`);
  }
}

function tooMuchGeometry(limit: number): MeshwrightError {
  return invalidGlb(
    `The geometry of this GLB would take more than ${megabytes(limit)} in memory: ` +
      'it was made to exhaust memory or is far too detailed. Use a simplified version.',
  );
}

function elementBytes(accessor: AccessorJson): number {
  return (COMPONENT_BYTES[accessor.componentType] ?? 1) * (COMPONENTS[accessor.type] ?? 1);
}

function checkInView(
  views: BufferViewJson[],
  accessor: AccessorJson,
  index: number,
  count: number,
  what: string,
): void {
  const view = views[index];
  if (view === undefined) throw missing(what, 'bufferView', index);
  const element = elementBytes(accessor);
  const stride = view.byteStride ?? element;
  const end = count === 0 ? 0 : (accessor.byteOffset ?? 0) + (count - 1) * stride + element;
  if (end > view.byteLength) {
    throw invalidGlb(
      `${what} is to hold ${count} × ${element} bytes and reaches byte ${end} of a bufferView of ${view.byteLength}: ` +
        'the GLB is damaged. Export it again.',
    );
  }
}

function checkPrimitive(json: GltfJson, buffers: Buffers, primitive: PrimitiveJson, owner: string): void {
  const accessors = json.accessors ?? [];
  const referred = [
    ...Object.values(primitive.attributes),
    ...(primitive.targets ?? []).flatMap((t) => Object.values(t)),
  ];
  if (primitive.indices !== undefined) referred.push(primitive.indices);
  for (const index of referred) if (accessors[index] === undefined) throw missing(owner, 'accessor', index);
  const { POSITION, NORMAL } = primitive.attributes;
  checkType(accessors, POSITION, 'VEC3', `${owner}: POSITION`);
  checkType(accessors, NORMAL, 'VEC3', `${owner}: NORMAL`);
  checkType(accessors, primitive.indices, 'SCALAR', `${owner}: indices`);
  if (primitive.material !== undefined && !json.materials?.[primitive.material]) {
    throw missing(owner, 'material', primitive.material);
  }
  const draco = primitive.extensions?.KHR_draco_mesh_compression;
  if (draco === undefined) return;
  const view = json.bufferViews?.[draco.bufferView];
  const buffer = view && buffers[view.buffer];
  if (!view || !buffer) throw missing(owner, 'bufferView', draco.bufferView);
  for (const name of Object.keys(draco.attributes)) {
    if (primitive.attributes[name] === undefined) throw missing(owner, 'attribute', name);
  }
  const start = view.byteOffset ?? 0;
  const counts = readDracoCounts(buffer.subarray(start, start + view.byteLength));
  const vertices = accessors[primitive.attributes['POSITION'] ?? -1]?.count ?? 0;
  const indices = accessors[primitive.indices ?? -1]?.count ?? 3 * vertices;
  if (counts === undefined || 3 * counts.faces > indices || counts.vertices > indices) {
    throw invalidGlb(
      `The Draco data of ${owner} ` +
        (counts
          ? `has ${counts.faces} triangles where ${Math.floor(indices / 3)} are declared`
          : 'is not a Draco mesh') +
        ': the GLB is damaged. Export it again.',
    );
  }
}

/** Three numbers a vertex and one an index: all counts follow from it. */
function checkType(
  accessors: readonly AccessorJson[],
  index: number | undefined,
  wanted: AccessorJson['type'],
  what: string,
): void {
  const type = accessors[index ?? -1]?.type;
  if (type === undefined || type === wanted) return;
  throw invalidGlb(
    `In this GLB, ${what} is of type ${type} instead of ${wanted}: the file is damaged. Export it again.`,
  );
}

function checkImages(json: GltfJson, buffers: Buffers): void {
  let total = 0;
  for (const [i, image] of (json.images ?? []).entries()) {
    const bytes = imageBytes(json, buffers, image, i);
    if (bytes === undefined) continue;
    // Many images may share the same bytes, and each gets a copy.
    total += bytes.length;
    if (total > LIMITS.fileBytes) {
      throw invalidGlb(
        `The images of this GLB have more than ${megabytes(LIMITS.fileBytes)} together: it was made to exhaust memory. Export it again.`,
      );
    }
    const [width, height] = imageSize(bytes) ?? [0, 0];
    if (width * height > LIMITS.imagePixels) {
      throw invalidGlb(
        `Image ${i} of this GLB has ${Math.round((width * height) / 1e6)} megapixels, over the limit of ${Math.round(LIMITS.imagePixels / 1e6)}: ` +
          'it was made to exhaust memory or needs to be scaled down to 4096 × 4096.',
      );
    }
  }
  const images = json.images?.length ?? 0;
  for (const [i, texture] of (json.textures ?? []).entries()) {
    if (texture.source !== undefined && texture.source >= images)
      throw missing(`texture ${i}`, 'image', texture.source);
  }
}

function imageBytes(
  json: GltfJson,
  buffers: Buffers,
  image: { uri?: string | undefined; bufferView?: number | undefined },
  i: number,
): Uint8Array | undefined {
  if (image.bufferView === undefined)
    return image.uri === undefined ? undefined : readDataUri(image.uri, `image ${i}`);
  const view = json.bufferViews?.[image.bufferView];
  if (view === undefined) throw missing(`image ${i}`, 'bufferView', image.bufferView);
  const start = view.byteOffset ?? 0;
  return buffers[view.buffer]?.subarray(start, start + view.byteLength);
}
