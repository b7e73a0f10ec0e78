/**
 * What the first bytes of an image file say, read before any decoder sees them: a few hundred bytes can claim a
 * picture that fills the memory. References: PNG (W3C), JPEG (ITU-T T.81), WebP (RFC 9649), GIF89a, TIFF 6.0,
 * HEIF and AVIF (ISO/IEC 23008-12, AV1 Image File Format).
 */

export type ImageFormat = 'png' | 'jpeg' | 'webp' | 'gif' | 'tiff' | 'avif';

export interface ImageHeader {
  format: ImageFormat;
  /** Pixels as stored, before any rotation that the file asks for; 0 when the header is damaged. */
  width: number;
  height: number;
  /** Pixels that a byte of this format can hold at most, where compression has a bound; a file with more is a lie. */
  pixelsPerByte: number;
  /** Its decoder holds the whole picture in a form of its own beside the pixels (JPEG in several scans). */
  progressive: boolean;
  /** More than one frame (told for WebP only). */
  animated: boolean;
  /** Holds only a small preview of what a camera stored in a form of its own. */
  preview: boolean;
}

/** @returns undefined when the bytes are none of these formats */
export function readImageHeader(bytes: Uint8Array): ImageHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const format = imageFormat(bytes);
  if (!format) return undefined;
  const header: ImageHeader = {
    format,
    width: 0,
    height: 0,
    pixelsPerByte: Infinity,
    progressive: false,
    animated: false,
    preview: false,
  };
  try {
    return { ...header, ...READERS[format](view) };
  } catch (error) {
    // The file ends before its header does.
    if (error instanceof RangeError) return header;
    throw error;
  }
}

type Found = Partial<Omit<ImageHeader, 'format'>>;

/** Deflate ends at 1032 to 1 (RFC 1951: 258 bytes in two bits). */
const DEFLATE = 1032;
/** A block of 8 × 8 pixels takes a bit at least in one of a JPEG's scans (Huffman codes have no shorter ones). */
const JPEG_PIXELS = 8 * 64;
/** A code of 12 bits stands for 4,096 pixels at most (GIF89a, appendix F). */
const GIF_PIXELS = Math.ceil(4096 / 1.5);
/** Samples per pixel by the colour type of a PNG. */
const PNG_SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 };

const READERS: Readonly<Record<ImageFormat, (view: DataView) => Found>> = {
  png: readPng,
  gif: readGif,
  jpeg: readJpeg,
  webp: readWebp,
  tiff: readTiff,
  avif: readAvif,
};

function imageFormat(bytes: Uint8Array): ImageFormat | undefined {
  const head = Buffer.from(bytes.subarray(0, 64)).toString('latin1');
  if (head.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (head.startsWith('\xff\xd8\xff')) return 'jpeg';
  if (/^RIFF.{4}WEBP/s.test(head)) return 'webp';
  if (/^GIF8[79]a/.test(head)) return 'gif';
  if (/^(II[*+]\0|MM\0[*+])/.test(head)) return 'tiff';
  return brands(bytes).some((brand) => brand === 'avif' || brand === 'avis') ? 'avif' : undefined;
}

/** Main and compatible brands of an ISO media file, such as `avif`, `heic` or `mp42`. */
export function brands(bytes: Uint8Array): string[] {
  const head = Buffer.from(bytes.subarray(0, 256));
  if (head.length < 16 || head.toString('latin1', 4, 8) !== 'ftyp') return [];
  const end = Math.min(head.readUInt32BE(0), head.length);
  const found = [head.toString('latin1', 8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) found.push(head.toString('latin1', at, at + 4));
  return found;
}

function readPng(view: DataView): Found {
  if (text(view, 12, 4) !== 'IHDR') return {};
  const bits = view.getUint8(24) * (PNG_SAMPLES[view.getUint8(25)] ?? 1);
  return {
    width: view.getUint32(16),
    height: view.getUint32(20),
    pixelsPerByte: DEFLATE * (8 / Math.max(1, bits)),
  };
}

/** The largest frame: decoders make room for frames beyond the size that the file begins with. */
function readGif(view: DataView): Found {
  const found = {
    width: view.getUint16(6, true),
    height: view.getUint16(8, true),
    pixelsPerByte: GIF_PIXELS,
  };
  const colours = (flags: number): number => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0);
  for (let at = 13 + colours(view.getUint8(10)); at < view.byteLength;) {
    const kind = view.getUint8(at);
    if (kind === 0x3b) break;
    if (kind === 0x2c && at + 10 <= view.byteLength) {
      found.width = Math.max(found.width, view.getUint16(at + 1, true) + view.getUint16(at + 5, true));
      found.height = Math.max(found.height, view.getUint16(at + 3, true) + view.getUint16(at + 7, true));
      at += 11 + colours(view.getUint8(at + 9));
    } else if (kind === 0x21) at += 2;
    // What decoders skip is skipped.
    else at += 1;
    if (kind !== 0x2c && kind !== 0x21) continue;
    while (at < view.byteLength && view.getUint8(at) !== 0) at += 1 + view.getUint8(at);
    at += 1;
  }
  return found;
}

/** The frame header (SOF) is the first segment whose marker is C0 to CF, without the tables C4, C8 and CC. */
function readJpeg(view: DataView): Found {
  for (let at = 2; at < view.byteLength;) {
    const marker = view.getUint8(at + 1);
    if (view.getUint8(at) !== 0xff || marker === 0xd9 || marker === 0xda) return {};
    if (marker === 0xff) at += 1;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8)) at += 2;
    else if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      // Arithmetic coding (C9 to CF) has no such bound.
      const pixelsPerByte = marker < 0xc9 ? JPEG_PIXELS : Infinity;
      const progressive = (marker & 3) === 2;
      return { height: view.getUint16(at + 5), width: view.getUint16(at + 7), pixelsPerByte, progressive };
    } else at += 2 + view.getUint16(at + 2);
  }
  return {};
}

