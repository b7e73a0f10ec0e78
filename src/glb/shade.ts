import type { Camera } from './camera.js';
import type { Studio } from './light.js';
import { createStudio, environment, irradiance, toneMap } from './light.js';
import { toLinear } from './textures.js';
import type { Style } from './style.js';
import type { Triangle, TriangleMap } from './triangle.js';

const CLAY = [0.42, 0.405, 0.39] as const;
/** Lighter, for the edges to stand out. */
const PLASTER = [0.7, 0.69, 0.68] as const;
const INSIDE_OUT = [0.5, 0.07, 0.05] as const;
const EDGE = [0.012, 0.03, 0.075] as const;
/** Half the width of a drawn edge, in samples. */
const EDGE_WIDTH = 0.8;

/** Pass 2: the colour of one sample of the current triangle. */
export class Shader {
  /** Linear r, g, b of the last sample, 0 to 1. */
  readonly rgb = new Float64Array(3);
  readonly #style: Style;
  readonly #studio: Studio;
  readonly #texel = new Float64Array(4);
  readonly #base = new Float64Array(3);
  readonly #n = new Float64Array(3);
  #metallic = 0;
  #roughness = 1;
  #occlusion = 1;

  constructor(style: Style, camera: Camera) {
    this.#style = style;
    this.#studio = createStudio(camera);
  }

