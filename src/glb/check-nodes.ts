import { invalidGlb, missing } from './refusal.js';
import type { GltfJson } from './gltf-json.js';
import { LIMITS } from './limits.js';

/** Children refer to existing nodes, every node has at most one parent, and nothing contains itself. */
export function checkNodes(json: GltfJson): void {
  const nodes = json.nodes ?? [];
  const parent = new Int32Array(nodes.length).fill(-1);
  for (const [i, node] of nodes.entries()) {
    for (const child of node.children ?? []) {
      if (nodes[child] === undefined) throw missing(`node ${i}`, 'node', child);
      if (parent[child] !== -1) {
        throw invalidGlb(
          `Node ${child} of this GLB has two parents: the scene is not a tree. Export it again.`,
        );
      }
      parent[child] = i;
    }
    const references = [
      ['mesh', node.mesh, json.meshes],
      ['skin', node.skin, json.skins],
      ['camera', node.camera, json['cameras']],
    ] as const;
    for (const [kind, index, items] of references) {
      if (index !== undefined && !(Array.isArray(items) && index < items.length))
        throw missing(`node ${i}`, kind, index);
    }
  }
  checkDepth(parent);
  for (const scene of json.scenes ?? []) {
    for (const root of scene.nodes ?? [])
      if (nodes[root] === undefined) throw missing('the scene', 'node', root);
  }
  for (const [i, skin] of (json.skins ?? []).entries()) {
    for (const joint of skin.joints)
      if (nodes[joint] === undefined) throw missing(`skin ${i}`, 'node', joint);
  }
}

/** With one parent each, a cycle is reached by walking up from any of its members. */
function checkDepth(parent: Int32Array): void {
  const VISITING = -1;
  // 0 for nodes that were not met yet; roots have depth 1.
  const depths = new Int32Array(parent.length);
  for (let start = 0; start < parent.length; start++) {
    const path: number[] = [];
    let at = start;
    while (at >= 0 && depths[at] === 0) {
      depths[at] = VISITING;
      path.push(at);
      at = parent[at] ?? -1;
    }
    if (at >= 0 && depths[at] === VISITING) {
      throw invalidGlb(`Node ${at} of this GLB contains itself. Export it again.`);
    }
    let depth = at >= 0 ? (depths[at] ?? 0) : 0;
    for (const visited of path.toReversed()) depths[visited] = ++depth;
    if (depth > LIMITS.nodeDepth) {
      throw invalidGlb(
        `The nodes of this GLB are nested more than ${LIMITS.nodeDepth} levels deep: it was made to break programs. Export it again.`,
      );
    }
  }
}
