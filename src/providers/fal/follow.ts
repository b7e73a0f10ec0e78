import { type FollowContext, ProviderFailure, type ProviderStatus } from '../provider.js';
import { bare, CallError, type Reply, headerOf } from '../call-error.js';
import { complaintOf } from './complaint.js';
import type { Clock } from '../clock.js';
import type { FalConnection } from './connection.js';
import { readEvents } from './event-stream.js';
import { addressesOf, type FalOperation } from './operation.js';
import { Progress } from './progress.js';
import { isLock } from './refusal.js';
import { backoffMs, pollWaitMs, retryAfterMs } from '../schedule.js';
import { type FalStatus, readStatus } from './status.js';

/** How a job is followed; everything but `pollMs` has one value outside tests. */
export interface FollowOptions {
  /** Looks at this interval instead of listening to the stream. */
  pollMs: number | undefined;
  /** Seconds that jobs of the model usually take from submit to end, if that is known. */
  typicalSeconds: number | undefined;
  clock: Clock;
  /** A stream without an event from its beginning is held back by something in between. */
  firstEventMs: number;
  /** Longest silence within a stream: the middlemen's own limits begin at 300 s. */
  silenceMs: number;
}

export const FOLLOW_DEFAULTS = { firstEventMs: 10_000, silenceMs: 240_000 } as const;

/** A stream that lives shorter counts as a failed attempt. */
const SHORT_LIFE_MS = 5_000;
/** After so many failed attempts in a row the job is polled for a while. */
const MAX_STRIKES = 3;
const POLL_INSTEAD_MS = 60_000;
/** How long it is remembered that there are no streams. */
const STREAMLESS_MS = 600_000;
/** Least time between two reports of one state, and longest time without one. */
const REPORT_MS = 500;
const TICK_MS = 5_000;
/** Failures in a row after which the caller is told. */
const TELL_AFTER = 4;
const LOCKED_MS = 5_000;
/** fal must deny a request so many times, at every address that it may have, before it counts as gone. */
const MAX_DENIALS = 3;
const UNREADABLE = 'fal answered something that cannot be read';
const DENIED_MS = 1_500;
const DENIED_MOST_MS = 10_000;
/** A gateway that has just been restarted denies everything for a while. */
const DENIED_FOR_MS = 60_000;

/**
 * Returns when fal says that the job is over, however it ended. Listens to the status stream, and looks from time
 * to time where there is none. The end of a stream says nothing of the job: it means that fal has to be asked
 * again. Faults of the network, of fal and of the account are waited out, for hours if need be.
 *
 * @throws ProviderFailure `expired` when fal does not know the job any more
 */
export async function follow(
  connection: FalConnection,
  operation: FalOperation,
  context: FollowContext,
  options: FollowOptions,
): Promise<void> {
  await new Follower(connection, operation, context, options).run();
}

class Follower {
  readonly #connection: FalConnection;
  readonly #operation: FalOperation;
  readonly #context: FollowContext;
  readonly #options: FollowOptions;
  readonly #progress: Progress;
  readonly #addresses: readonly URL[];
  /** The address in use. */
  #at = 0;
  /** The address at which there was no stream; whether there is a job is not known then. */
  #streamless: number | undefined;
  #pollUntil: number;
  #strikes = 0;
  #failures = 0;
  #denials = 0;
  #deniedSince: number | undefined;
  #told: ProviderStatus | undefined;
  #toldAt = 0;

  constructor(
    connection: FalConnection,
    operation: FalOperation,
    context: FollowContext,
    options: FollowOptions,
  ) {
    this.#connection = connection;
    this.#operation = operation;
    this.#context = context;
    this.#options = options;
    this.#progress = new Progress(options.typicalSeconds);
    this.#addresses = addressesOf(operation, 'status', connection.hosts);
    this.#pollUntil = options.pollMs === undefined ? connection.streamlessUntil : Infinity;
  }

