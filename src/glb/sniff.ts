/**
 * Tells what a file is by its bytes. Names, extensions and `content-type` headers lie: providers serve GLB as
 * `application/octet-stream`, and error pages under the name of a model.
 */

export type FileFormat =
  | 'glb'
  | 'gltf'
  | 'fbx'
  | 'obj'
  | 'stl'
  | 'ply'
  | 'usdz'
  | 'zip'
  | 'png'
  | 'jpeg'
  | 'webp'
  | 'avif'
  | 'gif'
  | 'ktx2'
  | 'svg'
  | 'html'
  | 'xml'
  | 'json'
  | 'unknown';

export interface FileKind {
  format: FileFormat;
  /** As registered with IANA; `application/octet-stream` where nothing is registered (FBX, PLY). */
  mimeType: string;
  /** Without the dot; `bin` when unknown. */
  extension: string;
}

const KINDS: Record<FileFormat, Omit<FileKind, 'format'>> = {
  glb: { mimeType: 'model/gltf-binary', extension: 'glb' },
  gltf: { mimeType: 'model/gltf+json', extension: 'gltf' },
  fbx: { mimeType: 'application/octet-stream', extension: 'fbx' },
  obj: { mimeType: 'model/obj', extension: 'obj' },
  stl: { mimeType: 'model/stl', extension: 'stl' },
  ply: { mimeType: 'application/octet-stream', extension: 'ply' },
  usdz: { mimeType: 'model/vnd.usdz+zip', extension: 'usdz' },
  zip: { mimeType: 'application/zip', extension: 'zip' },
  png: { mimeType: 'image/png', extension: 'png' },
  jpeg: { mimeType: 'image/jpeg', extension: 'jpg' },
  webp: { mimeType: 'image/webp', extension: 'webp' },
  avif: { mimeType: 'image/avif', extension: 'avif' },
  gif: { mimeType: 'image/gif', extension: 'gif' },
  ktx2: { mimeType: 'image/ktx2', extension: 'ktx2' },
  svg: { mimeType: 'image/svg+xml', extension: 'svg' },
  html: { mimeType: 'text/html', extension: 'html' },
  xml: { mimeType: 'application/xml', extension: 'xml' },
  json: { mimeType: 'application/json', extension: 'json' },
  unknown: { mimeType: 'application/octet-stream', extension: 'bin' },
};

/** How much of a text is looked at: licence headers of OBJ and PLY files can be long. */
const TEXT_BYTES = 64 * 1024;

/**
 * Tells a file by its bytes.
 *
 * @param bytes The file or its beginning, 4 KiB or more where the file has them.
 * @param size Bytes of the whole file: a binary STL has no signature but its length.
 */
export function sniff(bytes: Uint8Array, size: number = bytes.length): FileKind {
  const format = binaryFormat(bytes, size) ?? textFormat(bytes) ?? 'unknown';
  return { format, ...KINDS[format] };
}

function binaryFormat(bytes: Uint8Array, size: number): FileFormat | undefined {
  if (startsWith(bytes, 'glTF')) return 'glb';
  if (startsWith(bytes, '\x89PNG\r\n\x1a\n')) return 'png';
  if (startsWith(bytes, '\xff\xd8\xff')) return 'jpeg';
  if (startsWith(bytes, 'RIFF') && startsWith(bytes, 'WEBP', 8)) return 'webp';
  if (startsWith(bytes, 'ftypavi', 4)) return 'avif';
  if (startsWith(bytes, 'GIF87a') || startsWith(bytes, 'GIF89a')) return 'gif';
  if (startsWith(bytes, '\xabKTX 20\xbb\r\n\x1a\n')) return 'ktx2';
  if (startsWith(bytes, 'Kaydara FBX Binary  ')) return 'fbx';
  if (startsWith(bytes, 'PK\x03\x04')) return isUsdz(bytes) ? 'usdz' : 'zip';
  // Before the text formats: many binary STL headers begin with "solid", too.
  if (isBinaryStl(bytes, size)) return 'stl';
  return undefined;
}

function textFormat(bytes: Uint8Array): FileFormat | undefined {
  const head = latin1(bytes, 0, TEXT_BYTES);
  if (head.includes('\0')) return /^ply\r?\n/.test(head) ? 'ply' : undefined;
  const text = head.replace(/^\xef\xbb\xbf/, '').trimStart();
  if (/^ply\r?\n/.test(text)) return 'ply';
  if (text.startsWith('<')) return markupFormat(text);
  if (text.startsWith('{')) return isGltf(text) ? 'gltf' : 'json';
  if (text.startsWith('[')) return 'json';
  if (/^; FBX \d/.test(text) || text.includes('FBXHeaderExtension:')) return 'fbx';
  if (/^solid\b/.test(text) && /\b(facet\s+normal|endsolid)\b/.test(text)) return 'stl';
  if (isObj(text)) return 'obj';
  return undefined;
}

/** The first entry of a USDZ package is its USD layer, stored without compression (USDZ specification). */
function isUsdz(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 30 || view.getUint16(8, true) !== 0) return false;
  return /\.usd[ac]?$/i.test(latin1(bytes, 30, 30 + view.getUint16(26, true)));
}

/** 80 bytes of anything, the number of triangles, 50 bytes per triangle. */
function isBinaryStl(bytes: Uint8Array, size: number): boolean {
  if (bytes.length < 84) return false;
  const triangles = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(80, true);
  return size === 84 + 50 * triangles;
}

function markupFormat(text: string): FileFormat {
  const tag = /<(?:[a-z]+:)?(html|svg|!doctype\s+html|head|body)\b/i
    .exec(text.slice(0, 4096))?.[1]
    ?.toLowerCase();
  if (tag === 'svg') return 'svg';
  return tag === undefined ? 'xml' : 'html';
}

/** The required `asset` object may stand at the end, out of sight; the names of the lists are telling enough. */
function isGltf(text: string): boolean {
  if (/"(accessors|bufferViews|meshes)"\s*:\s*\[/.test(text)) return true;
  return /"asset"\s*:\s*\{/.test(text) && /"(scenes?|nodes|buffers)"\s*:/.test(text);
}

/** Every line that is not a comment is a Wavefront statement, and at least one is a vertex. */
function isObj(text: string): boolean {
  const statement = /^(v|vt|vn|vp|f|l|p|o|g|s|mg|usemtl|mtllib|deg|cstype)\s+\S/;
  const lines = text.split('\n', 2000);
  // The last line may be cut in the middle.
  if (lines.length > 1) lines.pop();
  let vertices = 0;
  for (const line of lines) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    if (!statement.test(trimmed)) return false;
    if (/^v\s+-?[\d.]/.test(trimmed)) vertices++;
  }
  return vertices > 0;
}

function startsWith(bytes: Uint8Array, signature: string, offset = 0): boolean {
  if (bytes.length < offset + signature.length) return false;
  for (let i = 0; i < signature.length; i++) {
    if (bytes[offset + i] !== signature.charCodeAt(i)) return false;
  }
  return true;
}

/** One character per byte, so that no byte is lost and no decoder fails. */
function latin1(bytes: Uint8Array, start: number, end: number): string {
  const part = bytes.subarray(start, end);
  return Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString('latin1');
}
