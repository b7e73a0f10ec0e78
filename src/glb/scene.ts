import type { Accessor, Document, Material, Node, Primitive, Scene } from '@gltf-transform/core';
import { InstancedMesh, Visibility } from '@gltf-transform/extensions';
import {
  applySkin,
  morphed,
  skinning,
  toFloats,
  transformNormals,
  transformPositions,
} from './attributes.js';
import { invalidGlb } from './container.js';
import { LIMITS } from './limits.js';
import type { Mat4 } from './mat4.js';
import { IDENTITY, compose, determinant, isIdentity, multiply } from './mat4.js';

/** A primitive where it stands in the scene: triangles in world space, metres, +Y up. */
export interface ScenePrimitive {
  node: Node;
  material: Material | null;
  /** x, y, z per vertex. */
  positions: Float32Array;
  /** x, y, z per vertex, of any length; absent when the file has none (facets are flat then). */
  normals: Float32Array | undefined;
  /** u, v per vertex, by `TEXCOORD_` number. */
  uvs: (Float32Array | undefined)[];
  /** Linear r, g, b, a per vertex. */
  colors: Float32Array | undefined;
  /** Three per triangle, counter-clockwise seen from the front, all within the vertices. */
  indices: Uint8Array | Uint16Array | Uint32Array;
}

/** What a document shows: its default scene, in the pose and with the morph weights it is stored in. */
export interface FlatScene {
  primitives: ScenePrimitive[];
  /** Vertices and triangles as drawn: a mesh that is used twice counts twice. */
  vertices: number;
  triangles: number;
  /** Points and lines, which are not drawn. */
  otherPrimitives: number;
  /** Of all finite vertices in use; `undefined` when there is nothing. */
  bounds: Bounds | undefined;
  /** The matrix of every node of the scene. */
  worlds: ReadonlyMap<Node, Mat4>;
}

export interface Bounds {
  min: [number, number, number];
  max: [number, number, number];
}

/** @throws MeshwrightError `invalid_asset` when the scene is beyond the limits of size */
export function flattenScene(document: Document): FlatScene {
  const root = document.getRoot();
  const scene = root.getDefaultScene() ?? root.listScenes()[0];
  const worlds = new Map<Node, Mat4>();
  const uses = scene ? listUses(scene, worlds) : [];
  const cache = new Cache();
  const primitives: ScenePrimitive[] = [];
  let vertices = 0;
  let triangles = 0;
  let otherPrimitives = 0;
  for (const { node, matrix, primitive } of uses) {
    const position = primitive.getAttribute('POSITION');
    if (position === null || primitive.getMode() < 4) {
      otherPrimitives++;
      continue;
    }
    vertices += position.getCount();
    const corners = (primitive.getIndices() ?? position).getCount();
    triangles += primitive.getMode() === 4 ? Math.floor(corners / 3) : Math.max(0, corners - 2);
    if (vertices > LIMITS.vertices || triangles > LIMITS.triangles) {
      throw invalidGlb(
        `The scene of this GLB has more than ${LIMITS.triangles / 1e6} million triangles or ${LIMITS.vertices / 1e6} million vertices, ` +
          'every use of a mesh counted: use a simplified version.',
      );
    }
    primitives.push(
      placePrimitive(node, matrix, primitive, position, cache, (joint) => worldOf(joint, worlds)),
    );
  }
  triangles = primitives.reduce((sum, { indices }) => sum + indices.length / 3, 0);
  return { primitives, vertices, triangles, otherPrimitives, bounds: boundsOf(primitives), worlds };
}

interface Use {
  node: Node;
  matrix: Mat4;
  primitive: Primitive;
}