  async run(): Promise<void> {
    const { signal } = this.#context;
    const { clock } = this.#options;
    const ticking = setInterval(() => this.#tell(), TICK_MS);
    try {
      for (;;) {
        signal.throwIfAborted();
        const polls = clock.now() < this.#pollUntil || this.#streamless !== undefined;
        const wait = await (polls ? this.#look() : this.#listen());
        if (wait === 'done') return;
        if (wait > 0) await clock.sleep(wait, signal);
      }
    } finally {
      clearInterval(ticking);
    }
  }

  /** One poll. Answers the time until the next step in milliseconds. */
  async #look(): Promise<number | 'done'> {
    const { signal } = this.#context;
    const { requestId, endpoint } = this.#operation;
    try {
      const client = this.#connection.client({ signal, address: this.#address() });
      const status = readStatus(await client.queue.status(endpoint, { requestId, logs: true }));
      if (!status) return this.#failed(UNREADABLE);
      if (this.#take(status)) return 'done';
    } catch (error) {
      return this.#mend(error);
    }
    const doubt = this.#streamless;
    this.#streamless = undefined;
    if (doubt !== undefined && doubt !== this.#at) return 0;
    if (doubt !== undefined) this.#giveUpStreams();
    return this.#pollWait();
  }

  /** One stream, from its request to its end, whatever ends it. Answers as `#look` does. */
  async #listen(): Promise<number | 'done'> {
    const { clock, firstEventMs: firstMs, silenceMs } = this.#options;
    const { signal, log } = this.#context;
    const openedAt = clock.now();
    try {
      const message = await this.#connection.stream(this.#address(), signal);
      if (!message) return this.#giveUpStreams();
      const end = await readEvents(message, (data) => this.#hear(data), { firstMs, silenceMs });
      if (end === 'done') return 'done';
      signal.throwIfAborted();
      log.debug('a status stream ended before its job', { request: this.#operation.requestId, end });
      if (end === 'mute') {
        this.#pollUntil = Infinity;
        return 0;
      }
      if (end === 'silent' || clock.now() - openedAt >= SHORT_LIFE_MS) this.#strikes = 0;
      else this.#strike();
      return this.#strikes > 1 ? backoffMs(this.#strikes) : 0;
    } catch (error) {
      if (error instanceof CallError && isDenied(error)) {
        this.#streamless = this.#at;
        return 0;
      }
      this.#strike();
      // Where fal answers with a refusal, and not with a stream, the status may still be had.
      const wait = this.#mend(error);
      if (error instanceof CallError && error.reply) this.#pollUntil = clock.now() + wait + POLL_INSTEAD_MS;
      return wait;
    }
  }

  #strike(): void {
    if (++this.#strikes < MAX_STRIKES) return;
    this.#strikes = 0;
    this.#pollUntil = this.#options.clock.now() + POLL_INSTEAD_MS;
  }

  /** There is no stream here, for this job and for those that come next. */
  #giveUpStreams(): number {
    this.#pollUntil = Infinity;
    this.#connection.streamlessUntil = this.#options.clock.now() + STREAMLESS_MS;
    return this.#pollWait();
  }

  #pollWait(): number {
    const { clock, pollMs, typicalSeconds } = this.#options;
    const typicalMs = typicalSeconds === undefined ? undefined : typicalSeconds * 1000;
    return pollMs ?? pollWaitMs(clock.now() - this.#operation.submittedAt, typicalMs);
  }

  /** One event of the stream; true ends it. */
  #hear(data: string): boolean {
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch {
      return false;
    }
    const status = readStatus(value);
    return status !== undefined && this.#take(status);
  }

  /** Learns from a status; true when the job is over. */
  #take(status: FalStatus): boolean {
    this.#failures = 0;
    this.#denials = 0;
    this.#deniedSince = undefined;
    this.#context.trouble?.(undefined);
    this.#progress.seen(status, this.#options.clock.now());
    if (status.state === 'done') return true;
    this.#tell();
    return false;
  }

  /** How long to wait before fal is asked again, after a question that was not answered. */
  #mend(error: unknown): number {
    const { signal } = this.#context;
    signal.throwIfAborted();
    if (error instanceof SyntaxError) return this.#failed(UNREADABLE);
    // A defect of ours, which is not fal's trouble.
    if (!(error instanceof CallError)) throw error;
    const { reply } = error;
    if (reply && isDenied(error)) return this.#denied(reply);
    const least = retryAfterMs(reply && headerOf(reply, 'retry-after')) ?? 0;
    if (reply?.status === 401 || reply?.status === 403) {
      const words = bare(complaintOf(reply).message ?? `HTTP ${reply.status}`);
      this.#failures++;
      this.#context.trouble?.(
        `fal ${isLock(words) ? 'has locked the account' : 'refuses the key'}: ${words}`,
      );
      return Math.max(least, backoffMs(this.#failures, LOCKED_MS));
    }
    return Math.max(least, this.#failed(error.message));
  }

  #failed(why: string): number {
    this.#failures++;
    this.#context.log.debug('cannot read a status', { request: this.#operation.requestId, error: why });
    if (this.#failures >= TELL_AFTER) {
      this.#context.trouble?.(why);
    }
    return backoffMs(this.#failures);
  }

  #denied(reply: Reply): number {
    this.#at = (this.#at + 1) % this.#addresses.length;
    if (this.#at !== 0) return 0;
    const now = this.#options.clock.now();
    this.#deniedSince ??= now;
    const enough = now - this.#deniedSince >= DENIED_FOR_MS;
    if (++this.#denials >= MAX_DENIALS && enough) throw expired(this.#operation, reply);
    return Math.min(DENIED_MS * this.#denials, DENIED_MOST_MS);
  }

  #address(): URL {
    return this.#addresses[this.#at] ?? this.#connection.hosts.queuePath('/');
  }

  /** Reports where the job is, unless that was said just now. */
  #tell(): void {
    const now = this.#options.clock.now();
    const status = this.#progress.at(now);
    const told = this.#told;
    const same =
      told?.running === status.running &&
      told.stage === status.stage &&
      told.queuePosition === status.queuePosition &&
      told.progress === status.progress;
    if (same || (told?.running === status.running && now - this.#toldAt < REPORT_MS)) return;
    this.#told = status;
    this.#toldAt = now;
    this.#context.report(status);
  }
}

function isDenied({ reply }: CallError): boolean {
  return reply?.status === 404 || reply?.status === 410;
}

/** Of a request that fal does not know any more, or whose result it has deleted. */
export function expired({ requestId, endpoint }: FalOperation, reply: Reply): ProviderFailure {
  const words = complaintOf(reply).message;
  return new ProviderFailure(
    'expired',
    `fal no longer has the result of request ${requestId} (${endpoint})${words === undefined ? '' : `: ${bare(words)}`}. ` +
      'It keeps results for about an hour, large ones for six minutes. The job was probably charged: look for the ' +
      'request at https://fal.ai/dashboard/requests, or set force_new to buy it again.',
    { charged: 'unknown' },
  );
}
