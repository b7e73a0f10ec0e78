import type { Material, Texture, TextureInfo } from '@gltf-transform/core';
import {
  EmissiveStrength,
  PBRSpecularGlossiness,
  Transform,
  Transmission,
  Unlit,
} from '@gltf-transform/extensions';
import type { MipTexture } from './textures.js';

/** Materials as the renderer wants them: plain numbers and decoded textures. */

/** A texture as a material uses it. */
export interface TextureMap {
  texture: MipTexture;
  /** Number of the `TEXCOORD_` set. */
  uvSet: number;
  /** u' = a u + b v + c, v' = d u + e v + f (KHR_texture_transform). */
  transform: [a: number, b: number, c: number, d: number, e: number, f: number];
  wrapS: Wrap;
  wrapT: Wrap;
}

export type Wrap = 'repeat' | 'mirror' | 'clamp';

export interface SurfaceMaterial {
  /** Linear r, g, b, and alpha. */
  base: [number, number, number, number];
  metallic: number;
  roughness: number;
  /** Reflectance of the non-metal at normal incidence; 0.04 but for specular-glossiness materials. */
  f0: [number, number, number];
  /** Linear. */
  emissive: [number, number, number];
  unlit: boolean;
  doubleSided: boolean;
  /** How alpha is used: not at all, as a cut at `cutoff`, or as coverage. */
  alpha: 'opaque' | 'mask' | 'blend';
  cutoff: number;
  normalScale: number;
  occlusionStrength: number;
  baseMap: TextureMap | undefined;
  /** Roughness in green, metallic in blue. */
  metallicRoughnessMap: TextureMap | undefined;
  normalMap: TextureMap | undefined;
  /** In red. */
  occlusionMap: TextureMap | undefined;
  emissiveMap: TextureMap | undefined;
}

/** The glTF default (3.9.2), less metallic: a part without a material is to be seen, not to mirror the sky. */
const DEFAULT: SurfaceMaterial = {
  base: [1, 1, 1, 1],
  metallic: 0,
  roughness: 0.9,
  f0: [0.04, 0.04, 0.04],
  emissive: [0, 0, 0],
  unlit: false,
  doubleSided: false,
  alpha: 'opaque',
  cutoff: 0.5,
  normalScale: 1,
  occlusionStrength: 1,
  baseMap: undefined,
  metallicRoughnessMap: undefined,
  normalMap: undefined,
  occlusionMap: undefined,
  emissiveMap: undefined,
};

/** The textures of a material that the renderer shows. */
export function texturesOf(material: Material): { color: Texture[]; data: Texture[]; base: Texture | null } {
  const specGloss = material.getExtension<PBRSpecularGlossiness>(PBRSpecularGlossiness.EXTENSION_NAME);
  const base = specGloss ? specGloss.getDiffuseTexture() : material.getBaseColorTexture();
  const present = (textures: (Texture | null)[]): Texture[] => textures.filter((texture) => texture !== null);
  return {
    base,
    color: present([base, material.getEmissiveTexture()]),
    data: present([
      specGloss ? null : material.getMetallicRoughnessTexture(),
      material.getNormalTexture(),
      material.getOcclusionTexture(),
    ]),
  };
}

/** @param textures decoded textures; one that is missing here is left out of the material */
export function surfaceMaterial(
  material: Material | null,
  textures: ReadonlyMap<Texture, MipTexture>,
): SurfaceMaterial {
  if (material === null) return DEFAULT;
  const map = (texture: Texture | null, info: TextureInfo | null): TextureMap | undefined => {
    const decoded = texture && textures.get(texture);
    return decoded && info ? textureMap(decoded, info) : undefined;
  };
  const specGloss = material.getExtension<PBRSpecularGlossiness>(PBRSpecularGlossiness.EXTENSION_NAME);
  const baseMap = specGloss
    ? map(specGloss.getDiffuseTexture(), specGloss.getDiffuseTextureInfo())
    : map(material.getBaseColorTexture(), material.getBaseColorTextureInfo());
  const [r, g, b, a] = specGloss ? specGloss.getDiffuseFactor() : material.getBaseColorFactor();
  const through =
    material.getExtension<Transmission>(Transmission.EXTENSION_NAME)?.getTransmissionFactor() ?? 0;
  const strength =
    material.getExtension<EmissiveStrength>(EmissiveStrength.EXTENSION_NAME)?.getEmissiveStrength() ?? 1;
  const [er, eg, eb] = material.getEmissiveFactor();
  const mode = material.getAlphaMode();
  // Glass lets most of what is behind it through, but its shape is still to be seen.
  const opacity = (mode === 'OPAQUE' ? 1 : a) * (1 - 0.75 * through);
  const translucent =
    through > 0 || (mode === 'BLEND' && (a < 1 || (baseMap?.texture.minAlpha ?? 255) < 255));
  return {
    base: [r, g, b, opacity],
    metallic: specGloss ? 0 : material.getMetallicFactor(),
    roughness: specGloss ? 1 - specGloss.getGlossinessFactor() : material.getRoughnessFactor(),
    f0: specGloss ? specGloss.getSpecularFactor() : [0.04, 0.04, 0.04],
    emissive: [er * strength, eg * strength, eb * strength],
    unlit: material.getExtension<Unlit>(Unlit.EXTENSION_NAME) !== null,
    doubleSided: material.getDoubleSided(),
    alpha: mode === 'MASK' ? 'mask' : translucent ? 'blend' : 'opaque',
    cutoff: material.getAlphaCutoff(),
    normalScale: material.getNormalScale(),
    occlusionStrength: material.getOcclusionStrength(),
    baseMap,
    metallicRoughnessMap: specGloss
      ? undefined
      : map(material.getMetallicRoughnessTexture(), material.getMetallicRoughnessTextureInfo()),
    normalMap: map(material.getNormalTexture(), material.getNormalTextureInfo()),
    occlusionMap: map(material.getOcclusionTexture(), material.getOcclusionTextureInfo()),
    emissiveMap: map(material.getEmissiveTexture(), material.getEmissiveTextureInfo()),
  };
}

function textureMap(texture: MipTexture, info: TextureInfo): TextureMap {
  const transform = info.getExtension<Transform>(Transform.EXTENSION_NAME);
  const [offsetU, offsetV] = transform?.getOffset() ?? [0, 0];
  const [scaleU, scaleV] = transform?.getScale() ?? [1, 1];
  const rotation = transform?.getRotation() ?? 0;
  const [sin, cos] = [Math.sin(rotation), Math.cos(rotation)];
  return {
    texture,
    uvSet: transform?.getTexCoord() ?? info.getTexCoord(),
    transform: [cos * scaleU, sin * scaleV, offsetU, -sin * scaleU, cos * scaleV, offsetV],
    wrapS: wrapOf(info.getWrapS()),
    wrapT: wrapOf(info.getWrapT()),
  };
}

/** OpenGL's numbers, as glTF has them. */
function wrapOf(mode: number): Wrap {
  if (mode === 33071) return 'clamp';
  return mode === 33648 ? 'mirror' : 'repeat';
}
