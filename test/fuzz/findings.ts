import { createHash } from 'node:crypto';
import { Broken, type Target } from './target.js';

/** What an input broke, and the smallest input that still breaks it. */

/** Errors from the same place count as one. */
export function describeError(error: unknown): { id: string; summary: string } {
  if (!(error instanceof Error))
    return { id: hash(String(error)), summary: `not an Error: ${String(error)}` };
  // What follows the colon is the input's own.
  if (error instanceof Broken) {
    const promise = error.message.replace(/:.*/s, '').replaceAll(/\d+/g, '#');
    return { id: hash(promise), summary: error.message.slice(0, 400) };
  }
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const place = frames.find((line) => /\/(src|test)\//.test(line)) ?? frames[0] ?? '';
  const what = `${error.name}: ${error.message}`.slice(0, 400);
  // A stack that overflowed ends in a different place each time.
  const where = error instanceof RangeError ? error.message : place.replace(/:\d+\)?$/, '');
  return { id: hash(`${error.name} ${error.message.replace(/\d+|"[^"]*"/g, '#').slice(0, 60)} ${where}`), summary: `${what} ${place.trim()}` }; // prettier-ignore
}

export function hash(text: string | Uint8Array): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12);
}

const MAX_TRIES = 400;
const MAX_MS = 20_000;

/** Leaves out ever smaller pieces as long as the same error comes. */
export async function shrink(
  target: Target,
  bytes: Uint8Array,
  id: string,
  before: (bytes: Uint8Array) => void,
): Promise<Uint8Array> {
  const end = performance.now() + MAX_MS;
  let small = bytes;
  let tries = 0;
  for (let piece = small.length >> 1; piece > 0; piece >>= 1) {
    for (let at = 0; at < small.length;) {
      if (++tries > MAX_TRIES || performance.now() > end) return small;
      const shorter = new Uint8Array(Buffer.concat([small.subarray(0, at), small.subarray(at + piece)]));
      before(shorter);
      if (await breaks(target, shorter, id)) small = shorter;
      else at += piece;
    }
  }
  return small;
}

async function breaks(target: Target, bytes: Uint8Array, id: string): Promise<boolean> {
  try {
    await target.run(bytes);
    return false;
  } catch (error) {
    return describeError(error).id === id;
  }
}
