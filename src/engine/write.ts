import type { Accessor, TypedArray } from '@gltf-transform/core';
import { Document, Logger, NodeIO } from '@gltf-transform/core';
import sharp from '../sharp.js';
import type { Picture } from './bleed.js';
import type { Unwrapped } from './unwrap.js';

/** 4:4:4: halved colour resolution would carry colours over the gutters of small charts. */
const jpeg = { quality: 88, chromaSubsampling: '4:4:4' } as const;

/**
 * One mesh with one material and one embedded JPEG texture, as a binary glTF 2.0 file.
 *
 * @param atlas Base colour, 8-bit sRGB; (0, 0) of the texture coordinates is its top left corner.
 */
export async function writeGlb(mesh: Unwrapped, atlas: Picture): Promise<Uint8Array> {
  const { width, height } = atlas;
  const { buffer, byteOffset, byteLength } = atlas.rgb;
  const image = await sharp(Buffer.from(buffer, byteOffset, byteLength), {
    raw: { width, height, channels: 3 },
  })
    .jpeg(jpeg)
    .toBuffer();

  // The default logger writes to stdout, which belongs to the protocol.
  const logger = new Logger(Logger.Verbosity.SILENT);
  const document = new Document().setLogger(logger);
  document.getRoot().getAsset().generator = 'meshwright';
  const data = document.createBuffer();
  const vertexCount = mesh.positions.length / 3;
  const uvs = Float32Array.from(mesh.texels, (texel, at) => texel / (at % 2 === 0 ? width : height));
  // 65535 restarts primitives in some APIs and is not allowed as an index.
  const indices = vertexCount < 65535 ? Uint16Array.from(mesh.indices) : Uint32Array.from(mesh.indices);

  const texture = document
    .createTexture('base_color')
    .setImage(Uint8Array.from(image))
    .setMimeType('image/jpeg');
  const material = document
    .createMaterial('surface')
    .setBaseColorTexture(texture)
    .setMetallicFactor(0)
    .setRoughnessFactor(0.85)
    .setDoubleSided(false);
  // glTF takes the numbers of WebGL: LINEAR, LINEAR_MIPMAP_LINEAR, CLAMP_TO_EDGE.
  material.getBaseColorTextureInfo()?.setMagFilter(9729).setMinFilter(9987).setWrapS(33071).setWrapT(33071);

  const accessor = (name: string, type: 'SCALAR' | 'VEC2' | 'VEC3', array: TypedArray): Accessor =>
    document.createAccessor(name).setType(type).setArray(array).setBuffer(data);
  const primitive = document
    .createPrimitive()
    .setIndices(accessor('indices', 'SCALAR', indices))
    .setAttribute('POSITION', accessor('positions', 'VEC3', Float32Array.from(mesh.positions)))
    .setAttribute('NORMAL', accessor('normals', 'VEC3', Float32Array.from(mesh.normals)))
    .setAttribute('TEXCOORD_0', accessor('texture_coordinates', 'VEC2', uvs))
    .setMaterial(material);
  const node = document.createNode('object').setMesh(document.createMesh('object').addPrimitive(primitive));
  document.getRoot().setDefaultScene(document.createScene('scene').addChild(node));
  return await new NodeIO().setLogger(logger).writeBinary(document);
}
