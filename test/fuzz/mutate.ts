import type { Random } from './random.js';

/** Mutations of plain bytes, as coverage-guided fuzzers make them. */

const INTERESTING: readonly [number, ...number[]] = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 129, 254, 255, 256, 512, 1000, 1024, 4096, 8191,
  16_383, 32_767, 32_768, 65_535, 65_536, 8_388_607, 16_777_215, 2_147_483_647, 2_147_483_648, 4_294_967_294,
  4_294_967_295,
];

const NUMBERS: readonly [string, ...string[]] = [
  '0', '-0', '-1', '1', '255', '256', '65535', '65536', '2147483647', '2147483648', '4294967295', '9007199254740991',
  '9007199254740993', '1e21', '1e308', '1e999', '-1e999', '0.1', '0.0000000001', 'NaN', '00', '0x10', '1_0', '',
]; // prettier-ignore

type Step = (bytes: Uint8Array, random: Random, tokens: readonly string[]) => Uint8Array;

const steps: readonly [Step, ...Step[]] = [
  // One bit, one byte.
  (bytes, random) => withByte(bytes, random, (byte) => byte ^ (1 << random.below(8))),
  (bytes, random) => withByte(bytes, random, () => random.below(256)),
  (bytes, random) =>
    withByte(bytes, random, (byte) => byte + (random.chance(0.5) ? random.length(35) : -random.length(35))),
  // A number that programs stumble over, in any width and order.
  (bytes, random) => edited(bytes, (copy) => writeNumber(copy, random)),
  // Less, more, again.
  (bytes, random) => {
    const from = random.below(bytes.length);
    return joined(bytes.subarray(0, from), bytes.subarray(from + random.length(bytes.length - from)));
  },
  (bytes, random) => bytes.slice(0, random.below(bytes.length)),
  (bytes, random) => {
    const from = random.below(bytes.length);
    const piece = bytes.subarray(from, from + random.length(bytes.length - from));
    const times = random.chance(0.9) ? 1 : random.length(64);
    const where = random.below(bytes.length + 1);
    return joined(
      bytes.subarray(0, where),
      ...Array.from({ length: times }, () => piece),
      bytes.subarray(where),
    );
  },
  (bytes, random) => {
    const filler = new Uint8Array(random.length(4096)).fill(random.chance(0.5) ? 0 : random.below(256));
    const where = random.below(bytes.length + 1);
    return joined(bytes.subarray(0, where), filler, bytes.subarray(where));
  },
  (bytes, random) =>
    edited(bytes, (copy) => {
      const from = random.below(copy.length);
      copy.copyWithin(random.below(copy.length), from, from + random.length(copy.length - from));
    }),
  // Texts that the parser knows, and numbers in texts.
  insertToken,
  insertToken,
  overwriteToken,
  (bytes, random) => {
    const text = Buffer.from(bytes).toString('latin1');
    const numbers = [...text.matchAll(/-?\d+(?:\.\d+)?/g)];
    const found = random.pick(numbers);
    if (!found) return insertToken(bytes, random, NUMBERS);
    const changed =
      text.slice(0, found.index) + random.pick(NUMBERS) + text.slice(found.index + found[0].length);
    return new Uint8Array(Buffer.from(changed, 'latin1'));
  },
];

/** One to some changes of the bytes. */
export function mutateBytes(bytes: Uint8Array, random: Random, tokens: readonly string[] = []): Uint8Array {
  let mutated = bytes;
  for (let left = random.length(8); left > 0; left--) {
    mutated =
      mutated.length === 0
        ? insertToken(mutated, random, tokens)
        : random.pick(steps)(mutated, random, tokens);
  }
  return mutated;
}

/** The beginning of one input and the end of another. */
export function splice(a: Uint8Array, b: Uint8Array, random: Random): Uint8Array {
  return joined(a.subarray(0, random.below(a.length + 1)), b.subarray(random.below(b.length + 1)));
}

function insertToken(bytes: Uint8Array, random: Random, tokens: readonly string[]): Uint8Array {
  const where = random.below(bytes.length + 1);
  return joined(bytes.subarray(0, where), token(random, tokens), bytes.subarray(where));
}

function overwriteToken(bytes: Uint8Array, random: Random, tokens: readonly string[]): Uint8Array {
  const piece = token(random, tokens);
  const where = random.below(bytes.length + 1);
  return joined(bytes.subarray(0, where), piece, bytes.subarray(where + piece.length));
}

function token(random: Random, tokens: readonly string[]): Uint8Array {
  const text = random.pick(tokens) ?? String.fromCharCode(random.below(256));
  return new Uint8Array(Buffer.from(text, /^[\0-\xff]*$/.test(text) ? 'latin1' : 'utf8'));
}

function writeNumber(bytes: Uint8Array, random: Random): void {
  const width = random.pick([1, 2, 4, 8]);
  if (bytes.length < width) return;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const where = random.below(bytes.length - width + 1);
  const value = random.pick(INTERESTING);
  const little = random.chance(0.5);
  if (width === 1) view.setUint8(where, value & 0xff);
  else if (width === 2) view.setUint16(where, value & 0xffff, little);
  else if (width === 4) view.setUint32(where, value >>> 0, little);
  else view.setBigUint64(where, BigInt(value) << BigInt(random.pick([0, 0, 16, 32])), little);
}

function withByte(bytes: Uint8Array, random: Random, change: (byte: number) => number): Uint8Array {
  return edited(bytes, (copy) => {
    const at = random.below(copy.length);
    copy[at] = change(copy[at] ?? 0) & 0xff;
  });
}

function edited(bytes: Uint8Array, edit: (copy: Uint8Array) => void): Uint8Array {
  const copy = bytes.slice();
  edit(copy);
  return copy;
}

function joined(...pieces: Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}