function readWebp(view: DataView): Found {
  switch (text(view, 12, 4)) {
    case 'VP8 ':
      return { width: view.getUint16(26, true) & 0x3fff, height: view.getUint16(28, true) & 0x3fff };
    case 'VP8L': {
      const bits = view.getUint32(21, true);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case 'VP8X':
      return {
        width: 1 + (view.getUint32(24, true) & 0xffffff),
        height: 1 + (view.getUint32(26, true) >>> 8),
        animated: (view.getUint8(20) & 0x02) !== 0,
      };
    default:
      return {};
  }
}

/** Tags of the first directory; classic and BigTIFF. */
function readTiff(view: DataView): Found {
  const little = view.getUint8(0) === 0x49;
  const big = view.getUint16(2, little) === 43;
  const directory = big ? Number(view.getBigUint64(8, little)) : view.getUint32(4, little);
  const count = big ? Number(view.getBigUint64(directory, little)) : view.getUint16(directory, little);
  const first = directory + (big ? 8 : 2);
  const size = big ? 20 : 12;
  const found: Found = {};
  for (let entry = first; entry < first + Math.min(count, 4096) * size; entry += size) {
    const short = view.getUint16(entry + 2, little) === 3;
    const at = entry + (big ? 12 : 8);
    const value = short ? view.getUint16(at, little) : view.getUint32(at, little);
    const tag = view.getUint16(entry, little);
    if (tag === 256) found.width = value;
    else if (tag === 257) found.height = value;
    // Camera files (DNG, NEF, ARW) keep a reduced picture here and the real one elsewhere.
    else if ((tag === 254 && (value & 1) === 1) || tag === 50_706) found.preview = true;
  }
  return found;
}

/** The largest of the sizes that the file declares: tiles and thumbnails have one, too. */
function readAvif(view: DataView): Found {
  let largest: Found = {};
  let area = 0;
  for (const { start, end } of find(view, ['meta', 'iprp', 'ipco', 'ispe'], 0, view.byteLength)) {
    if (end - start < 12) continue;
    const width = view.getUint32(start + 4);
    const height = view.getUint32(start + 8);
    if (width * height <= area) continue;
    area = width * height;
    largest = { width, height };
  }
  return largest;
}

/** Contents of the boxes at a path of box types. */
function* find(
  view: DataView,
  [type, ...rest]: string[],
  from: number,
  to: number,
): Generator<{ start: number; end: number }> {
  for (let at = from; at + 8 <= to;) {
    const size = view.getUint32(at);
    // 0 is "to the end"; a 64-bit size (1) is of use to films only.
    const end = size === 0 ? to : at + size;
    if (size === 1 || (size > 1 && size < 8) || end > to) return;
    if (text(view, at + 4, 4) === type) {
      // `meta` begins with four bytes of version and flags.
      if (rest.length === 0) yield { start: at + 8, end };
      else yield* find(view, rest, at + (type === 'meta' ? 12 : 8), end);
    }
    at = end;
  }
}

function text(view: DataView, at: number, length: number): string {
  let result = '';
  for (let i = 0; i < length; i++) result += String.fromCharCode(view.getUint8(at + i));
  return result;
}
