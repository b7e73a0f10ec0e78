import { bare, CallError, type Reply, retryAfterOf } from './call-error.js';
import type { Clock } from './clock.js';
import { wordsOf } from './json-api.js';
import {
  type FollowContext,
  type ProviderContext,
  type ProviderFailure,
  type ProviderStatus,
} from './provider.js';
import { backoffMs, pollWaitMs } from './schedule.js';
import { type Seen, TimedProgress } from './timed-progress.js';

/** Following a job by asking from time to time, for hours if need be. */

/** What one look found. */
export type Look<Value> =
  | { done: Value }
  /** `retryAfterMs`: the provider does not want to be asked before. */
  | { seen: Seen; retryAfterMs?: number | undefined }
  /** The answer is none of the provider's. */
  | 'unreadable';

export interface PollOptions {
  /** The provider's name for people. */
  title: string;
  /** The provider's id of the job, for the log. */
  id: string;
  /** Milliseconds since 1970. */
  submittedAt: number;
  /** Where the job may be found, best first. */
  addresses: readonly [URL, ...URL[]];
  /** A fixed interval instead of the adaptive one. */
  pollMs: number | undefined;
  /** Bounds of the adaptive interval, milliseconds. */
  leastMs: number;
  mostMs: number;
  typicalSeconds: number | undefined;
  clock: Clock;
  /** What to say when the provider does not know the job at any address. */
  unknown: (reply: Reply) => ProviderFailure;
}

/** A job that was just accepted may not be found yet, and a gateway that was just restarted finds none. */
const GRACE_MS = 60_000;
/** The same, where the interval is a fixed one. */
const GRACE_POLLS = 100;
/** A provider must deny a job so many times before it counts as gone. */
const MAX_DENIALS = 3;
/** Failures in a row after which the caller is told. */
const TELL_AFTER = 4;
const LOCKED_MS = 5_000;
/** Longest time without a report, and least time between two of one state. */
const TICK_MS = 5_000;
const REPORT_MS = 500;

/**
 * Looks until the job is done. Faults of the network, of the provider and of the account are waited out.
 *
 * @param look one question at one address; throws `ProviderFailure` when the answer is that the job failed
 * @throws ProviderFailure
 */
export async function poll<Value>(
  look: (address: URL) => Promise<Look<Value>>,
  context: FollowContext,
  options: PollOptions,
): Promise<Value> {
  const teller = new Teller(context, options);
  const ticking = setInterval(() => teller.tell(), TICK_MS);
  try {
    return await new Poller(look, context, options, teller).run();
  } finally {
    clearInterval(ticking);
  }
}

class Poller<Value> {
  readonly #look: (address: URL) => Promise<Look<Value>>;
  readonly #context: FollowContext;
  readonly #options: PollOptions;
  readonly #teller: Teller;
  /** The address in use. */
  #at = 0;
  #failures = 0;
  #denials = 0;
  #deniedSince: number | undefined;
  /** Why an address of this round neither answered nor denied the job. */
  #doubt: string | undefined;

  constructor(
    look: (address: URL) => Promise<Look<Value>>,
    context: FollowContext,
    options: PollOptions,
    teller: Teller,
  ) {
    this.#look = look;
    this.#context = context;
    this.#options = options;
    this.#teller = teller;
  }

