import { createHash } from 'node:crypto';

/** Ids, file tokens and seeds that depend only on the emulator's seed and on how many were handed out before. */
export class Identifiers {
  readonly #seed: string;
  #next = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** A UUID in the form of version 4. */
  uuid(): string {
    const hex = this.#digest().toString('hex');
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
  }

  /** 21 URL-safe characters, as in the file names of CDNs. */
  token(): string {
    return this.#digest().toString('base64url').slice(0, 21);
  }

  /** @returns an integer from 0 to `below` - 1 */
  integer(below: number): number {
    return this.#digest().readUInt32LE(0) % below;
  }

  #digest(): Buffer {
    this.#next += 1;
    return createHash('sha256').update(`${this.#seed}:${this.#next}`).digest();
  }
}
