import type { Clock } from '../common/clock.js';
import type { JsonObject } from '../common/json.js';
import type { Job } from './job.js';
import { statusBody } from './job.js';
import type { Settings } from './settings.js';

export interface WebhookAttempt {
  requestId: string;
  /** What was told: `PROCESSING`, `COMPLETED`, … */
  status: string;
  at: number;
  forged: boolean;
  /** HTTP status, or why there is none. */
  result: number | 'timeout' | 'unreachable';
}

/**
 * Delivers callbacks: once at the end, or with `sync` at every cycle of the queue as well. They carry no signature,
 * may come twice, and stop after a few that failed in a row.
 */
export class Webhooks {
  readonly attempts: WebhookAttempt[] = [];
  readonly #settings: Settings;
  readonly #clock: Clock;
  readonly #failures = new Map<string, number>();
  #closed = false;

  constructor(settings: Settings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  clear(): void {
    this.attempts.length = 0;
    this.#failures.clear();
  }

  close(): void {
    this.#closed = true;
  }

  /** Sets what is due before the end of a job that was just accepted. */
  follow(job: Job): void {
    const { webhook } = job;
    if (!webhook) return;
    if (webhook.mode === 'sync') this.#cycle(job);
    const { forgedAfterMs } = webhook.plan;
    if (forgedAfterMs !== undefined)
      this.#clock.at(job.createdAt + forgedAfterMs, () => void this.forge(job));
  }

  /** The terminal delivery of a job that has ended. */
  async finished(job: Job): Promise<void> {
    const { webhook } = job;
    if (!webhook) return;
    const deliver = (): Promise<unknown> =>
      Promise.all(Array.from({ length: webhook.plan.copies }, () => this.#terminal(job)));
    if (webhook.plan.delayMs === 0) await deliver();
    else this.#clock.at(this.#clock.now() + webhook.plan.delayMs, () => void deliver());
  }

  /** A callback by somebody who only guessed the address: COMPLETED, with a model of their own. */
  async forge(job: Job, over: JsonObject = {}): Promise<void> {
    const output = { media_url: ['https://evil.example/output.glb'], media_type: 'model/glb' };
    const body = { ...statusBody(job, this.#clock.now(), this.#settings, 'webhook'), error: null, output };
    await this.#post(job, { ...body, status: 'COMPLETED', ...over }, true);
  }

  #cycle(job: Job): void {
    this.#clock.at(this.#clock.now() + this.#settings.webhookSyncMs, () => {
      if (job.state === 'done' || this.#givenUp(job)) return;
      void this.#deliver(job);
      this.#cycle(job);
    });
  }

  async #terminal(job: Job): Promise<void> {
    if (this.#givenUp(job) || (await this.#deliver(job))) return;
    this.#clock.at(this.#clock.now() + this.#settings.webhookRetryMs, () => void this.#terminal(job));
  }

  #givenUp(job: Job): boolean {
    return this.#closed || (this.#failures.get(job.id) ?? 0) >= this.#settings.webhookFailures;
  }

  /** @returns whether it was taken */
  async #deliver(job: Job): Promise<boolean> {
    const taken = await this.#post(job, statusBody(job, this.#clock.now(), this.#settings, 'webhook'), false);
    this.#failures.set(job.id, taken ? 0 : (this.#failures.get(job.id) ?? 0) + 1);
    return taken;
  }

  async #post(job: Job, body: JsonObject, forged: boolean): Promise<boolean> {
    const { webhook } = job;
    if (!webhook || this.#closed) return false;
    const text = JSON.stringify(body);
    const result = await send(
      webhook.url,
      webhook.plan.body === 'invalid' && !forged ? text.slice(0, text.length >> 1) : text,
      this.#settings.webhookTimeoutMs,
    );
    const { status } = body;
    this.attempts.push({
      requestId: job.id,
      status: typeof status === 'string' ? status : '',
      at: this.#clock.now(),
      forged,
      result,
    });
    return typeof result === 'number' && result >= 200 && result < 300;
  }
}

async function send(url: string, body: string, timeoutMs: number): Promise<WebhookAttempt['result']> {
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    return error instanceof Error && error.name === 'TimeoutError' ? 'timeout' : 'unreachable';
  }
}
