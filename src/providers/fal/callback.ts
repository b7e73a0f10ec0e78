import { createHash, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { isRecord } from '../../json.js';
import type { Clock } from '../clock.js';
import type { Callback } from '../provider.js';
import { readBody } from '../wire.js';
import type { FalConnection } from './connection.js';

/**
 * fal's webhooks: Ed25519 over request id, user id, time and the hash of the raw body (fal's page on webhooks). Any
 * published key will do, since fal rotates them.
 */

const JWKS_PATH = '/.well-known/jwks.json';
/** As fal's page asks for. */
const KEYS_FOR_MS = 24 * 3_600_000;
/** A signature that fits no key may be of a new one, but not once a call. */
const REFRESH_MS = 60_000;
const TOLERANCE_S = 300;
const MAX_KEYS_BYTES = 256 * 1024;
const MAX_KEYS = 32;
const STALL_MS = 10_000;

/** fal's public keys, fetched when they are needed and kept for a day. */
export class CallbackKeys {
  readonly #connection: FalConnection;
  readonly #clock: Clock;
  #keys: readonly KeyObject[] = [];
  /** Milliseconds since 1970. */
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;

  constructor(connection: FalConnection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  /** Whether one of the keys signed the message. */
  async signed(message: Uint8Array, signature: Uint8Array, signal: AbortSignal): Promise<boolean> {
    const age = this.#clock.now() - this.#askedAt;
    if (age > KEYS_FOR_MS) await this.#refresh(signal);
    if (this.#fits(message, signature)) return true;
    if (this.#clock.now() - this.#askedAt < REFRESH_MS) return false;
    await this.#refresh(signal);
    return this.#fits(message, signature);
  }

  #fits(message: Uint8Array, signature: Uint8Array): boolean {
    return this.#keys.some((key) => verify(null, message, key, signature));
  }

  async #refresh(signal: AbortSignal): Promise<void> {
    this.#asking ??= this.#fetch(signal).finally(() => {
      this.#asking = undefined;
    });
    await this.#asking;
  }

  async #fetch(signal: AbortSignal): Promise<void> {
    this.#askedAt = this.#clock.now();
    const url = this.#connection.hosts.restPath(JWKS_PATH);
    const headers = { accept: 'application/json' };
    const message = await this.#connection.wire.open({
      url,
      method: 'GET',
      headers,
      signal,
      stallMs: STALL_MS,
    });
    const text = await readBody(message, MAX_KEYS_BYTES, signal);
    const keys = message.statusCode === 200 ? keysOf(text) : [];
    // What was there before may still be right.
    if (keys.length > 0) this.#keys = keys;
  }
}

function keysOf(text: string): KeyObject[] {
  let set: unknown;
  try {
    set = JSON.parse(text);
  } catch {
    return [];
  }
  const listed = isRecord(set) && Array.isArray(set['keys']) ? set['keys'].slice(0, MAX_KEYS) : [];
  return listed.flatMap((jwk: unknown) => {
    if (!isRecord(jwk) || jwk['kty'] !== 'OKP' || jwk['crv'] !== 'Ed25519') return [];
    const { x } = jwk;
    if (typeof x !== 'string') return [];
    try {
      // Some are padded although a JWK must not be.
      const key = { kty: 'OKP', crv: 'Ed25519', x: x.replace(/=+$/, '') };
      return [createPublicKey({ key, format: 'jwk' })];
    } catch {
      return [];
    }
  });
}

/**
 * The body of a callback that fal signed lately.
 *
 * @param now - milliseconds since 1970
 */
export async function readCallback(
  { headers, body }: Callback,
  keys: CallbackKeys,
  now: number,
  signal: AbortSignal,
): Promise<{ body: unknown } | { refused: string }> {
  const [requestId, userId, timestamp, signature] = ['request-id', 'user-id', 'timestamp', 'signature'].map(
    (name) => {
      const value = headers[`x-fal-webhook-${name}`];
      return typeof value === 'string' && value.length <= 512 ? value : '';
    },
  );
  if (!requestId || !userId || !timestamp || !signature) return { refused: 'it is not signed' };
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(now / 1000 - Number(timestamp)) > TOLERANCE_S) {
    return { refused: 'its time is not now' };
  }
  if (!/^[0-9a-f]{128}$/i.test(signature)) return { refused: 'its signature is none' };
  const hash = createHash('sha256').update(body).digest('hex');
  const message = Buffer.from([requestId, userId, timestamp, hash].join('\n'));
  if (!(await keys.signed(message, Buffer.from(signature, 'hex'), signal))) {
    return { refused: 'fal did not sign it' };
  }
  try {
    const parsed: unknown = JSON.parse(Buffer.from(body).toString('utf8'));
    // What is signed is the request that the headers name.
    if (isRecord(parsed) && parsed['request_id'] === requestId) return { body: parsed };
  } catch {
    // Then the header alone speaks.
  }
  return { body: { request_id: requestId } };
}
