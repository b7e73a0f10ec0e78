/**
 * The one error type that is meant to be read by an agent or a person. Everything else that is thrown is a
 * defect: its text is logged, and the caller gets an id to quote (see `tools/tool.ts`).
 */

/** What is known about money when something went wrong (contract, section 5). */
export type Charged = 'no' | 'yes' | 'unknown';

export type ErrorCode =
  /** Arguments that break a tool's schema or a rule between fields. */
  | 'invalid_arguments'
  /** An input image that cannot be used. */
  | 'invalid_image'
  /** A path that may not be read or written. */
  | 'path_refused'
  /** A URL that may not be fetched. */
  | 'url_refused'
  /** A job, asset, model or tool that does not exist for this caller. */
  | 'not_found'
  /** A target that exists already, or a job in a state that does not allow what was asked. */
  | 'conflict'
  /** A file that is too large for the way it was asked for. */
  | 'too_large'
  /** A 3D file that cannot be parsed or shown. */
  | 'invalid_asset'
  /** The generator ran and could not make a model of this input. */
  | 'generation_failed'
  /** The data folder cannot be used: full, read-only, of a newer version. */
  | 'storage'
  /** A configuration value that stops the start. */
  | 'configuration'
  /** The provider refused before it accepted the job. */
  | 'provider_refused'
  /** The provider accepted the job and reports that it failed. */
  | 'provider_failed'
  /** The provider cannot be reached at present. */
  | 'provider_unreachable'
  /** The submit's outcome is not known: it may have been charged. */
  | 'unconfirmed'
  /** The result was not fetched before the provider deleted it. */
  | 'result_expired'
  /** A file could not be downloaded although the job is done. */
  | 'download_failed'
  /** A spending cap refuses the job. */
  | 'over_budget'
  /** The user was asked whether to pay and did not agree. */
  | 'declined'
  | 'cancelled'
  | 'timeout'
  /** A defect in meshwright. */
  | 'internal';

export interface ErrorDetails {
  /** The argument that caused it. */
  field?: string | undefined;
  /** Whether the same call may succeed later without a change. */
  retryable?: boolean | undefined;
  charged?: Charged | undefined;
  cause?: unknown;
}

export class MeshwrightError extends Error {
  override readonly name = 'MeshwrightError';
  readonly code: ErrorCode;
  readonly field: string | undefined;
  readonly retryable: boolean;
  readonly charged: Charged;

  /** @param message One or two sentences: what happened, to what, and what to do next. */
  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(printable(message), details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.field = details.field;
    this.retryable = details.retryable ?? false;
    this.charged = details.charged ?? 'no';
  }
}

/** Longest sentence: most of a longer one is what somebody sent. */
const MAX_MESSAGE = 4000;

/** Without what a terminal would obey and what turns the order of a text around; on one line, of a length that is read. */
export function printable(text: string): string {
  const clean = text.replace(/[\t\n\r]+/g, ' ').replace(/[\p{Cc}\p{Bidi_Control}]/gu, '·');
  return clean.length > MAX_MESSAGE ? `${clean.slice(0, MAX_MESSAGE)}…` : clean;
}

/** The text of anything that was thrown, for logs. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The `code` of a Node system error (`ENOENT`, `ENOSPC`, …), if it is one. */
export function systemCode(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return undefined;
}