  /**
   * Shades the triangle where it stands, see `Triangle.moveTo`.
   *
   * @param occlusion share of the light from around that reaches it
   */
  shade(triangle: Triangle, occlusion: number): void {
    const { rgb } = this;
    const textured = this.#style === 'textured';
    if (textured) this.#setMaterial(triangle);
    else this.#setClay(triangle);
    const base = this.#base;
    if (textured && triangle.material.unlit) {
      rgb.set(base);
      return;
    }
    this.#setNormal(triangle);
    if (this.#style === 'normals') {
      for (let i = 0; i < 3; i++) rgb[i] = toLinear[Math.round(127.5 + 127.5 * (this.#n[i] ?? 0))] ?? 0;
      return;
    }
    this.#light(triangle, occlusion);
    if (textured) this.#addEmission(triangle);
    toneMap(rgb);
    if (this.#style === 'wireframe') this.#drawEdges(triangle);
  }

  #setMaterial(triangle: Triangle): void {
    const { material, primitive } = triangle;
    const base = this.#base;
    const texel = this.#texel;
    base[0] = material.base[0];
    base[1] = material.base[1];
    base[2] = material.base[2];
    if (triangle.base) {
      triangle.read(triangle.base, true, texel);
      for (let i = 0; i < 3; i++) base[i] = (base[i] ?? 0) * (texel[i] ?? 0);
    }
    const { colors } = primitive;
    if (colors) {
      const wa = triangle.weights[0] ?? 0;
      const wb = triangle.weights[1] ?? 0;
      const wc = triangle.weights[2] ?? 0;
      for (let i = 0; i < 3; i++) {
        const a = colors[4 * triangle.a + i] ?? 1;
        const b = colors[4 * triangle.b + i] ?? 1;
        const c = colors[4 * triangle.c + i] ?? 1;
        base[i] = (base[i] ?? 0) * (wa * a + wb * b + wc * c);
      }
    }
    this.#metallic = material.metallic;
    this.#roughness = material.roughness;
    if (triangle.metallicRoughness) {
      triangle.read(triangle.metallicRoughness, false, texel);
      this.#roughness *= texel[1] ?? 1;
      this.#metallic *= texel[2] ?? 1;
    }
    this.#occlusion = 1;
    if (triangle.occlusion) {
      triangle.read(triangle.occlusion, false, texel);
      this.#occlusion = 1 + material.occlusionStrength * ((texel[0] ?? 1) - 1);
    }
  }

  #setClay(triangle: Triangle): void {
    const front = this.#style === 'wireframe' ? PLASTER : CLAY;
    this.#base.set(triangle.backFacing && !triangle.material.doubleSided ? INSIDE_OUT : front);
    this.#metallic = 0;
    this.#roughness = 0.75;
    this.#occlusion = 1;
  }

  /** The interpolated normal, or the facet's where the file has none; bent by the normal map; to the viewer. */
  #setNormal(triangle: Triangle): void {
    const n = this.#n;
    const { normals } = triangle.primitive;
    if (normals) {
      const wa = triangle.weights[0] ?? 0;
      const wb = triangle.weights[1] ?? 0;
      const wc = triangle.weights[2] ?? 0;
      const a = 3 * triangle.a;
      const b = 3 * triangle.b;
      const c = 3 * triangle.c;
      for (let i = 0; i < 3; i++)
        n[i] = wa * (normals[a + i] ?? 0) + wb * (normals[b + i] ?? 0) + wc * (normals[c + i] ?? 0);
      normalize(n);
    } else n.set(triangle.facet);
    if (this.#style === 'normals') return;
    if (triangle.normal) this.#bend(triangle, triangle.normal);
    if (triangle.backFacing) for (let i = 0; i < 3; i++) n[i] = -(n[i] ?? 0);
  }

  #bend(triangle: Triangle, map: TriangleMap): void {
    const n = this.#n;
    const texel = this.#texel;
    triangle.read(map, false, texel);
    const strength = triangle.material.normalScale;
    const x = (2 * (texel[0] ?? 0.5) - 1) * strength;
    const y = (2 * (texel[1] ?? 0.5) - 1) * strength;
    const z = 2 * (texel[2] ?? 1) - 1;
    for (let i = 0; i < 3; i++) {
      n[i] = x * (triangle.tangent[i] ?? 0) + y * (triangle.bitangent[i] ?? 0) + z * (n[i] ?? 0);
    }
    normalize(n);
  }

  /** Metallic-roughness shading (glTF 2.0 specification, appendix B) under the studio's lights. */
  #light(triangle: Triangle, occlusion: number): void {
    const studio = this.#studio;
    const base = this.#base;
    const { rgb } = this;
    const nx = this.#n[0] ?? 0;
    const ny = this.#n[1] ?? 0;
    const nz = this.#n[2] ?? 0;
    const vx = studio.back[0];
    const vy = studio.back[1];
    const vz = studio.back[2];
    const facing = nx * vx + ny * vy + nz * vz;
    const nv = Math.max(facing, 0.001);
    const open = this.#occlusion * occlusion;
    const roughness = clamp01(this.#roughness);
    const metallic = clamp01(this.#metallic);
    const mirror = environment(
      studio,
      2 * facing * nx - vx,
      2 * facing * ny - vy,
      2 * facing * nz - vz,
      roughness,
    );
    // Split-sum environment BRDF, fitted by Karis (Physically Based Shading on Mobile, 2014).
    const rx = 1 - roughness;
    const a004 = Math.min(rx * rx, 2 ** (-9.28 * nv)) * rx + (0.0425 - 0.0275 * roughness);
    const scale = -1.04 * a004 + (1.04 - 0.572 * roughness);
    const bias = 1.04 * a004 + (-0.04 + 0.022 * roughness);
    const diffuse = (1 - metallic) * irradiance(studio, nx, ny, nz, open);
    const specular = mirror * open;
    for (let i = 0; i < 3; i++) {
      const albedo = base[i] ?? 0;
      const f0 = (1 - metallic) * (triangle.material.f0[i] ?? 0) + metallic * albedo;
      rgb[i] = albedo * diffuse + (f0 * scale + bias) * specular;
    }
  }

  #addEmission(triangle: Triangle): void {
    const { emissive } = triangle.material;
    if (emissive[0] + emissive[1] + emissive[2] === 0) return;
    const { rgb } = this;
    const texel = this.#texel;
    if (triangle.emissive) triangle.read(triangle.emissive, true, texel);
    for (let i = 0; i < 3; i++) {
      rgb[i] = (rgb[i] ?? 0) + (emissive[i] ?? 0) * (triangle.emissive ? (texel[i] ?? 0) : 1);
    }
  }

  #drawEdges(triangle: Triangle): void {
    const { rgb } = this;
    const ha = triangle.heights[0] ?? 1;
    const hb = triangle.heights[1] ?? 1;
    const hc = triangle.heights[2] ?? 1;
    const { weights } = triangle;
    const distance = Math.min((weights[0] ?? 0) * ha, (weights[1] ?? 0) * hb, (weights[2] ?? 0) * hc);
    if (distance > EDGE_WIDTH) return;
    // Where triangles are hardly wider than their edges, full ink would blacken the surface.
    const ink = 0.25 + 0.75 * clamp01((Math.min(ha, hb, hc) - 2) / 8);
    for (let i = 0; i < 3; i++) rgb[i] = (1 - ink) * (rgb[i] ?? 0) + ink * (EDGE[i] ?? 0);
  }
}

function normalize(v: Float64Array): void {
  const x = v[0] ?? 0;
  const y = v[1] ?? 0;
  const z = v[2] ?? 0;
  const length = Math.sqrt(x * x + y * y + z * z);
  if (!(length > 0)) return;
  v[0] = x / length;
  v[1] = y / length;
  v[2] = z / length;
}

function clamp01(value: number): number {
  return value > 0 ? Math.min(value, 1) : 0;
}
