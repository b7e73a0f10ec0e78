/**
 * What a file may ask for. Everything here is checked before memory is taken for it: a file of a few kilobytes
 * can declare terabytes.
 */
export const LIMITS = {
  /** Bytes of the file. */
  fileBytes: 512 * 2 ** 20,
  /** Bytes of the JSON chunk. */
  jsonBytes: 32 * 2 ** 20,
  /** Levels of objects and lists in the JSON. */
  jsonDepth: 200,
  /** Entries of all lists in the JSON together (nodes, accessors, materials, …): each takes some kilobytes. */
  items: 50_000,
  /** References between them: attributes, morph targets, children, joints, channels. */
  references: 1_000_000,
  /** Levels of nodes; skeletons have some dozens. */
  nodeDepth: 1000,
  /** Bytes of all accessors together, after decompression. */
  accessorBytes: 1024 * 2 ** 20,
  /** What a small file may grow to, and how many times its own size a larger one may: Draco reaches 25. */
  smallBytes: 64 * 2 ** 20,
  growth: 60,
  /** Triangles of the scene, every use of a mesh counted. */
  triangles: 20_000_000,
  /** How often a picture may be filled with triangles that lie over each other. */
  overdraw: 400,
  /** Pixels of one image: a little over 8192 × 8192. */
  imagePixels: 8200 * 8200,
} as const;
