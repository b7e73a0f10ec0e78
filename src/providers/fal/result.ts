import { isJsonObject, isRecord, toJson } from '../../json.js';
import { type ProviderContext, ProviderFailure, type ProviderResult } from '../provider.js';
import { bare, CallError, type Reply, headerOf } from '../call-error.js';
import { complaintOf, statusInWords } from './complaint.js';
import type { Clock } from '../clock.js';
import type { Call, FalConnection } from './connection.js';
import { expired } from './follow.js';
import { addressesOf, type FalOperation } from './operation.js';
import { backoffMs, retryAfterMs } from '../schedule.js';
import { type FalStatus, readStatus } from './status.js';

/** fal must deny the result so many times, at every address that it may have, before it counts as gone. */
const MAX_DENIALS = 3;
const DENIED_MS = 1_000;
const DENIED_MOST_MS = 5_000;
const DENIED_FOR_MS = 15_000;
/** A gateway that has just been restarted denies everything for a while, the status of the job too. */
const ALL_DENIED_FOR_MS = 60_000;
/** What nothing else confirms, a failure or a page in place of the result, is believed when it outlasts results. */
const BELIEVE_AFTER_MS = 2 * 3_600_000;
const LOCKED_MS = 5_000;
/** Failures after which the caller is told. */
const TELL_AFTER = 4;
const NO_RESULT = 'it is done, and fal answered something that is no result';

export interface ResultDeps {
  connection: FalConnection;
  clock: Clock;
  /** Waits until the job is over; used when the result is not there yet. */
  follow: () => Promise<void>;
}

/**
 * The result of a job that is over: the model's own output and the billed units, which are in a header only. Must
 * be read at once, since fal deletes it (after an hour; after six minutes from 10 KB on).
 *
 * @throws ProviderFailure when fal stored a failure, or nothing any more
 */
export async function result(
  { connection, clock, follow }: ResultDeps,
  operation: FalOperation,
  { signal, log, trouble }: ProviderContext,
): Promise<ProviderResult> {
  const { requestId, endpoint } = operation;
  const addresses = addressesOf(operation, 'result', connection.hosts);
  const since = clock.now();
  let [failures, denials] = [0, 0];
  let deniedSince: number | undefined;
  for (let at = 0; ;) {
    signal.throwIfAborted();
    const call: Call = { signal, address: addresses[at] };
    try {
      const client = connection.client(call);
      const { data }: { data: unknown } = await client.queue.result(endpoint, { requestId });
      const body = toJson(data);
      if (isJsonObject(body)) return { body, billedUnits: billedUnits(call.reply) };
      if (clock.now() - since > BELIEVE_AFTER_MS) throw unreadableResult(operation);
      trouble?.(NO_RESULT);
    } catch (error) {
      if (error instanceof ProviderFailure) throw error;
      signal.throwIfAborted();
      const reply = error instanceof CallError ? error.reply : undefined;
      // What is neither an answer nor a text that is no JSON is a defect of ours.
      if (!(error instanceof CallError) && !(error instanceof SyntaxError)) throw error;
      const believed = clock.now() - since > BELIEVE_AFTER_MS;
      if (error instanceof SyntaxError && believed) throw unreadableResult(operation);
      if (reply?.status === 404 || reply?.status === 410) {
        at = (at + 1) % addresses.length;
        if (at !== 0) continue;
        deniedSince ??= clock.now();
        const denied = clock.now() - deniedSince;
        if (++denials >= MAX_DENIALS && denied >= DENIED_FOR_MS) {
          const status = await lookOnce(connection, operation, signal);
          if (status || denied >= ALL_DENIED_FOR_MS) throw deniedFor(operation, reply, status);
        }
        await clock.sleep(Math.min(DENIED_MS * denials, DENIED_MOST_MS), signal);
        continue;
      }
      if (reply && isInProgress(reply)) await follow();
      else if (reply && isFinal(reply)) throw failureOf(operation, reply);
      else if (reply && !PASSING.has(reply.status)) {
        // A failure that fal stored looks like a fault on the way to it; the status tells them apart.
        const status = await lookOnce(connection, operation, signal);
        const stored = status?.state === 'done' && status.error !== undefined;
        if (stored) throw failureOf(operation, reply);
        // It is done there and was perhaps billed; only what came of it cannot be read any more.
        if (believed) throw unreadableResult(operation, `, fal answered ${statusInWords(reply)}`);
      }
      log.debug('cannot read a result yet', { request: requestId, error: String(error) });
      if (failures + 1 >= TELL_AFTER) trouble?.(error instanceof SyntaxError ? NO_RESULT : error.message);
      const least = retryAfterMs(reply && headerOf(reply, 'retry-after')) ?? 0;
      const locked = reply?.status === 401 || reply?.status === 403;
      await clock.sleep(Math.max(least, backoffMs(++failures, locked ? LOCKED_MS : undefined)), signal);
      continue;
    }
    await clock.sleep(backoffMs(++failures), signal);
  }
}

