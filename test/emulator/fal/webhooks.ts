import type { KeyObject } from 'node:crypto';
import { generateKeyPairSync, sign } from 'node:crypto';
import type { Clock } from '../common/clock.js';
import type { Reply } from '../common/exchange.js';
import { jsonReply } from '../common/exchange.js';
import type { Identifiers } from '../common/identifiers.js';
import type { Json, JsonObject } from '../common/json.js';
import { parseJson, sha256 } from '../common/json.js';
import type { Job } from './job.js';
import type { WebhookPlan } from './plan.js';
import type { Settings } from './settings.js';

export interface WebhookAttempt {
  requestId: string;
  /** Counted from 1 for every copy. */
  attempt: number;
  at: number;
  /** HTTP status, or why there is none. */
  result: number | 'dropped' | 'timeout' | 'unreachable';
}

interface SigningKey {
  kid: string;
  privateKey: KeyObject;
  /** 32 bytes. */
  x: Buffer;
}

const USER_ID = 'emulator-user';

/** Signs and delivers webhooks, and publishes the keys. */
export class Webhooks {
  readonly attempts: WebhookAttempt[] = [];
  readonly #parts: { settings: Settings; clock: Clock; ids: Identifiers };
  /** The newest signs; the one before it is still published. */
  #keys: SigningKey[] = [newKey(1), newKey(2)];
  #keyCount = 2;
  #closed = false;

  constructor(parts: { settings: Settings; clock: Clock; ids: Identifiers }) {
    this.#parts = parts;
  }

  /** A new key signs from now on; the oldest is published no more. */
  rotate(): void {
    this.#keyCount += 1;
    this.#keys = [...this.#keys.slice(1), newKey(this.#keyCount)];
  }

  keySet(): Reply {
    const { jwksPadding } = this.#parts.settings;
    const keys = this.#keys.map(({ kid, x }, i) => {
      const padded = jwksPadding === 'padded' || (jwksPadding === 'mixed' && i % 2 === 0);
      return {
        kty: 'OKP',
        crv: 'Ed25519',
        kid,
        use: 'sig',
        x: x.toString('base64url') + (padded ? '=' : ''),
      };
    });
    return jsonReply(200, { keys }, { 'cache-control': 'public, max-age=86400' });
  }

  close(): void {
    this.#closed = true;
  }

  /** @returns when every copy was tried once; later tries follow on the emulator's clock */
  async deliver(job: Job): Promise<void> {
    const { webhook } = job;
    if (!webhook) return;
    const copies = Array.from({ length: webhook.plan.copies });
    if (webhook.plan.delayMs === 0) {
      await Promise.all(copies.map(() => this.#attempt(job, webhook.url, webhook.plan, 1)));
      return;
    }
    this.#parts.clock.at(this.#parts.clock.now() + webhook.plan.delayMs, () => {
      for (const _ of copies) void this.#attempt(job, webhook.url, webhook.plan, 1);
    });
  }

  async #attempt(job: Job, url: string, plan: WebhookPlan, attempt: number): Promise<void> {
    const { settings, clock } = this.#parts;
    if (this.#closed) return;
    const result = await this.#post(job, url, plan, attempt);
    this.attempts.push({ requestId: job.id, attempt, at: clock.now(), result });
    const delivered = typeof result === 'number' && result >= 200 && result < 300;
    const refusedForGood =
      result === 'dropped' || (typeof result === 'number' && result >= 300 && result < 400);
    if (delivered || refusedForGood || attempt >= settings.webhookAttempts) return;
    const expired = job.result !== undefined && clock.now() >= job.result.expiresAt;
    if (expired) return;
    const pause = Math.min(10_000 * 2 ** (attempt - 1), 600_000);
    clock.at(clock.now() + pause, () => void this.#attempt(job, url, plan, attempt + 1));
  }

  async #post(job: Job, url: string, plan: WebhookPlan, attempt: number): Promise<WebhookAttempt['result']> {
    const { settings } = this.#parts;
    if (!settings.webhookLoopback && isLocal(url)) return 'dropped';
    const body = webhookBody(job, plan, this.#parts.ids);
    const timeout = attempt === 1 ? settings.webhookFirstTimeoutMs : settings.webhookRetryTimeoutMs;
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...this.#signed(job, body, plan) },
        body: plan.signature === 'altered-body' ? body.replace('"status"', '"Status"') : body,
        redirect: 'manual',
        signal: AbortSignal.timeout(timeout),
      });
      await response.body?.cancel();
      return response.status;
    } catch (error) {
      return error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : 'unreachable';
    }
  }

  #signed(job: Job, body: string, plan: WebhookPlan): Record<string, string> {
    if (plan.signature === 'unsigned') return {};
    // Receivers compare with their own clock: 300 s are tolerated either way.
    const drift = plan.signature === 'stale' ? -301 : plan.signature === 'future' ? 301 : 0;
    const timestamp = String(Math.floor(this.#parts.clock.now() / 1000) + drift);
    const message = [job.id, USER_ID, timestamp, sha256(body)].join('\n');
    const key = plan.signature === 'wrong-key' ? newKey(0) : this.#keys.at(-1);
    const signature = key ? sign(null, Buffer.from(message), key.privateKey).toString('hex') : '';
    return {
      'x-fal-webhook-request-id': job.id,
      'x-fal-webhook-user-id': USER_ID,
      ...(plan.signature === 'missing-header' ? {} : { 'x-fal-webhook-timestamp': timestamp }),
      'x-fal-webhook-signature': signature,
    };
  }
}

function webhookBody(job: Job, plan: WebhookPlan, ids: Identifiers): string {
  const head = { request_id: job.id, gateway_request_id: ids.uuid() };
  const body: JsonObject = job.failure
    ? { ...head, status: 'ERROR', error: job.failure.error, payload: payloadOf(job) }
    : { ...head, status: 'OK', error: null, payload: payloadOf(job) };
  if (plan.body === 'payload-error') {
    Object.assign(body, { payload: null, payload_error: 'Response payload is not JSON serializable.' });
  }
  const text = JSON.stringify(body);
  return plan.body === 'invalid' ? text.slice(0, text.length >> 1) : text;
}

function payloadOf(job: Job): Json {
  const text = job.failure?.reply.body ?? job.result?.json ?? 'null';
  return parseJson(text.toString()) ?? { detail: text.toString() };
}

function newKey(number: number): SigningKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const { x = '' } = publicKey.export({ format: 'jwk' });
  return { kid: `emulator-${number}`, privateKey, x: Buffer.from(x, 'base64url') };
}

function isLocal(url: string): boolean {
  const { hostname } = new URL(url);
  return /^(localhost|127\.|10\.|192\.168\.|169\.254\.|\[)/.test(hostname);
}
