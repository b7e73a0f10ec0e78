import type { SurfaceMaterial, TextureMap } from './materials.js';
import { mipLevel, sample } from './sample.js';
import type { ScenePrimitive } from './scene.js';
import type { Style } from './style.js';

/** A texture of the current triangle: where its corners lie in it and at which mip level it is read. */
export interface TriangleMap {
  map: TextureMap;
  level: number;
  /** u, v of the three corners after the texture transform. */
  uv: Float64Array;
}

/**
 * The triangle that is being shaded: everything that is the same for all of its samples. Neighbouring samples
 * mostly share a triangle, so that this is set up far less often than it is read.
 */
export class Triangle {
  readonly primitive: ScenePrimitive;
  readonly material: SurfaceMaterial;
  /** Vertex numbers. */
  a = 0;
  b = 0;
  c = 0;
  /** The viewer sees its back. */
  backFacing = false;
  /** Of the corners a, b and c where it stands, see `moveTo`; they add up to 1. */
  readonly weights = new Float64Array(3);
  /** Weight of corner b at (x, y) is `#wb[0] + #wb[1] x + #wb[2] y`; likewise c. */
  readonly #wb = new Float64Array(3);
  readonly #wc = new Float64Array(3);
  /** Unit normal of the facet towards its front, world space. */
  readonly facet = new Float64Array(3);
  /** dP/du and -dP/dv of the normal map, not normalised. */
  readonly tangent = new Float64Array(3);
  readonly bitangent = new Float64Array(3);
  /** Heights over the edges across from a, b, c, in samples; only for wireframes. */
  readonly heights = new Float64Array(3);
  readonly base: TriangleMap | undefined;
  readonly metallicRoughness: TriangleMap | undefined;
  readonly normal: TriangleMap | undefined;
  readonly occlusion: TriangleMap | undefined;
  readonly emissive: TriangleMap | undefined;
  readonly #maps: TriangleMap[] = [];
  readonly #edges: boolean;

  constructor(primitive: ScenePrimitive, material: SurfaceMaterial, style: Style) {
    this.primitive = primitive;
    this.material = material;
    this.#edges = style === 'wireframe';
    const textured = style === 'textured';
    const use = (map: TextureMap | undefined): TriangleMap | undefined => {
      if (!textured || !map || !primitive.uvs[map.uvSet]) return undefined;
      const made = { map, level: 0, uv: new Float64Array(6) };
      this.#maps.push(made);
      return made;
    };
    this.base = use(material.baseMap);
    if (material.unlit) return;
    this.metallicRoughness = use(material.metallicRoughnessMap);
    this.normal = use(material.normalMap);
    this.occlusion = use(material.occlusionMap);
    this.emissive = use(material.emissiveMap);
  }

  /**
   * @param index number of the triangle in the primitive
   * @param projected x, y in samples and depth, per vertex
   */
  set(index: number, projected: Float32Array): void {
    const { indices } = this.primitive;
    const a = (this.a = indices[3 * index] ?? 0);
    const b = (this.b = indices[3 * index + 1] ?? 0);
    const c = (this.c = indices[3 * index + 2] ?? 0);
    const ax = projected[3 * a] ?? 0;
    const ay = projected[3 * a + 1] ?? 0;
    const bx = projected[3 * b] ?? 0;
    const by = projected[3 * b + 1] ?? 0;
    const cx = projected[3 * c] ?? 0;
    const cy = projected[3 * c + 1] ?? 0;
    const area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax);
    this.backFacing = area > 0;
    this.#wb[1] = (cy - ay) / area;
    this.#wb[2] = (ax - cx) / area;
    this.#wb[0] = -(ax * (cy - ay) + ay * (ax - cx)) / area;
    this.#wc[1] = (ay - by) / area;
    this.#wc[2] = (bx - ax) / area;
    this.#wc[0] = -(ax * (ay - by) + ay * (bx - ax)) / area;
    const size = Math.abs(area);
    if (this.#edges) {
      this.heights[0] = size / (Math.hypot(cx - bx, cy - by) || 1);
      this.heights[1] = size / (Math.hypot(cx - ax, cy - ay) || 1);
      this.heights[2] = size / (Math.hypot(bx - ax, by - ay) || 1);
    }
    for (const map of this.#maps) this.#setMap(map, size);
    this.#setFrame();
  }

