import type { MeshwrightError } from '../errors.js';
import { LIMITS } from './limits.js';
import { fileTooLarge, invalidGlb, megabytes } from './refusal.js';
import { sniff } from './sniff.js';
import type { FileFormat } from './sniff.js';

/**
 * The GLB container (glTF 2.0 specification, chapter 4): a 12-byte header, a JSON chunk and at most one binary
 * chunk. Nothing in here trusts a length.
 */

const CHUNK_JSON = 0x4e4f534a;
const CHUNK_BIN = 0x004e4942;
const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [OPEN_BRACKET, CLOSE_BRACKET, OPEN_BRACE, CLOSE_BRACE] = [0x5b, 0x5d, 0x7b, 0x7d];

export interface GlbChunks {
  /** Parsed, not yet checked. */
  json: unknown;
  /** A view into the file. */
  bin: Uint8Array<ArrayBuffer> | undefined;
}

const NAMES: Record<Exclude<FileFormat, 'glb' | 'unknown'>, string> = {
  gltf: 'a glTF JSON file',
  fbx: 'an FBX file',
  obj: 'an OBJ file',
  stl: 'an STL file',
  ply: 'a PLY file',
  usdz: 'a USDZ file',
  zip: 'a ZIP archive',
  png: 'a PNG image',
  jpeg: 'a JPEG image',
  webp: 'a WebP image',
  avif: 'an AVIF image',
  gif: 'a GIF image',
  ktx2: 'a KTX2 texture',
  svg: 'an SVG drawing',
  html: 'an HTML page (often an error page in place of the model)',
  xml: 'an XML document (often an error message in place of the model)',
  json: 'a JSON document (often an error message in place of the model)',
};

/**
 * Takes a GLB apart.
 *
 * @throws MeshwrightError `invalid_asset`: another format, truncated, chunks that do not fit, JSON that is too
 *   large or cannot be parsed; `too_large`: over 512 MiB
 */
export function readContainer(input: Uint8Array): GlbChunks {
  const bytes = backedByArrayBuffer(input);
  if (bytes.length > LIMITS.fileBytes) throw fileTooLarge(bytes.length);
  const { format } = sniff(bytes);
  if (bytes.length === 0) throw invalidGlb('The file is empty (0 bytes): download or generate it again.');
  if (format !== 'glb') {
    const what = format === 'unknown' ? 'not a known 3D format' : NAMES[format];
    throw invalidGlb(
      `This needs a binary glTF (GLB) and the file is ${what}: give the GLB of the model instead.`,
    );
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 12) throw truncated(`it ends inside the 12-byte header, after ${bytes.length} bytes`);
  const version = view.getUint32(4, true);
  if (version !== 2) {
    throw invalidGlb(
      `The GLB is of version ${version}, only version 2 (glTF 2.0) can be read: export it as glTF 2.0.`,
    );
  }
  const length = view.getUint32(8, true);
  if (length > bytes.length) throw truncated(`its header says ${length} bytes and there are ${bytes.length}`);
  if (length < bytes.length) {
    throw invalidGlb(
      `The GLB is damaged: its header says ${length} bytes and the file has ${bytes.length}. Export or download it again.`,
    );
  }
  const chunks = readChunks(view, bytes);
  const [first, second] = chunks;
  if (first?.type !== CHUNK_JSON)
    throw invalidGlb('The GLB is damaged: its first chunk is not JSON. Export it again.');
  if (first.data.length > LIMITS.jsonBytes) {
    throw invalidGlb(
      `The JSON of this GLB has ${megabytes(first.data.length)}, over the limit of ${megabytes(LIMITS.jsonBytes)}: ` +
        'it was made to exhaust memory or embeds its data as text. Export it with binary buffers.',
    );
  }
  return { json: parseJson(first.data), bin: second?.type === CHUNK_BIN ? second.data : undefined };
}

interface Chunk {
  type: number;
  data: Uint8Array<ArrayBuffer>;
}

/** Chunks after the second are for extensions and are left out. */
function readChunks(view: DataView, bytes: Uint8Array<ArrayBuffer>): Chunk[] {
  const chunks: Chunk[] = [];
  let offset = 12;
  while (offset < bytes.length && chunks.length < 2) {
    if (offset + 8 > bytes.length) throw truncated('it ends inside the header of a chunk');
    const length = view.getUint32(offset, true);
    const end = offset + 8 + length;
    if (end > bytes.length) {
      throw truncated(`chunk ${chunks.length} is to end at byte ${end} and the file at ${bytes.length}`);
    }
    chunks.push({ type: view.getUint32(offset + 4, true), data: bytes.subarray(offset + 8, end) });
    offset = end;
  }
  return chunks;
}

function truncated(detail: string): MeshwrightError {
  return invalidGlb(`The GLB is cut off: ${detail}. Download or export it again.`);
}

function parseJson(data: Uint8Array): unknown {
  if (nesting(data) > LIMITS.jsonDepth) {
    throw invalidGlb(
      `The JSON of this GLB is nested more than ${LIMITS.jsonDepth} levels deep: it was made to break programs. Export it again without extras.`,
    );
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch (error) {
    throw invalidGlb(
      'The JSON of this GLB cannot be parsed: the file is damaged. Export or download it again.',
      error,
    );
  }
}

/** Levels of brackets. Parsers cope with any number of them; whoever walks through the result may not. */
function nesting(json: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < json.length; i++) {
    const byte = json[i];
    if (inString) {
      if (byte === BACKSLASH) i++;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    else if (byte === OPEN_BRACKET || byte === OPEN_BRACE) deepest = Math.max(deepest, ++depth);
    else if (byte === CLOSE_BRACKET || byte === CLOSE_BRACE) depth--;
  }
  return deepest;
}

/** Libraries want plain `ArrayBuffer`s; only bytes in shared memory are copied. */
function backedByArrayBuffer(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = bytes;
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer, byteOffset, byteLength)
    : new Uint8Array(bytes);
}