/** The status as it is now; undefined when it cannot be read. */
export async function lookOnce(
  connection: FalConnection,
  operation: FalOperation,
  signal: AbortSignal,
): Promise<FalStatus | undefined> {
  for (const address of addressesOf(operation, 'status', connection.hosts)) {
    try {
      const client = connection.client({ signal, address });
      return readStatus(await client.queue.status(operation.endpoint, { requestId: operation.requestId }));
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof CallError) || error.status !== 404) return undefined;
    }
  }
  return undefined;
}

/** Passing faults, or of the account. */
const PASSING: ReadonlySet<number> = new Set([401, 402, 403, 408, 425, 429]);

/** In fal's own words; anything between it and us has others. */
function isFinal(reply: Reply): boolean {
  const { status } = reply;
  if (status < 400 || status > 499 || PASSING.has(status)) return false;
  return status === 499 || complaintOf(reply).type !== undefined || hasDetail(reply.text);
}

function hasDetail(text: string): boolean {
  try {
    const body: unknown = JSON.parse(text);
    return isRecord(body) && body['detail'] !== undefined;
  } catch {
    return false;
  }
}

function isInProgress(reply: Reply): boolean {
  return reply.status === 400 && /in progress|not (?:yet )?(?:finished|completed|ready)/i.test(reply.text);
}

function billedUnits(reply: Reply | undefined): number | undefined {
  const text = reply && headerOf(reply, 'x-fal-billable-units');
  const units = text === undefined || text.trim() === '' ? NaN : Number(text);
  return Number.isFinite(units) && units >= 0 ? units : undefined;
}

/** What the user has to know about money: what fal billed, else what its documents promise. */
function chargeOf(reply: Reply): 'no' | 'yes' | 'unknown' {
  const units = billedUnits(reply);
  if (units !== undefined) return units > 0 ? 'yes' : 'no';
  return reply.status >= 500 ? 'no' : 'unknown';
}

/** The failure that fal stored as the job's result, in its own words. */
function failureOf({ requestId }: FalOperation, reply: Reply): ProviderFailure {
  const { status } = reply;
  const charged = chargeOf(reply);
  const money = { no: 'It was not charged.', yes: 'It was charged.', unknown: 'It may have been charged.' }[
    charged
  ];
  if (status === 499) {
    return new ProviderFailure('cancelled', `The job was cancelled at fal. ${money}`, {
      charged,
      billedUnits: billedUnits(reply),
      retryable: true,
    });
  }
  const { message, type, field } = complaintOf(reply);
  const words = bare(message ?? `HTTP ${status}`);
  const kind = type === undefined || words.includes(type) ? '' : ` (${type})`;
  const retryable = status >= 500 || headerOf(reply, 'x-fal-retryable') === 'true';
  const advice = retryable
    ? 'The same call may succeed later.'
    : (ADVICE[type ?? ''] ?? `The request is ${requestId}.`);
  return new ProviderFailure('failed', `The job failed at fal: ${words}${kind}. ${money} ${advice}`, {
    charged,
    billedUnits: billedUnits(reply),
    retryable,
    field,
  });
}

const OTHER_IMAGE = 'Give another image.';
const ADVICE: Readonly<Record<string, string>> = {
  content_policy_violation: 'Use another image or prompt.',
  no_media_generated: 'Use another image or prompt.',
  image_load_error: OTHER_IMAGE,
  image_too_small: OTHER_IMAGE,
  image_too_large: OTHER_IMAGE,
  file_too_large: OTHER_IMAGE,
  file_download_error: 'fal could not fetch the image: give a public URL or a local file.',
  unsupported_image_format: 'Give a PNG, JPEG or WebP image.',
};

/** fal could not read an image that it was given. */
export function blamesImage(error: unknown): boolean {
  return error instanceof ProviderFailure && /\((?:image_load|file_download)_error\)/.test(error.message);
}

function deniedFor(operation: FalOperation, reply: Reply, status: FalStatus | undefined): ProviderFailure {
  if (status?.error === undefined) return expired(operation, reply);
  const words = `${bare(status.error)}${status.errorType === undefined ? '' : ` (${status.errorType})`}`;
  return new ProviderFailure(
    'failed',
    `The job failed at fal: ${words}. It may have been charged. The request is ${operation.requestId}.`,
    { charged: 'unknown' },
  );
}

function unreadableResult({ requestId }: FalOperation, why = ''): ProviderFailure {
  return new ProviderFailure(
    'failed',
    `fal says that the job is done, but its result cannot be read${why}. It was probably charged: look for request ${requestId} at https://fal.ai/dashboard/requests.`,
    { charged: 'unknown' },
  );
}