/** Every visible primitive with its matrix. Without recursion: a chain of nodes may be very long. */
function listUses(scene: Scene, worlds: Map<Node, Mat4>): Use[] {
  const uses: Use[] = [];
  const stack = scene.listChildren().map((node) => ({ node, parent: IDENTITY, visible: true }));
  // From the end, so that primitives come in the order of the file.
  stack.reverse();
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    const { node } = top;
    const matrix = multiply(top.parent, node.getMatrix());
    worlds.set(node, matrix);
    const visibility = node.getExtension<Visibility>(Visibility.EXTENSION_NAME);
    const visible = top.visible && (visibility?.getVisible() ?? true);
    const mesh = node.getMesh();
    if (mesh && visible) {
      for (const instance of instances(node)) {
        const placed = instance === IDENTITY ? matrix : multiply(matrix, instance);
        for (const primitive of mesh.listPrimitives()) uses.push({ node, matrix: placed, primitive });
        if (uses.length > LIMITS.items) {
          throw invalidGlb(
            `The scene of this GLB draws more than ${LIMITS.items} primitives: use a simplified version.`,
          );
        }
      }
    }
    for (const child of node.listChildren().toReversed())
      stack.push({ node: child, parent: matrix, visible });
  }
  return uses;
}

/** The copies of a node's mesh (EXT_mesh_gpu_instancing). */
function* instances(node: Node): Generator<Mat4> {
  const batch = node.getExtension<InstancedMesh>(InstancedMesh.EXTENSION_NAME);
  const attributes = batch?.listAttributes() ?? [];
  if (!batch || attributes.length === 0) {
    yield IDENTITY;
    return;
  }
  const read = (semantic: string): Float32Array | undefined => {
    const accessor = batch.getAttribute(semantic);
    return accessor === null ? undefined : toFloats(accessor);
  };
  const [t, r, s] = [read('TRANSLATION'), read('ROTATION'), read('SCALE')];
  const count = Math.min(...attributes.map((attribute) => attribute.getCount()));
  for (let i = 0; i < count; i++) {
    yield compose(
      [t?.[3 * i] ?? 0, t?.[3 * i + 1] ?? 0, t?.[3 * i + 2] ?? 0],
      [r?.[4 * i] ?? 0, r?.[4 * i + 1] ?? 0, r?.[4 * i + 2] ?? 0, r?.[4 * i + 3] ?? 1],
      [s?.[3 * i] ?? 1, s?.[3 * i + 1] ?? 1, s?.[3 * i + 2] ?? 1],
    );
  }
}

/** Joints may stand outside the scene that is shown. */
function worldOf(node: Node, worlds: Map<Node, Mat4>): Mat4 {
  const known = worlds.get(node);
  if (known) return known;
  const chain: Node[] = [];
  for (let at: Node | null = node; at !== null && !worlds.has(at); at = at.getParentNode()) chain.push(at);
  const anchor = chain.at(-1)?.getParentNode();
  let matrix = (anchor && worlds.get(anchor)) ?? IDENTITY;
  for (const member of chain.toReversed()) {
    matrix = multiply(matrix, member.getMatrix());
    worlds.set(member, matrix);
  }
  return matrix;
}

/** Attributes that do not depend on the place are decoded once for all uses of a mesh. */
class Cache {
  readonly #floats = new Map<Accessor, Float32Array>();
  readonly #indices = new Map<Primitive, ScenePrimitive['indices']>();

  floats(accessor: Accessor): Float32Array {
    const found = this.#floats.get(accessor) ?? toFloats(accessor);
    this.#floats.set(accessor, found);
    return found;
  }

  indices(primitive: Primitive, vertices: number): ScenePrimitive['indices'] {
    const found = this.#indices.get(primitive) ?? triangleIndices(primitive, vertices);
    this.#indices.set(primitive, found);
    return found;
  }
}

function placePrimitive(
  node: Node,
  matrix: Mat4,
  primitive: Primitive,
  position: Accessor,
  cache: Cache,
  world: (joint: Node) => Mat4,
): ScenePrimitive {
  const vertices = position.getCount();
  const attribute = (semantic: string, size: number): Float32Array | undefined => {
    const accessor = primitive.getAttribute(semantic);
    return accessor && accessor.getElementSize() === size && accessor.getCount() >= vertices
      ? cache.floats(accessor)
      : undefined;
  };
  const base = morphed(node, primitive, cache.floats(position));
  const normal = attribute('NORMAL', 3);
  const skin = node.getSkin();
  const influences = skin ? skinning(primitive, skin, world) : undefined;
  const still = isIdentity(matrix);
  const placed = influences
    ? applySkin(influences, base, normal)
    : {
        positions: still ? base : transformPositions(base, matrix),
        normals: normal && !still ? transformNormals(normal, matrix) : normal,
      };
  const indices = cache.indices(primitive, vertices);
  return {
    node,
    material: primitive.getMaterial(),
    ...placed,
    uvs: [0, 1, 2, 3].map((set) => attribute(`TEXCOORD_${set}`, 2)),
    colors: attribute('COLOR_0', 4) ?? withAlpha(attribute('COLOR_0', 3)),
    indices: !influences && determinant(matrix) < 0 ? flipped(indices) : indices,
  };
}

