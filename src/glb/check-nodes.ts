import { invalidGlb, missing } from './container.js';
import type { GltfJson } from './gltf-json.js';

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
  // With one parent each, a cycle is reached by walking up from any of its members; 1 + the root is known to end.
  const ends = new Uint8Array(nodes.length);
  for (let start = 0; start < nodes.length; start++) {
    const path: number[] = [];
    let at = start;
    while (at >= 0 && ends[at] === 0) {
      ends[at] = 1;
      path.push(at);
      at = parent[at] ?? -1;
    }
    if (at >= 0 && ends[at] === 1)
      throw invalidGlb(`Node ${at} of this GLB contains itself. Export it again.`);
    for (const visited of path) ends[visited] = 2;
  }
  for (const scene of json.scenes ?? []) {
    for (const root of scene.nodes ?? [])
      if (nodes[root] === undefined) throw missing('the scene', 'node', root);
  }
  for (const [i, skin] of (json.skins ?? []).entries()) {
    for (const joint of skin.joints)
      if (nodes[joint] === undefined) throw missing(`skin ${i}`, 'node', joint);
  }
}
