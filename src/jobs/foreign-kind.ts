import { sniff, type FileFormat } from '../glb/sniff.js';
import { brands } from './image-header.js';

/** What a file is that is not an image of ours, in words: the reader then knows which file was sent by mistake. */

/** Bytes as characters, where they stand, and what they mean. */
const SIGNATURES: readonly [signature: string, at: number, words: string][] = [
  ['%PDF-', 0, 'a PDF document'],
  ['%!PS', 0, 'a PostScript file'],
  ['8BPS', 0, 'a Photoshop file'],
  ['\0\0\x01\0', 0, 'an icon file'],
  ['\xff\x0a', 0, 'a JPEG XL image'],
  ['JXL ', 4, 'a JPEG XL image'],
  ['jP  ', 4, 'a JPEG 2000 image'],
  ['v/1\x01', 0, 'an EXR image'],
  ['#?RADIANCE', 0, 'an HDR image'],
  ['DDS ', 0, 'a DDS texture'],
  ['\x1a\x45\xdf\xa3', 0, 'a video'],
  ['AVI ', 8, 'a video'],
  ['WAVE', 8, 'a sound file'],
  ['ID3', 0, 'a sound file'],
  ['OggS', 0, 'a sound file'],
  ['\x1f\x8b', 0, 'a compressed file (gzip)'],
  ['7z\xbc\xaf', 0, 'an archive (7z)'],
  ['Rar!', 0, 'an archive (RAR)'],
  ['\x7fELF', 0, 'a program'],
  ['MZ', 0, 'a program'],
];

const FORMATS: Readonly<Partial<Record<FileFormat, string>>> = {
  glb: 'a 3D model (GLB)',
  gltf: 'a 3D model (glTF)',
  fbx: 'a 3D model (FBX)',
  obj: 'a 3D model (OBJ)',
  stl: 'a 3D model (STL)',
  ply: 'a 3D model (PLY)',
  usdz: 'a 3D model (USDZ)',
  zip: 'an archive (ZIP)',
  ktx2: 'a KTX2 texture',
  svg: 'an SVG drawing',
  html: 'a web page (HTML)',
  xml: 'XML text',
  json: 'JSON text',
};

const TEXT = 'text';
const UNKNOWN = 'a file of an unknown kind';

const HEIF = new Set(['heic', 'heix', 'heim', 'heis', 'hevc', 'hevx', 'mif1', 'msf1']);

/** @returns words that follow "is" */
export function foreignKind(bytes: Uint8Array, isRaw = false): string {
  if (isRaw) return 'a raw photo of a camera';
  const named = brands(bytes);
  if (named.length > 0) return named.some((brand) => HEIF.has(brand)) ? 'a HEIC photo' : 'a video';
  const head = Buffer.from(bytes.subarray(0, 64)).toString('latin1');
  const known = SIGNATURES.find(([signature, at]) => head.startsWith(signature, at));
  if (known) return known[2];
  if (/^BM.{4}\0\0\0\0/s.test(head)) return 'a BMP image';
  const { format } = sniff(bytes);
  return FORMATS[format] ?? (isText(bytes) ? TEXT : UNKNOWN);
}

/** Whether it looks like nothing that we know; an image may have become that on its way. */
export function isOfNoKind(bytes: Uint8Array): boolean {
  return [TEXT, UNKNOWN].includes(foreignKind(bytes));
}

function isText(bytes: Uint8Array): boolean {
  const head = bytes.subarray(0, 512);
  return !head.some((byte) => byte < 9 || (byte > 13 && byte < 32));
}
