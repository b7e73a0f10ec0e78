import type { ProviderId } from '../config.js';
import type { ErrorCode } from '../errors.js';
import { isRecord, type Json, type JsonObject } from '../json.js';
import type { Log } from '../log.js';

/**
 * What meshwright asks of a service that runs models. An `Operation` is opaque to everybody but its provider and
 * is stored in the job's row, so any process can carry on with it.
 */

/** How a submit that did not succeed ended; it decides whether anything may have been paid. */
export type SubmitFailure =
  /** The request never reached the provider (name, connection, TLS), or it was refused with 401, 402, 403, 404, 429. */
  | 'refused'
  /** Refused because of the input (400, 422): another provider would refuse it too. */
  | 'rejected'
  /** Nobody can tell: a reset, a time-out, a 5xx. Never sent again by itself. */
  | 'unclear';

export class SubmitError extends Error {
  override readonly name = 'SubmitError';
  readonly outcome: SubmitFailure;
  /** When the provider says that it will take jobs again, in milliseconds from now. */
  readonly retryAfterMs: number | undefined;
  readonly field: string | undefined;
  /** HTTP status of the refusal; undefined when nobody answered. */
  readonly status: number | undefined;

  constructor(
    outcome: SubmitFailure,
    message: string,
    details: {
      retryAfterMs?: number | undefined;
      field?: string | undefined;
      status?: number | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: details.cause });
    this.outcome = outcome;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
    this.field = details.field;
  }
}

/** What a provider says of a job that it has. */
export interface ProviderStatus {
  running: boolean;
  queuePosition?: number | undefined;
  /** 0 to 1, where it is known. */
  progress?: number | undefined;
  /** A few words. */
  stage?: string | undefined;
}

/** What came out, before the route's mapping: the provider's own body, and what it says it billed. */
export interface ProviderResult {
  body: Json;
  billedUsd?: number | undefined;
  billedUnits?: number | undefined;
  /** Files that exist only in this process (the local generator); `body` names them by index. */
  files?: Uint8Array[] | undefined;
}

/** What a cancel really did. */
export type CancelOutcome =
  /** It will not run and costs nothing. */
  | 'removed'
  /** It runs on and is charged. */
  | 'running'
  /** It had ended already. */
  | 'finished'
  /** The provider has no way to cancel. */
  | 'unsupported';

/** An input image that is held by meshwright. */
export interface InputFile {
  /** Name in the asset store; equal files have equal names. */
  key: string;
  sha256: string;
  mimeType: string;
  read(): Promise<Uint8Array>;
}

export interface ProviderContext {
  signal: AbortSignal;
  log: Log;
  /** The bytes of an input image by its key. */
  readInput(key: string): Promise<Uint8Array>;
  /** Told why the provider cannot be asked about the job at present, in a clause; undefined once it can again. */
  trouble?: ((why: string | undefined) => void) | undefined;
}

export interface SubmitRequest {
  jobId: string;
  /** The provider's name of the model. */
  model: string;
  /** The body as the model's route made it; images are the texts that `upload` answered, or public URLs. */
  body: JsonObject;
  /** Where the provider may call when the job has ended, if it can; nobody else knows this URL. */
  callbackUrl?: string | undefined;
}

/** An attempt to submit of which nobody knows what came of it. */
export interface LostAttempt {
  model: string;
  body: JsonObject;
  /** When it began, in milliseconds since 1970. */
  sentAt: number;
}

/** The provider's own id of a job, by which two operations are known to be of the same one. */
export function idIn(operation: Json): string | undefined {
  const names = isRecord(operation) ? [operation['request_id'], operation['job_id'], operation['id']] : [];
  return names.find((id) => typeof id === 'string');
}

/** A call that claims to come from a provider. */
export interface Callback {
  /** Names in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  /** As it came: signatures are over these bytes. */
  body: Uint8Array;
}

/** What a callback proves. */
export type CallbackVerdict =
  | { kind: 'refused'; why: string }
  /** Something may have happened to the job; nothing is known. */
  | { kind: 'hint' }
  /** The provider has the job, as this operation. */
  | { kind: 'accepted'; operation: Json };

