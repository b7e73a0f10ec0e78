import { ImageUtils } from '@gltf-transform/core';
import type { Animation, Document, Material, Texture } from '@gltf-transform/core';
import { PBRSpecularGlossiness, Unlit } from '@gltf-transform/extensions';
import { imageSize } from './image-size.js';
import { sniff } from './sniff.js';
import type { AnimationInfo, MaterialInfo, SkinInfo, TextureInfo, TextureSlot } from './types.js';

/** Materials, textures, animations and skins of a document as plain JSON. */

export function describeMaterials(document: Document): MaterialInfo[] {
  const numbers = new Map(
    document
      .getRoot()
      .listTextures()
      .map((texture, i) => [texture, i]),
  );
  return document
    .getRoot()
    .listMaterials()
    .map((material) => {
      const specGloss = specularGlossiness(material);
      const [r, g, b, a] = specGloss ? specGloss.getDiffuseFactor() : material.getBaseColorFactor();
      const textures: MaterialInfo['textures'] = {};
      for (const [slot, texture] of slotsOf(material)) textures[slot] ??= numbers.get(texture) ?? -1;
      return {
        name: cleanName(material.getName()),
        baseColor: [round(r), round(g), round(b), round(a)],
        metallic: specGloss ? 0 : round(material.getMetallicFactor()),
        roughness: round(specGloss ? 1 - specGloss.getGlossinessFactor() : material.getRoughnessFactor()),
        alphaMode: material.getAlphaMode(),
        doubleSided: material.getDoubleSided(),
        unlit: material.getExtension<Unlit>(Unlit.EXTENSION_NAME) !== null,
        textures,
      };
    });
}

function specularGlossiness(material: Material): PBRSpecularGlossiness | null {
  return material.getExtension<PBRSpecularGlossiness>(PBRSpecularGlossiness.EXTENSION_NAME);
}

function slotsOf(material: Material): [TextureSlot, Texture][] {
  const specGloss = specularGlossiness(material);
  const slots: [TextureSlot, Texture | null][] = [
    ['baseColor', specGloss?.getDiffuseTexture() ?? material.getBaseColorTexture()],
    ['metallicRoughness', material.getMetallicRoughnessTexture()],
    ['normal', material.getNormalTexture()],
    ['occlusion', material.getOcclusionTexture()],
    ['emissive', material.getEmissiveTexture()],
    ['other', specGloss?.getSpecularGlossinessTexture() ?? null],
  ];
  return slots.flatMap(([slot, texture]) => (texture ? [[slot, texture]] : []));
}

export function describeTextures(document: Document): TextureInfo[] {
  const slots = new Map<Texture, Set<TextureSlot>>();
  for (const material of document.getRoot().listMaterials()) {
    for (const [slot, texture] of slotsOf(material)) {
      slots.set(texture, (slots.get(texture) ?? new Set()).add(slot));
    }
  }
  return document
    .getRoot()
    .listTextures()
    .map((texture) => {
      const image = texture.getImage() ?? new Uint8Array();
      const [width, height] = imageSize(image) ?? [null, null];
      // Extensions have slots of their own (clearcoat, sheen, …).
      const used = texture.listParents().some(({ propertyType }) => propertyType !== 'Root');
      return {
        name: cleanName(texture.getName() || texture.getURI()),
        slots: [...(slots.get(texture) ?? (used ? new Set<TextureSlot>(['other']) : []))],
        mimeType: sniff(image).mimeType,
        width,
        height,
        sizeBytes: image.length,
        gpuBytes: width === null || height === null ? null : gpuBytes(image, width, height),
      };
    });
}

function gpuBytes(image: Uint8Array, width: number, height: number): number {
  if (sniff(image).format === 'ktx2') {
    try {
      const bytes = ImageUtils.getVRAMByteLength(image, 'image/ktx2');
      if (bytes !== null) return Math.round(bytes);
    } catch {
      // Its levels cannot be read; the estimate below is the upper bound.
    }
  }
  return Math.round((width * height * 4 * 4) / 3);
}

export function describeAnimations(document: Document): AnimationInfo[] {
  return document
    .getRoot()
    .listAnimations()
    .map((animation) => ({
      name: cleanName(animation.getName()),
      channels: animation.listChannels().length,
      seconds: round(durationOf(animation)),
    }));
}

function durationOf(animation: Animation): number {
  let end = 0;
  for (const sampler of animation.listSamplers()) {
    const last = sampler.getInput()?.getArray()?.at(-1) ?? 0;
    if (last > end && last < Infinity) end = last;
  }
  return end;
}

export function describeSkins(document: Document): SkinInfo[] {
  return document
    .getRoot()
    .listSkins()
    .map((skin) => ({ name: cleanName(skin.getName()), joints: skin.listJoints().length }));
}

/** Names come from strangers and are shown to agents: one short line of printable characters. */
export function cleanName(name: unknown): string {
  // The file says what it likes where the library's types promise a text.
  if (typeof name !== 'string') return '';
  const line = name.replace(/[\p{C}\p{Z}]+/gu, ' ').trim();
  return line.length > 64 ? `${line.slice(0, 63)}…` : line;
}

/** Four significant decimals are enough for factors, seconds and metres. */
function round(value: number): number {
  return Number.isFinite(value) ? Math.round(value * 1e4) / 1e4 : 0;
}
