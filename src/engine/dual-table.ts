/**
 * Cases of dual marching cubes (Nielson 2004). A cell has 8 corners (bit 1: +x, bit 2: +y, bit 4: +z) and 12 edges;
 * the surface in it falls into patches, each a cycle of crossed edges, and each gets one vertex.
 *
 * On a face whose corners alternate, the surface may run two ways. The plain way cuts off the inside corners;
 * flipped, the outside ones. Two cells that share such a face and each join both of its lines in one patch would
 * share an edge of four triangles; flipping the face in both splits the patches and keeps the surface a manifold
 * (after Wenger, "Isosurfaces", 2013).
 */

export interface CellCase {
  /** Number of patches. */
  patches: number;
  /** Which patch each of the 12 edges belongs to, -1 where the surface does not cross it. */
  patchOf: Int8Array;
  /** Bit per face: its corners alternate and one patch holds both of its lines. */
  doubled: number;
}

/** Edge `4 * axis + n`: its lower corner has 0 in `axis` and the bits of `n` in the two other axes, lower axis first. */
export const edgeCorners: readonly (readonly [number, number])[] = [0, 1, 2].flatMap((axis) => {
  const others = [0, 1, 2].filter((other) => other !== axis);
  return [0, 1, 2, 3].map((n) => {
    const low = ((n & 1) << (others[0] ?? 0)) | ((n >> 1) << (others[1] ?? 0));
    return [low, low | (1 << axis)] as const;
  });
});

/** Face `2 * axis + side`: its corners in a cycle. */
const faceCorners: readonly (readonly number[])[] = [0, 1, 2].flatMap((axis) => {
  const [a, b] = [1 << ((axis + 1) % 3), 1 << ((axis + 2) % 3)];
  return [0, 1].map((side) => [0, a, a | b, b].map((corner) => corner | (side << axis)));
});

const edgeBetween = new Map(edgeCorners.map(([low, high], edge) => [low * 8 + high, edge]));

function edgeOf(a: number, b: number): number {
  return edgeBetween.get(Math.min(a, b) * 8 + Math.max(a, b)) ?? -1;
}

const cases: (CellCase | undefined)[] = Array.from({ length: 256 * 64 });

/**
 * @param inside Bit per corner.
 * @param flipped Bit per face.
 */
export function cellCase(inside: number, flipped: number): CellCase {
  const key = inside * 64 + flipped;
  const known = cases[key];
  if (known) return known;
  const made = build(inside, flipped);
  cases[key] = made;
  return made;
}

function build(inside: number, flipped: number): CellCase {
  const linked: number[][] = Array.from({ length: 12 }, () => []);
  const ambiguous: { face: number; edges: number[] }[] = [];
  faceCorners.forEach((corners, face) => {
    const isIn = corners.map((corner) => (inside >> corner) & 1);
    const edges = corners.map((corner, k) => edgeOf(corner, corners[(k + 1) % 4] ?? 0));
    const crossed = edges.filter((_, k) => isIn[k] !== isIn[(k + 1) % 4]);
    if (crossed.length === 2) {
      link(linked, crossed[0] ?? 0, crossed[1] ?? 0);
    } else if (crossed.length === 4) {
      ambiguous.push({ face, edges });
      const cut = (flipped >> face) & 1 ? 0 : 1;
      // The two edges at a corner that is cut off: the one before it and the one after it.
      isIn.forEach((value, k) => {
        if (value === cut) link(linked, edges[(k + 3) % 4] ?? 0, edges[k] ?? 0);
      });
    }
  });

  const patchOf = new Int8Array(12).fill(-1);
  let patches = 0;
  for (let start = 0; start < 12; start += 1) {
    if (linked[start]?.length === 0 || patchOf[start] !== -1) continue;
    const open = [start];
    for (let edge = open.pop(); edge !== undefined; edge = open.pop()) {
      if (patchOf[edge] !== -1) continue;
      patchOf[edge] = patches;
      open.push(...(linked[edge] ?? []));
    }
    patches += 1;
  }
  let doubled = 0;
  for (const { face, edges } of ambiguous) {
    if (edges.every((edge) => patchOf[edge] === patchOf[edges[0] ?? 0])) doubled |= 1 << face;
  }
  return { patches, patchOf, doubled };
}

function link(linked: number[][], a: number, b: number): void {
  linked[a]?.push(b);
  linked[b]?.push(a);
}