  async run(): Promise<Value> {
    const { signal } = this.#context;
    const { clock, pollMs, leastMs } = this.#options;
    // Right after the submit nothing can be done yet; after a restart it can.
    let wait = Math.min(pollMs ?? leastMs, leastMs - this.#age());
    for (;;) {
      signal.throwIfAborted();
      if (wait > 0) await clock.sleep(wait, signal);
      try {
        const found = await this.#look(this.#address());
        if (found === 'unreadable') {
          wait = this.#failed(`${this.#options.title} answered something that cannot be read`);
          continue;
        }
        this.#failures = 0;
        this.#denials = 0;
        this.#deniedSince = undefined;
        this.#context.trouble?.(undefined);
        if ('done' in found) return found.done;
        this.#teller.see(found.seen);
        wait = Math.max(this.#interval(), found.retryAfterMs ?? 0);
      } catch (error) {
        signal.throwIfAborted();
        // All but an answer, or none, is the end of the job or a defect of ours.
        if (!(error instanceof CallError)) throw error;
        wait = this.#mend(error);
      }
    }
  }

  /** How long to wait after a question that was not answered. */
  #mend({ reply, message }: CallError): number {
    const least = retryAfterOf(reply) ?? 0;
    if (reply && (isDenial(reply) || isRedirect(reply))) {
      if (this.#at === 0) this.#doubt = undefined;
      if (isRedirect(reply)) this.#doubt = message;
      this.#at = (this.#at + 1) % this.#options.addresses.length;
      if (this.#at !== 0) return 0;
      return this.#doubt === undefined ? this.#denied(reply) : Math.max(least, this.#failed(this.#doubt));
    }
    if (reply?.status === 401 || reply?.status === 403) {
      const { title } = this.#options;
      const words = wordsOf(reply) ?? `HTTP ${reply.status}`;
      this.#context.trouble?.(`${title} refuses the key: ${bare(words)}`);
      return Math.max(least, backoffMs(++this.#failures, LOCKED_MS));
    }
    return Math.max(least, this.#failed(message));
  }

  #denied(reply: Reply): number {
    const now = this.#options.clock.now();
    this.#deniedSince ??= now;
    const { pollMs = Infinity, unknown } = this.#options;
    const enough = now - this.#deniedSince >= Math.min(GRACE_MS, GRACE_POLLS * pollMs);
    if (++this.#denials >= MAX_DENIALS && enough) throw unknown(reply);
    return Math.max(this.#interval(), backoffMs(this.#denials, Math.min(1_000, pollMs)));
  }

  #failed(why: string): number {
    const { title, id } = this.#options;
    this.#context.log.debug('cannot read a status', { provider: title, request: id, error: why });
    if (++this.#failures >= TELL_AFTER) {
      this.#context.trouble?.(why);
    }
    return backoffMs(this.#failures);
  }

  #interval(): number {
    const { pollMs, leastMs, mostMs, typicalSeconds } = this.#options;
    const typicalMs = typicalSeconds === undefined ? undefined : typicalSeconds * 1000;
    return pollMs ?? Math.min(mostMs, Math.max(leastMs, pollWaitMs(this.#age(), typicalMs)));
  }

  #age(): number {
    return Math.max(0, this.#options.clock.now() - this.#options.submittedAt);
  }

  #address(): URL {
    const { addresses } = this.#options;
    return addresses[this.#at] ?? addresses[0];
  }
}

function isDenial({ status }: Reply): boolean {
  return status === 404 || status === 410;
}

function isRedirect({ status }: Reply): boolean {
  return status >= 300 && status <= 399;
}

/** Reports where a job is, unless that was said just now. */
class Teller {
  readonly #context: FollowContext;
  readonly #clock: Clock;
  readonly #progress: TimedProgress;
  #told: ProviderStatus | undefined;
  #toldAt = 0;

  constructor(context: FollowContext, { clock, title, typicalSeconds }: PollOptions) {
    this.#context = context;
    this.#clock = clock;
    this.#progress = new TimedProgress(title, typicalSeconds);
  }

  see(seen: Seen): void {
    this.#progress.see(seen, this.#clock.now());
    this.tell();
  }

  tell(): void {
    const now = this.#clock.now();
    const status = this.#progress.at(now);
    const told = this.#told;
    const sameState = told?.running === status.running && told.stage === status.stage;
    const same =
      sameState && told.queuePosition === status.queuePosition && told.progress === status.progress;
    if (same || (sameState && now - this.#toldAt < REPORT_MS)) return;
    this.#told = status;
    this.#toldAt = now;
    this.#context.report(status);
  }
}

export interface Patience {
  clock: Clock;
  /** How often to ask at most; without end when absent. */
  tries?: number | undefined;
}

/**
 * Repeats a harmless call until it is answered. What may pass by itself (the network, 408, 425, 429, 5xx, and with
 * endless tries also a locked key) is waited out.
 *
 * @throws CallError the last one
 */
export async function untilAnswered<Value>(
  call: () => Promise<Value>,
  { signal }: Pick<ProviderContext, 'signal'>,
  { clock, tries = Infinity }: Patience,
): Promise<Value> {
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted();
    try {
      return await call();
    } catch (error) {
      signal.throwIfAborted();
      const reply = error instanceof CallError ? error.reply : undefined;
      const locked = tries === Infinity && (reply?.status === 401 || reply?.status === 403);
      if (!(error instanceof CallError) || !(locked || mayPass(reply)) || failures >= tries) throw error;
      const least = retryAfterOf(reply) ?? 0;
      await clock.sleep(Math.max(least, backoffMs(failures, locked ? LOCKED_MS : undefined)), signal);
    }
  }
}

function mayPass(reply: Reply | undefined): boolean {
  return !reply || [408, 425, 429].includes(reply.status) || reply.status >= 500;
}
