/**
 * What a Draco bitstream says it will decode to, read without decoding it (Draco bitstream specification,
 * version 2.2, https://google.github.io/draco/spec/). A stream of a few bytes may promise two billion faces.
 */
export interface DracoCounts {
  faces: number;
  /** Vertices that the connectivity is about; attribute seams may add more points. */
  vertices: number;
}

const EDGEBREAKER = 1;
const METADATA_FLAG = 0x8000;

/** Answers `undefined` for anything that is not a Draco triangle mesh. */
export function readDracoCounts(bytes: Uint8Array): DracoCounts | undefined {
  try {
    return parse(bytes);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function parse(bytes: Uint8Array): DracoCounts | undefined {
  const stream = new Stream(bytes);
  for (const letter of 'DRACO') if (stream.u8() !== letter.charCodeAt(0)) return undefined;
  const major = stream.u8();
  const minor = stream.u8();
  const triangularMesh = stream.u8() === 1;
  const method = stream.u8();
  const flags = stream.u8() + 256 * stream.u8();
  // Older bitstreams count in another way; glTF asks for 2.2.
  if (major !== 2 || minor < 2 || !triangularMesh) return undefined;
  if (flags & METADATA_FLAG) skipGeometryMetadata(stream);
  if (method === EDGEBREAKER) {
    stream.u8(); // Traversal method.
    const vertices = stream.varint();
    return { vertices, faces: stream.varint() };
  }
  const faces = stream.varint();
  return { faces, vertices: stream.varint() };
}

function skipGeometryMetadata(stream: Stream): void {
  for (let left = stream.varint(); left > 0; left--) {
    stream.varint(); // Id of the attribute.
    skipMetadata(stream, 0);
  }
  skipMetadata(stream, 0);
}

function skipMetadata(stream: Stream, depth: number): void {
  if (depth > 32) throw new RangeError('Metadata is nested too deep.');
  for (let left = stream.varint(); left > 0; left--) {
    stream.skip(stream.u8());
    stream.skip(stream.varint());
  }
  for (let left = stream.varint(); left > 0; left--) {
    stream.skip(stream.u8());
    skipMetadata(stream, depth + 1);
  }
}

/** Throws `RangeError` at the end of the bytes. */
class Stream {
  readonly #bytes: Uint8Array;
  #offset = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  u8(): number {
    const value = this.#bytes[this.#offset++];
    if (value === undefined) throw new RangeError('The bitstream ends too early.');
    return value;
  }

  /** LEB128, at most 32 bits. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.u8();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('A number is too long.');
  }

  skip(length: number): void {
    this.#offset += length;
    if (this.#offset > this.#bytes.length) throw new RangeError('The bitstream ends too early.');
  }
}
