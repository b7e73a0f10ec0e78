import { isProviderId } from '../config.js';
import { MeshwrightError } from '../errors.js';
import { isTrace } from '../trace.js';
import type { Asset, ImageRef, Job, JobError, JobState, JsonObject } from './types.js';

/**
 * Rows to text and back. What is read is checked before it is believed: the file may have been edited, or written
 * by a version with a defect. Fields that this version does not know are kept.
 */

export function encodeJob(job: Job): string {
  return encode(job, isJob, `Job ${job.id}`);
}

export function encodeAsset(asset: Asset): string {
  return encode(asset, isAsset, `Asset ${asset.id}`);
}

/** @throws MeshwrightError `storage` when the text is not a job */
export function decodeJob(data: unknown, id: string): Job {
  return decode(data, isJob, `job ${id}`);
}

/** @throws MeshwrightError `storage` when the text is not an asset */
export function decodeAsset(data: unknown, id: string): Asset {
  return decode(data, isAsset, `asset ${id}`);
}

/** A row that could not be read again is refused when it is written, where the defect is. */
function encode<Row>(row: Row, isValid: (value: unknown) => value is Row, what: string): string {
  if (!isValid(row)) throw new TypeError(`${what} is not a valid row.`);
  return JSON.stringify(row);
}

function decode<Row>(data: unknown, isValid: (value: unknown) => value is Row, what: string): Row {
  const value = typeof data === 'string' ? parse(data) : undefined;
  if (isValid(value)) return value;
  throw new MeshwrightError(
    'storage',
    `The row of ${what} in jobs.db cannot be read: it was changed by hand or damaged. Restore the data folder from a backup, or leave this one alone.`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const STATES: ReadonlySet<unknown> = new Set<JobState>([
  'intent',
  'submitting',
  'searching',
  'submitted',
  'storing',
  'succeeded',
  'failed',
  'cancelled',
  'unconfirmed',
]);
const ROLES: ReadonlySet<unknown> = new Set<Asset['role']>([
  'model',
  'preview',
  'texture',
  'archive',
  'other',
]);
const CHARGED: ReadonlySet<unknown> = new Set<JobError['charged']>(['no', 'yes', 'unknown']);

export function isJobState(value: unknown): value is JobState {
  return STATES.has(value);
}

function isJob(value: unknown): value is Job {
  return (
    isObject(value) &&
    isString(value['id']) &&
    isString(value['principal']) &&
    isString(value['tool']) &&
    isString(value['providerChoice']) &&
    isProviderId(value['provider']) &&
    isString(value['model']) &&
    isString(value['digest']) &&
    optional(value['routeReason'], isString) &&
    optional(value['retries'], isNumber) &&
    optional(
      value['tried'],
      (it) =>
        Array.isArray(it) &&
        it.every((one) => isObject(one) && isString(one['provider']) && isString(one['refusal'])),
    ) &&
    isJobState(value['state']) &&
    isObject(value['args']) &&
    isObject(value['images']) &&
    Object.values(value['images']).every((image) =>
      Array.isArray(image) ? image.every(isImage) : isImage(image),
    ) &&
    optional(value['attempt'], isAttempt) &&
    isBoolean(value['running']) &&
    optional(value['queuePosition'], isNumber) &&
    isNumber(value['progress']) &&
    isString(value['stage']) &&
    isBoolean(value['cancelRequested']) &&
    optional(value['cancelError'], isString) &&
    optional(value['trouble'], (it) => isObject(it) && isString(it['why']) && isNumber(it['since'])) &&
    optional(value['seed'], isNumber) &&
    (value['estimateUsd'] === null || isNumber(value['estimateUsd'])) &&
    optional(value['ceiling'], (it) => isObject(it) && isNumber(it['usd']) && isBoolean(it['unknown'])) &&
    optional(value['billedUsd'], isNumber) &&
    optional(value['billedUnits'], isNumber) &&
    optional(value['report'], isObject) &&
    optional(value['error'], isJobError) &&
    isNumber(value['storeAttempts']) &&
    optional(value['trace'], isTrace) &&
    isNumber(value['createdAt']) &&
    optional(value['startedAt'], isNumber) &&
    optional(value['runningSince'], isNumber) &&
    optional(value['typicalSeconds'], isNumber) &&
    optional(value['completedAt'], isNumber) &&
    optional(value['finishedAt'], isNumber) &&
    isNumber(value['updatedAt']) &&
    isNumber(value['dueAt']) &&
    optional(value['lease'], (it) => isObject(it) && isString(it['owner']) && isNumber(it['until']))
  );
}

function isAttempt(value: unknown): boolean {
  return (
    isObject(value) &&
    isString(value['token']) &&
    isNumber(value['at']) &&
    optional(value['sent'], isObject) &&
    optional(value['keyMark'], isString) &&
    optional(
      value['lost'],
      (it) => isObject(it) && isString(it['why']) && isNumber(it['read']) && isNumber(it['failed']),
    )
  );
}

function isImage(value: unknown): value is ImageRef {
  if (!isObject(value)) return false;
  if (value['kind'] === 'url') return isString(value['url']);
  return (
    value['kind'] === 'blob' &&
    isString(value['key']) &&
    isString(value['sha256']) &&
    isString(value['mimeType']) &&
    isNumber(value['width']) &&
    isNumber(value['height'])
  );
}

function isJobError(value: unknown): value is JobError {
  return (
    isObject(value) &&
    isString(value['code']) &&
    isString(value['message']) &&
    optional(value['field'], isString) &&
    isBoolean(value['retryable']) &&
    CHARGED.has(value['charged'])
  );
}

function isAsset(value: unknown): value is Asset {
  return (
    isObject(value) &&
    isString(value['id']) &&
    isString(value['principal']) &&
    optional(value['jobId'], isString) &&
    ROLES.has(value['role']) &&
    isString(value['format']) &&
    isString(value['mimeType']) &&
    isString(value['name']) &&
    isNumber(value['sizeBytes']) &&
    isString(value['sha256']) &&
    isString(value['key']) &&
    optional(value['inspection'], isObject) &&
    isNumber(value['createdAt'])
  );
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

/** NaN and infinities are not numbers in JSON. */
function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function optional(value: unknown, isValid: (value: unknown) => boolean): boolean {
  return value === undefined || isValid(value);
}
