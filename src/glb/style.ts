/**
 * How a surface is drawn: with its materials, as bare clay (backs of single-sided surfaces in red), as clay with
 * the edges of its triangles, or with its normals as colours (x, y, z as red, green, blue).
 */
export const STYLES = ['textured', 'clay', 'wireframe', 'normals'] as const;
export type Style = (typeof STYLES)[number];
