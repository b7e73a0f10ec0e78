import type { ProviderId } from '../config.js';
import type { Charged, ErrorCode } from '../errors.js';
import type { Json, JsonObject } from '../json.js';
import type { Trace } from '../trace.js';

export type { Json, JsonObject, ProviderId };

/**
 * What is kept, and the four small interfaces that keep it: `JobStore` (rows, compare-and-set), `AssetStore`
 * (bytes), `Waker` (who steps next) and `Bus` (what changed). Every driver passes the suites in `test/store`.
 */

/**
 * Where a job stands.
 *
 * `intent` (nothing was sent) → `submitting` (one attempt is on its way) → `submitted` (the provider has it) →
 * `storing` (done there, files are being fetched) → one of the four ends. `unconfirmed` is the honest end of a
 * submit whose outcome is not known; evidence may still turn it into `submitted`. Where the provider lists its
 * jobs, such a job is `searching` for a while before.
 */
export type JobState =
  | 'intent'
  | 'submitting'
  | 'searching'
  | 'submitted'
  | 'storing'
  | 'succeeded'
  | 'failed'
  | 'cancelled'
  | 'unconfirmed';

/** Leases are shorter, in milliseconds: one that seems to go on for longer was given before the clock was set back. */
export const LONGEST_LEASE_MS = 60_000;
/** Nothing waits longer before it is looked at again, in milliseconds: what seems to is due as well. */
export const LONGEST_WAIT_MS = 600_000;

/** Whether a job is to be looked at. @param now milliseconds since 1970 */
export function isDue({ dueAt }: Pick<Job, 'dueAt'>, now: number): boolean {
  return dueAt <= now || dueAt > now + LONGEST_WAIT_MS;
}

/** States that the runner still has work with. */
export const LIVE_STATES = [
  'intent',
  'submitting',
  'searching',
  'submitted',
  'storing',
] as const satisfies readonly JobState[];

export interface JobError {
  code: ErrorCode;
  message: string;
  field?: string;
  retryable: boolean;
  charged: Charged;
}

/** An input image: bytes that are kept beside the assets, or a public URL that the provider reads itself. */
export type ImageRef =
  | { kind: 'blob'; key: string; sha256: string; mimeType: string; width: number; height: number }
  | { kind: 'url'; url: string };

export interface Job {
  /** `job_` and 26 characters, 128 random bits. */
  id: string;
  principal: string;
  tool: string;
  /** `auto`, or the provider that the caller insisted on. */
  providerChoice: string;
  /** The route that is being tried or was taken. */
  provider: ProviderId;
  /** The provider's name of the model. */
  model: string;
  /** Why this route, in a few words. */
  routeReason?: string;
  /** Routes that definitely refused the job, and what they said. */
  tried?: { provider: ProviderId; refusal: string }[];
  /** How often the present route was asked in vain to take the job a little later. */
  retries?: number;
  /** Hash of the call; equal for the same call (contract, section 7, point 2). */
  digest: string;
  state: JobState;
  /** Arguments after defaults, without images and without `wait_seconds`, `force_new`, `provider`. */
  args: JsonObject;
  /** Images by argument name. */
  images: { [field: string]: ImageRef | ImageRef[] };
  /** The one submit attempt. */
  attempt?: Attempt;
  /** The provider's handle of the submitted job. */
  operation?: Json;
  /** What the provider last said. */
  running: boolean;
  queuePosition?: number;
  /** 0 to 1, never falls. */
  progress: number;
  /** What is being done, in a few words. */
  stage: string;
  cancelRequested: boolean;
  /** What the provider made of the request to cancel. */
  cancelOutcome?: 'removed' | 'running' | 'finished' | 'unsupported' | 'failed';
  /** Why it was not taken, in a sentence. */
  cancelError?: string;
  /** How often it was asked for. */
  cancelAsked?: number;
  /**
   * The provider cannot be asked about it: why, in a clause, and since when. With `here` the row cannot be written: why,
   * in sentences; that is in no row.
   */
  trouble?: { why: string; since: number; here?: true };
  seed?: number;
  /** US dollars; `null` is unknown. */
  estimateUsd: number | null;
  /** When the provider said that it was done, in milliseconds since 1970. */
  completedAt?: number;
  /** What another route may cost after a refusal; absent: whatever it costs. */
  ceiling?: Ceiling;
  billedUsd?: number;
  /** In the provider's own units, where it tells no dollars. */
  billedUnits?: number;
  /** What the provider answered when it was done; kept until the files are stored. */
  result?: Json;
  /** Facts about the result for the caller (the local generator's report). */
  report?: JsonObject;
  error?: JobError;
  /** How often storing was tried in vain. */
  storeAttempts: number;
  /** The trace of the call that made the job. */
  trace?: Trace;
  /** Milliseconds since 1970, here and below. */
  createdAt: number;
  startedAt?: number;
  /** When it was first seen to run. */
  runningSince?: number;
  /** How long such jobs ran before, in seconds, as it was known then. */
  typicalSeconds?: number;
  finishedAt?: number;
  updatedAt: number;
  /** The runner looks at the job from this moment on. */
  dueAt: number;
  /** The process that works on the job, until when. */
  lease?: { owner: string; until: number };
}