export interface FollowContext extends ProviderContext {
  report: (status: ProviderStatus) => void;
}

/** The provider accepted the job and it did not succeed. */
export class ProviderFailure extends Error {
  override readonly name = 'ProviderFailure';
  readonly kind: 'failed' | 'cancelled' | 'expired';
  readonly charged: 'no' | 'yes' | 'unknown';
  /** In the provider's own units, where it tells what the failure cost. */
  readonly billedUnits: number | undefined;
  readonly retryable: boolean;
  readonly field: string | undefined;
  /** For our own generator, which knows more than that it failed. */
  readonly code: ErrorCode | undefined;

  constructor(
    kind: 'failed' | 'cancelled' | 'expired',
    message: string,
    details: {
      charged: 'no' | 'yes' | 'unknown';
      billedUnits?: number | undefined;
      retryable?: boolean;
      field?: string | undefined;
      code?: ErrorCode | undefined;
      cause?: unknown;
    },
  ) {
    super(message, { cause: details.cause });
    this.kind = kind;
    this.code = details.code;
    this.charged = details.charged;
    this.billedUnits = details.billedUnits;
    this.retryable = details.retryable ?? false;
    this.field = details.field;
  }
}

/** What a provider says of the key that it was given. */
export type KeyVerdict =
  | { key: 'accepted' }
  /** `why` are the provider's words. */
  | { key: 'refused'; why: string }
  /** It gave no answer from which that could be told. */
  | { key: 'unknown'; why: string };

export interface Provider {
  readonly id: ProviderId;
  /** Name for people. */
  readonly title: string;
  /**
   * Submitting costs nothing and leaves nothing behind, so an attempt whose outcome is unknown may be repeated
   * and a lost run may be started again. True for the local generator only.
   */
  readonly repeatable: boolean;
  /** Whether a public image URL is handed on unread. */
  readonly takesUrls: boolean;
  /** Tells the key in use from others, and nothing of it. Absent where there is no key. */
  readonly keyMark?: string;
  /** Loads what `submit` needs, so that nothing but the sending lies between the claim of an attempt and its answer. */
  prepare?(): Promise<void>;
  /** Makes an image readable for the provider; answers what stands for it in a body. May be repeated. */
  upload(file: InputFile, context: ProviderContext): Promise<string>;
  /** One attempt. @throws SubmitError */
  submit(request: SubmitRequest, context: ProviderContext): Promise<Json>;
  /**
   * Returns when the provider says that the job is done; passing faults are ridden out inside.
   * @throws ProviderFailure when it failed there or was cancelled
   */
  follow(operation: Json, context: FollowContext): Promise<void>;
  /** @throws ProviderFailure when the result says that the job failed, or is gone */
  result(operation: Json, context: ProviderContext): Promise<ProviderResult>;
  cancel(operation: Json, context: ProviderContext): Promise<CancelOutcome>;
  /**
   * The jobs there that can have come of an attempt, as operations; whoever asks knows which of them are other jobs'.
   * Absent where the provider does not list its jobs.
   *
   * @throws Error when the list cannot be read
   */
  findLost?(attempt: LostAttempt, context: Pick<ProviderContext, 'signal'>): Promise<Json[]>;
  /**
   * What a call to a job's `callbackUrl` proves. Absent where there are no such calls.
   *
   * @param job - what was submitted, and when, in milliseconds since 1970
   */
  callback?(
    callback: Callback,
    job: { model: string; submittedAt: number },
    context: Pick<ProviderContext, 'signal'>,
  ): Promise<CallbackVerdict>;
  /** The job has ended: what is held in memory for it may go. */
  release?(operation: Json): void;
  /** Whether the key is known there; spends nothing and does not throw. Absent where there is no key. */
  checkKey?(context: Pick<ProviderContext, 'signal'>): Promise<KeyVerdict>;
}

/** The working part of a provider with a key, see `LazyProvider`. */
export type ProviderSession = Required<
  Pick<Provider, 'upload' | 'submit' | 'follow' | 'result' | 'cancel' | 'checkKey'>
> &
  Pick<Provider, 'callback'>;
