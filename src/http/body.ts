import type { IncomingMessage, ServerResponse } from 'node:http';

/** A request body that is longer than is read. */
export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';
}

/** All that is being sent at once is more than this process takes; the same body fits later. */
export class TooManyBodies extends Error {
  override readonly name = 'TooManyBodies';
}

/** The client went away before all of its request was here; nobody reads an answer. */
export class BrokenOff extends Error {
  override readonly name = 'BrokenOff';
}

/** Bytes of bodies whose requests are not answered yet. */
export class BodyBudget {
  readonly #most: number;
  #held = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Whether there is room; it is taken then, until `give`. */
  take(bytes: number): boolean {
    if (this.#held + bytes > this.#most) return false;
    this.#held += bytes;
    return true;
  }

  give(bytes: number): void {
    this.#held -= bytes;
  }
}

const budget = new BodyBudget(512 * 1024 * 1024);

/** How much of a refused body is let in, and for how long, so that its sender gets to read the answer. */
const DISCARD_BYTES = 64 * 1024 * 1024;
const DISCARD_MS = 5_000;

/** Lets the rest of a body that was refused run into the ground. */
export function discard(request: IncomingMessage): void {
  let left = DISCARD_BYTES;
  const stop = setTimeout(() => request.destroy(), DISCARD_MS).unref();
  request.once('close', () => clearTimeout(stop));
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) request.destroy();
  });
  request.resume();
}

/**
 * Reads the whole body, and no more of it than `limit` bytes.
 *
 * @throws BodyTooLarge or TooManyBodies before the rest has arrived, which `discard` takes; BrokenOff
 */
export async function readBody(
  { request, response }: { request: IncomingMessage; response: ServerResponse },
  limit: number,
  held: BodyBudget = budget,
): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limit) throw new BodyTooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  let taken = 0;
  response.once('close', () => held.give(taken));
  return new Promise((resolve, reject) => {
    const stop = (why: Error): void => {
      request.pause();
      request.removeAllListeners('data');
      chunks.length = 0;
      reject(why);
    };
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) return stop(new BodyTooLarge());
      if (!held.take(chunk.length)) return stop(new TooManyBodies());
      taken += chunk.length;
      chunks.push(chunk);
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', () => reject(new BrokenOff()));
    request.once('close', () => {
      if (!request.complete) reject(new BrokenOff());
    });
  });
}