/** Who made an attempt to submit, and when. */
export interface Attempt {
  token: string;
  /** Milliseconds since 1970. */
  at: number;
  owner?: string;
  /** What was sent, where the provider lists its jobs and this one may have to be told from the others. */
  sent?: JsonObject;
  /** Tells the key that it was sent with from others. */
  keyMark?: string;
  /** Set while the provider's list is looked through for it. */
  lost?: Lost;
}

export interface Lost {
  /** Why its outcome is not known. */
  why: string;
  /** How often the provider's list was looked through, and how often it could not be read. */
  read: number;
  failed: number;
}

/** The most that was agreed to. */
export interface Ceiling {
  /** US dollars. */
  usd: number;
  /** Whether a price that is not known is agreed to as well. */
  unknown: boolean;
}

export type AssetRole = 'model' | 'preview' | 'texture' | 'archive' | 'other';

export interface Asset {
  /** `asset_` and 26 characters, 128 random bits. */
  id: string;
  principal: string;
  /** Absent for files that no job made. */
  jobId?: string;
  role: AssetRole;
  /** `glb`, `fbx`, `obj`, `png`, … */
  format: string;
  mimeType: string;
  /** File name for people, with extension, no folder. */
  name: string;
  sizeBytes: number;
  sha256: string;
  /** Where the `AssetStore` has the bytes. */
  key: string;
  /** The inspection, when the file could be inspected. */
  inspection?: JsonObject;
  createdAt: number;
}

export interface Page<Row> {
  rows: Row[];
  /** Give it back to get the next page; absent on the last one. */
  nextCursor?: string;
}

export interface JobFilter {
  principal: string;
  states?: readonly JobState[] | undefined;
  /** Of the rows in the state `submitted`, only those that run there (true), or only those that do not (false). */
  running?: boolean | undefined;
  limit: number;
  cursor?: string | undefined;
}

export interface AssetFilter {
  principal: string;
  jobId?: string | undefined;
  limit: number;
  cursor?: string | undefined;
}

/** A new version of a row, and the asset rows that become visible with it, all or nothing. */
export interface JobChange {
  job: Job;
  assets?: Asset[];
}

/** A limit on what a principal spends. */
export interface Allowance {
  /** Jobs from this moment on count. */
  since: number;
  /** Throws when a job must not be added to these US dollars: billed, or else estimated, unless known to be free. */
  check: (spentUsd: number) => void;
}

/** What the jobs of one day over one provider's model cost. */
export interface CostRow {
  /** The day in UTC on which the jobs were begun, `2026-11-20`. */
  day: string;
  provider: ProviderId;
  /** The provider's name of the model. */
  model: string;
  jobs: number;
  /** Of these, how many are known to have cost nothing; the sums are of the others. */
  free: number;
  /** How many have neither a price nor a bill in US dollars. */
  unknown: number;
  /** US dollars: what the prices said before. */
  estimateUsd: number;
  /** US dollars: what the provider said that it billed; `null` where it never said any. */
  billedUsd: number | null;
  /** US dollars: billed, or else estimated. What counts against a cap. */
  spentUsd: number;
  /** In the provider's own units; `null` where it never told any. */
  billedUnits: number | null;
}

/** Jobs of one state at one provider. */
export interface TallyRow {
  state: JobState;
  provider: ProviderId;
  jobs: number;
  /** US dollars: billed, or else estimated. */
  spentUsd: number;
}

