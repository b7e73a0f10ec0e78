import { MeshwrightError } from '../errors.js';

/**
 * The bytes of a data URI (RFC 2397), in base64, also with line breaks or the URL alphabet, or percent-encoded.
 *
 * @param maxBytes judged by the length of the text, before anything is decoded
 * @throws MeshwrightError `invalid_image`, `too_large`
 */
export function decodeDataUri(uri: string, maxBytes: number): Buffer {
  const comma = uri.indexOf(',');
  if (comma < 0 || comma > 1000) throw invalid('The data URI has no comma before its data.');
  const data = uri.slice(comma + 1).trimEnd();
  const bytes = /;\s*base64\s*$/i.test(uri.slice(0, comma))
    ? decodeBase64(data, maxBytes)
    : decodePercent(data, maxBytes);
  if (bytes.length > maxBytes) throw tooLarge(maxBytes);
  return bytes;
}

function decodeBase64(data: string, maxBytes: number): Buffer {
  // Line breaks after every 64 characters are the most that encoders add.
  if (data.length > (maxBytes + 2) * (4 / 3) * (66 / 64)) throw tooLarge(maxBytes);
  const text = data.includes('%') ? decodePercent(data, maxBytes).toString('latin1').trimEnd() : data;
  const bytes = Buffer.from(text, 'base64');
  // Node skips what is not base64 and stops at the first "=": then fewer bytes come out than should.
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  const digits = text.length - padding - count(text, '\n') - count(text, '\r') - count(text, ' ');
  if (bytes.length !== Math.floor((digits * 3) / 4)) throw invalid('The data URI is not valid base64.');
  return bytes;
}

/** Character by character, since a hostile text of many megabytes must not hold up everybody else. */
function decodePercent(data: string, maxBytes: number): Buffer {
  if (data.length > maxBytes * 3) throw tooLarge(maxBytes);
  const source = Buffer.from(data, 'utf8');
  let length = 0;
  for (let i = 0; i < source.length; i++) {
    const byte = source[i] ?? 0;
    const high = byte === 0x25 ? hexDigit(source[i + 1]) : -1;
    const low = high < 0 ? -1 : hexDigit(source[i + 2]);
    source[length++] = low < 0 ? byte : high * 16 + low;
    if (low >= 0) i += 2;
  }
  return source.subarray(0, length);
}

/** -1 when it is none. */
function hexDigit(byte = 0): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const letter = byte | 0x20;
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1;
}

function count(text: string, character: string): number {
  let found = 0;
  for (let at = text.indexOf(character); at >= 0; at = text.indexOf(character, at + 1)) found++;
  return found;
}

function invalid(what: string): MeshwrightError {
  return new MeshwrightError('invalid_image', `${what} Write data:image/png;base64, and the file in base64.`);
}

function tooLarge(maxBytes: number): MeshwrightError {
  return new MeshwrightError(
    'too_large',
    `The image in the data URI is larger than ${Math.floor(maxBytes / (1 << 20))} MiB. Scale it down, or give a path or a URL.`,
  );
}