function withAlpha(rgb: Float32Array | undefined): Float32Array | undefined {
  if (!rgb) return undefined;
  const out = new Float32Array((rgb.length / 3) * 4).fill(1);
  for (let i = 0; 3 * i < rgb.length; i++) out.set(rgb.subarray(3 * i, 3 * i + 3), 4 * i);
  return out;
}

/** A mirrored mesh shows its back sides unless its triangles are turned around. */
function flipped(indices: ScenePrimitive['indices']): ScenePrimitive['indices'] {
  const out = indices.slice();
  for (let i = 0; i + 2 < out.length; i += 3) {
    out[i] = indices[i + 1] ?? 0;
    out[i + 1] = indices[i] ?? 0;
  }
  return out;
}

/** Strips and fans as triangles (glTF 2.0 specification, 3.7.2.1); triangles with wrong indices are left out. */
function triangleIndices(primitive: Primitive, vertices: number): ScenePrimitive['indices'] {
  const accessor = primitive.getIndices();
  const array = accessor?.getArray();
  const given =
    array instanceof Uint8Array || array instanceof Uint16Array || array instanceof Uint32Array
      ? array
      : Uint32Array.from({ length: vertices }, (_, i) => i);
  const mode = primitive.getMode();
  const list =
    mode === 4 ? given.subarray(0, given.length - (given.length % 3)) : unrolled(given, mode === 5);
  let valid = 0;
  while (valid < list.length && (list[valid] ?? 0) < vertices) valid++;
  return valid === list.length ? list : withoutInvalid(list, vertices);
}

function unrolled(given: ScenePrimitive['indices'], strip: boolean): Uint32Array {
  const count = Math.max(0, given.length - 2);
  const out = new Uint32Array(3 * count);
  for (let i = 0; i < count; i++) {
    const odd = strip && i % 2 === 1;
    out[3 * i] = strip ? (given[i] ?? 0) : (given[0] ?? 0);
    out[3 * i + 1] = given[i + (odd ? 2 : 1)] ?? 0;
    out[3 * i + 2] = given[i + (odd ? 1 : 2)] ?? 0;
  }
  return out;
}

function withoutInvalid(list: ScenePrimitive['indices'], vertices: number): Uint32Array {
  const out = new Uint32Array(list.length);
  let length = 0;
  for (let i = 0; i + 2 < list.length; i += 3) {
    const corners = list.subarray(i, i + 3);
    if (corners.every((corner) => corner < vertices)) {
      out.set(corners, length);
      length += 3;
    }
  }
  return out.subarray(0, length);
}

function boundsOf(primitives: ScenePrimitive[]): Bounds | undefined {
  const min: Bounds['min'] = [Infinity, Infinity, Infinity];
  const max: Bounds['max'] = [-Infinity, -Infinity, -Infinity];
  for (const { positions, indices } of primitives) {
    for (let axis = 0; axis < 3; axis++) {
      let low = min[axis] ?? 0;
      let high = max[axis] ?? 0;
      for (let i = 0; i < indices.length; i++) {
        const value = positions[3 * (indices[i] ?? 0) + axis] ?? 0;
        if (value < low && value > -Infinity) low = value;
        if (value > high && value < Infinity) high = value;
      }
      min[axis] = low;
      max[axis] = high;
    }
  }
  return min.every(Number.isFinite) && max.every(Number.isFinite) ? { min, max } : undefined;
}