export interface JobStore {
  /**
   * Inserts the job, unless an equal call answers it: same digest, `createdAt` at or after `since`, state live,
   * `succeeded` or `unconfirmed`. Both in one transaction, so that two processes cannot both insert.
   * `since` undefined always inserts, unless there is a job of this id.
   *
   * @param allowance asked in the same transaction, before a row is inserted, so that two calls cannot both take
   * what is left
   * @throws MeshwrightError `storage` when the row could not be written: nothing may be submitted then
   */
  create(
    job: Job,
    since: number | undefined,
    allowance?: Allowance,
  ): Promise<{ job: Job; existing: boolean }>;
  /** What `create` would do, without writing: the job that would answer, or `undefined` where it would insert. */
  preflight(job: Job, since: number | undefined, allowance?: Allowance): Promise<Job | undefined>;
  get(id: string): Promise<Job | undefined>;
  /** Newest first. */
  list(filter: JobFilter): Promise<Page<Job>>;
  /**
   * Atomic read-modify-write. `step` is pure, is given the row as it is now and returns its next version, or
   * `undefined` to leave it alone. Answers the version written, `undefined` when nothing was.
   */
  change(id: string, step: (job: Job) => JobChange | undefined): Promise<Job | undefined>;
  /**
   * As `change`; `step` is given as well the operations of all other jobs over the same provider that were created at
   * or after `since`. In one transaction, so that no two jobs take the same one.
   */
  bind(
    id: string,
    since: number,
    step: (job: Job, taken: readonly Json[]) => JobChange | undefined,
  ): Promise<Job | undefined>;
  /**
   * Ids of live jobs that are due (see `isDue`) and whose lease is absent, over, longer than any that is given, or
   * satisfies `isDead`. Oldest first.
   */
  due(now: number, isDead: (owner: string) => boolean, limit: number): Promise<string[]>;
  /** When the next live job without a lease becomes due, of those that become due after this moment if one is given. */
  nextDue(after?: number): Promise<number | undefined>;
  /**
   * How long the last jobs of a model took, in milliseconds, newest first: from when they were seen to run, or else
   * from submit, until their files were here.
   */
  durations(model: string, limit: number): Promise<number[]>;
  /** The principal's jobs from this moment on, summed up; newest day first, then by provider and model. */
  costs(principal: string, since: number): Promise<CostRow[]>;
  /** All jobs of everybody, counted by state and provider; dollars of those since this moment. */
  tally(since: number): Promise<TallyRow[]>;
  /** Whose jobs and assets there are, by name. */
  principals(limit: number): Promise<string[]>;
  /** Whether any live job uses this input image. */
  usesBlob(key: string): Promise<boolean>;
  getAsset(id: string): Promise<Asset | undefined>;
  /** Newest first. */
  listAssets(filter: AssetFilter): Promise<Page<Asset>>;
  /** The assets of one job, in the order in which they were published. */
  assetsOf(jobId: string): Promise<Asset[]>;
  addAsset(asset: Asset): Promise<void>;
  /** Answers the row that was removed. */
  deleteAsset(id: string): Promise<Asset | undefined>;
  /** Whether any asset row has this key. */
  hasAssetKey(key: string): Promise<boolean>;
  close(): Promise<void>;
}

export interface ByteRange {
  /** First byte. */
  start: number;
  /** Last byte, inclusive. */
  end: number;
}

/**
 * Files by key (`asset_….glb`, `input_<sha256>.png`). A key is visible only when its bytes are complete and on
 * disk. Keys are checked: no separators, no dots but one before the extension.
 */
export interface AssetStore {
  /** The absolute path of a new temporary file of this process, on the same volume as the files. */
  temporary(): Promise<string>;
  /**
   * Makes a complete temporary file visible under `key`: fsync, atomic rename, fsync of the folder. It is announced;
   * `confirm` it once its row is written.
   */
  adopt(temporaryPath: string, key: string): Promise<void>;
  /** Writes bytes under `key` the same way. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  /** @throws MeshwrightError `not_found` */
  read(key: string, range?: ByteRange): Promise<Buffer>;
  /** The absolute path of the file, for drivers that have one. */
  path(key: string): string | undefined;
  has(key: string): Promise<boolean>;
  /**
   * Makes the file as young as a new one and answers whether it is there: a sweep that began before leaves it alone,
   * so that its row can be written.
   */
  touch(key: string): Promise<boolean>;
  /** Removing what is not there is no error. */
  delete(key: string): Promise<void>;
  /**
   * The row of this file is about to be written or removed: should this process die before it says `confirm` or
   * `delete`, the next sweep removes the file if no row has it. Never fails: a note that cannot be written only means
   * that such a file is found by its age.
   */
  announce(key: string): Promise<void>;
  /** The row is written, or stays. */
  confirm(key: string): Promise<void>;
  /**
   * Removes temporary files, and files for which `isUsed` answers false, that are older than `olderThanMs`;
   * temporary files of processes that are known to be dead, and what these had announced, at any age. Answers how many.
   */
  sweep(olderThanMs: number, isUsed: (key: string) => Promise<boolean>): Promise<number>;
}

/** Decides when which job is looked at. Calls of `step` for one id never overlap in one process. */
export interface Waker {
  start(step: (jobId: string) => Promise<void>): void;
  /** Look at this job now. */
  wake(jobId: string): void;
  /** Ends the timers and waits for the steps that run, a few seconds at most. */
  stop(): Promise<void>;
}

/** Tells that a job's row changed, in this process or in another one that shares the store. */
export interface Bus {
  publish(jobId: string): void;
  /** `listener` may be called without a change; it reads the row. Answers how to stop. */
  subscribe(jobId: string, listener: () => void): () => void;
  close(): void;
}