  /** @param x sample, at its centre; @param y likewise */
  moveTo(x: number, y: number): void {
    // The centre of a sample on an edge may lie a rounding error outside.
    const b = clamp01((this.#wb[0] ?? 0) + (this.#wb[1] ?? 0) * x + (this.#wb[2] ?? 0) * y);
    const c = Math.min(1 - b, clamp01((this.#wc[0] ?? 0) + (this.#wc[1] ?? 0) * x + (this.#wc[2] ?? 0) * y));
    this.weights[0] = 1 - b - c;
    this.weights[1] = b;
    this.weights[2] = c;
  }

  /** Samples a texture where the triangle stands, see `sample`. */
  read({ map, level, uv }: TriangleMap, color: boolean, out: Float64Array): void {
    const wa = this.weights[0] ?? 0;
    const wb = this.weights[1] ?? 0;
    const wc = this.weights[2] ?? 0;
    const u = wa * (uv[0] ?? 0) + wb * (uv[2] ?? 0) + wc * (uv[4] ?? 0);
    const v = wa * (uv[1] ?? 0) + wb * (uv[3] ?? 0) + wc * (uv[5] ?? 0);
    sample(map, level, u, v, color, out);
  }

  #setMap(entry: TriangleMap, pixelArea: number): void {
    const uvs = this.primitive.uvs[entry.map.uvSet];
    if (!uvs) return;
    const { transform } = entry.map;
    const { uv } = entry;
    for (let corner = 0; corner < 3; corner++) {
      const vertex = corner === 0 ? this.a : corner === 1 ? this.b : this.c;
      const u = uvs[2 * vertex] ?? 0;
      const v = uvs[2 * vertex + 1] ?? 0;
      uv[2 * corner] = transform[0] * u + transform[1] * v + transform[2];
      uv[2 * corner + 1] = transform[3] * u + transform[4] * v + transform[5];
    }
    const ua = uv[0] ?? 0;
    const va = uv[1] ?? 0;
    const uvArea = ((uv[2] ?? 0) - ua) * ((uv[5] ?? 0) - va) - ((uv[3] ?? 0) - va) * ((uv[4] ?? 0) - ua);
    entry.level = mipLevel(entry.map, Math.abs(uvArea), pixelArea);
  }

  /** The facet's normal, and the directions of u and v in space for the normal map. */
  #setFrame(): void {
    const { positions, normals } = this.primitive;
    if (normals && !this.normal) return;
    const a = 3 * this.a;
    const b = 3 * this.b;
    const c = 3 * this.c;
    const px = (positions[b] ?? 0) - (positions[a] ?? 0);
    const py = (positions[b + 1] ?? 0) - (positions[a + 1] ?? 0);
    const pz = (positions[b + 2] ?? 0) - (positions[a + 2] ?? 0);
    const qx = (positions[c] ?? 0) - (positions[a] ?? 0);
    const qy = (positions[c + 1] ?? 0) - (positions[a + 1] ?? 0);
    const qz = (positions[c + 2] ?? 0) - (positions[a + 2] ?? 0);
    setUnit(this.facet, py * qz - pz * qy, pz * qx - px * qz, px * qy - py * qx);
    if (!this.normal) return;
    const { uv } = this.normal;
    const du1 = (uv[2] ?? 0) - (uv[0] ?? 0);
    const dv1 = (uv[3] ?? 0) - (uv[1] ?? 0);
    const du2 = (uv[4] ?? 0) - (uv[0] ?? 0);
    const dv2 = (uv[5] ?? 0) - (uv[1] ?? 0);
    // The sign of the determinant is all that is needed of it: both are normalised later.
    const sign = du1 * dv2 - du2 * dv1 < 0 ? -1 : 1;
    setUnit(
      this.tangent,
      sign * (px * dv2 - qx * dv1),
      sign * (py * dv2 - qy * dv1),
      sign * (pz * dv2 - qz * dv1),
    );
    // v points down in the texture and green points up: the bitangent is turned around.
    setUnit(
      this.bitangent,
      -sign * (qx * du1 - px * du2),
      -sign * (qy * du1 - py * du2),
      -sign * (qz * du1 - pz * du2),
    );
  }
}

function setUnit(out: Float64Array, x: number, y: number, z: number): void {
  const length = Math.sqrt(x * x + y * y + z * z);
  const scale = length > 0 ? 1 / length : 0;
  out[0] = x * scale;
  out[1] = y * scale;
  out[2] = z * scale;
}

function clamp01(value: number): number {
  return value > 0 ? Math.min(value, 1) : 0;
}
