import type { Document, Material, Node, Primitive, Scene } from '@gltf-transform/core';
import { InstancedMesh, Visibility } from '@gltf-transform/extensions';
import { invalidGlb } from './refusal.js';
import type { Geometry, Indices } from './geometry.js';
import { GeometryReader, flipped, toFloats, triangleCount } from './geometry.js';
import { LIMITS } from './limits.js';
import type { Mat4 } from './mat4.js';
import { IDENTITY, compose, determinant, isIdentity, multiply } from './mat4.js';
import type { Influences } from './placement.js';
import { applySkin, morphed, skinning, transformNormals, transformPositions } from './placement.js';

/** A primitive where it stands in the scene: triangles in world space, metres, +Y up. */
export interface ScenePrimitive {
  node: Node;
  material: Material | null;
  /** x, y, z per vertex; every vertex is in use. */
  positions: Float32Array;
  /** x, y, z per vertex, of any length; absent when the file has none (facets are flat then). */
  normals: Float32Array | undefined;
  /** u, v per vertex, by `TEXCOORD_` number. */
  uvs: (Float32Array | undefined)[];
  /** Linear r, g, b, a per vertex. */
  colors: Float32Array | undefined;
  /** Three per triangle, counter-clockwise seen from the front. */
  indices: Indices;
}

/** What a document shows: its default scene, in the pose and with the morph weights it is stored in. */
export interface FlatScene {
  primitives: ScenePrimitive[];
  /** Vertices and triangles as drawn: a mesh that is used twice counts twice. */
  vertices: number;
  triangles: number;
  /** Points and lines, which are not drawn. */
  otherPrimitives: number;
  /** Of all finite vertices; `undefined` when there is nothing. */
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
  const drawn = uses.filter(
    ({ primitive }) => primitive.getMode() >= 4 && primitive.getAttribute('POSITION'),
  );
  checkSize(drawn);
  const reader = new GeometryReader();
  const geometries = new Map<Primitive, Geometry>();
  const primitives = drawn.flatMap(({ node, matrix, primitive }) => {
    const position = primitive.getAttribute('POSITION');
    if (position === null) return [];
    const geometry = geometries.get(primitive) ?? reader.read(primitive, position);
    geometries.set(primitive, geometry);
    return [placePrimitive(node, matrix, geometry, (joint) => worldOf(joint, worlds))];
  });
  return {
    primitives,
    vertices: primitives.reduce((sum, { positions }) => sum + positions.length / 3, 0),
    triangles: primitives.reduce((sum, { indices }) => sum + indices.length / 3, 0),
    otherPrimitives: uses.length - drawn.length,
    bounds: boundsOf(primitives),
    worlds,
  };
}

/** Before anything is read: a mesh may be used a hundred thousand times. */
function checkSize(uses: readonly Use[]): void {
  let triangles = 0;
  for (const { primitive } of uses) {
    const position = primitive.getAttribute('POSITION');
    if (position) triangles += triangleCount(primitive, position);
  }
  if (triangles > LIMITS.triangles) {
    throw invalidGlb(
      `The scene of this GLB draws ${Math.round(triangles / 1e6)} million triangles, every use of a mesh counted, ` +
        `over the limit of ${LIMITS.triangles / 1e6} million: use a simplified version.`,
    );
  }
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

function placePrimitive(
  node: Node,
  matrix: Mat4,
  geometry: Geometry,
  world: (joint: Node) => Mat4,
): ScenePrimitive {
  const { primitive, indices, uvs, colors } = geometry;
  const skin = node.getSkin();
  const influences = skin ? skinning(geometry, skin, world) : undefined;
  return {
    node,
    material: primitive.getMaterial(),
    uvs,
    colors,
    ...placeVertices(morphed(node, geometry), geometry.normals, matrix, influences),
    indices: !influences && determinant(matrix) < 0 ? flipped(indices) : indices,
  };
}

function placeVertices(
  positions: Float32Array,
  normals: Float32Array | undefined,
  matrix: Mat4,
  influences: Influences | undefined,
): Pick<ScenePrimitive, 'positions' | 'normals'> {
  // The node of a skinned mesh does not move it: its joints do.
  if (influences) return applySkin(influences, positions, normals);
  if (isIdentity(matrix)) return { positions, normals };
  return {
    positions: transformPositions(positions, matrix),
    normals: normals && transformNormals(normals, matrix),
  };
}

function boundsOf(primitives: ScenePrimitive[]): Bounds | undefined {
  const min: Bounds['min'] = [Infinity, Infinity, Infinity];
  const max: Bounds['max'] = [-Infinity, -Infinity, -Infinity];
  for (const { positions } of primitives) {
    for (let axis = 0; axis < 3; axis++) {
      let low = min[axis] ?? 0;
      let high = max[axis] ?? 0;
      for (let i = axis; i < positions.length; i += 3) {
        const value = positions[i] ?? 0;
        if (value < low && value > -Infinity) low = value;
        if (value > high && value < Infinity) high = value;
      }
      min[axis] = low;
      max[axis] = high;
    }
  }
  return [...min, ...max].every(Number.isFinite) ? { min, max } : undefined;
}
