import { assembleText } from '../glb/fixtures.js';
import { mutateBytes } from './mutate.js';
import { mutateJson } from './mutate-json.js';
import type { Random } from './random.js';
import { toText } from './target.js';

/** Mutations inside the two chunks of a GLB, with lengths that are right again: the container is the easy part. */
export function mutateGlb(bytes: Uint8Array, random: Random, tokens: readonly string[] = []): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 20 || random.chance(0.1)) return mutateBytes(bytes, random, tokens);
  const jsonEnd = 20 + view.getUint32(12, true);
  if (jsonEnd > bytes.length) return mutateBytes(bytes, random, tokens);
  const json = bytes.subarray(20, jsonEnd);
  const bin = bytes.length > jsonEnd + 8 ? bytes.subarray(jsonEnd + 8) : undefined;
  if (bin !== undefined && random.chance(0.3)) return assembleText(toText(json), mutateBytes(bin, random));
  return assembleText(toText(mutateJson(json, random, tokens)).trimEnd(), bin);
}
