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
  /** Entries of each list in the JSON (nodes, accessors, materials, …). */
  items: 200_000,
  /** Levels of nodes; skeletons have some dozens. */
  nodeDepth: 1000,
  /** Bytes of all accessors together, after decompression. */
  accessorBytes: 1024 * 2 ** 20,
  /** Triangles of the scene, every use of a mesh counted. */
  triangles: 20_000_000,
  /** Pixels of one image: a little over 8192 × 8192. */
  imagePixels: 8200 * 8200,
} as const;
