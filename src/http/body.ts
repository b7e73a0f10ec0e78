import type { IncomingMessage } from 'node:http';

/** A request body that is longer than is read. */
export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge';
}

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
 * @throws BodyTooLarge before the rest has arrived; `discard` takes that
 */
export async function readBody(request: IncomingMessage, limit: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > limit) throw new BodyTooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        request.pause();
        request.removeAllListeners('data');
        reject(new BodyTooLarge());
        return;
      }
      chunks.push(chunk);
    });
    request.once('end', () => resolve(Buffer.concat(chunks)));
    request.once('error', reject);
    request.once('close', () => {
      if (!request.complete) reject(new Error('the request was broken off'));
    });
  });
}
