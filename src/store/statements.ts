import { toJson } from '../json.js';
import { decodeAsset, decodeJob, encodeAsset, encodeJob } from './rows.js';
import type { Sqlite, SqlRow } from './sqlite.js';
import type { Asset, Job, Json } from './types.js';

/** One row at a time, from and to the tables of `schema.ts`: `data` is the row, the other columns are copies of its parts. */

export function findJob(db: Sqlite, id: string): Job | undefined {
  const row = db.get('select id, data from jobs where id = ?', id);
  return row && jobOf(row);
}

export function findAsset(db: Sqlite, id: string): Asset | undefined {
  const row = db.get('select id, data from assets where id = ?', id);
  return row && assetOf(row);
}

const NEXT_REVISION = '(select coalesce(max(revision), 0) + 1 from jobs)';

export function insertJob(db: Sqlite, job: Job): void {
  db.run(
    `insert into jobs (principal, provider, state, digest, created_at, due_at, lease_owner, lease_until,
                       estimate_usd, billed_usd, billed_units, free, model, running, took_ms, data, id, revision)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ${NEXT_REVISION})`,
    ...columnsOf(job),
    job.id,
  );
}

export function updateJob(db: Sqlite, job: Job): void {
  db.run(
    `update jobs set principal = ?, provider = ?, state = ?, digest = ?, created_at = ?, due_at = ?, lease_owner = ?,
                     lease_until = ?, estimate_usd = ?, billed_usd = ?, billed_units = ?, free = ?, model = ?, running = ?, took_ms = ?, data = ?,
                     revision = ${NEXT_REVISION}
     where id = ?`,
    ...columnsOf(job),
    job.id,
  );
}

function columnsOf(job: Job): (string | number | null)[] {
  return [
    job.principal,
    job.provider,
    job.state,
    job.digest,
    job.createdAt,
    job.dueAt,
    job.lease?.owner ?? null,
    job.lease?.until ?? null,
    job.estimateUsd,
    job.billedUsd ?? null,
    job.billedUnits ?? null,
    isFree(job) ? 1 : 0,
    job.model,
    job.running ? 1 : 0,
    tookMs(job),
    encodeJob(job),
  ];
}

/** Known to have cost nothing, whatever was estimated. */
function isFree({ state, error }: Job): boolean {
  return (state === 'failed' || state === 'cancelled') && error?.charged === 'no';
}

/** In milliseconds; without the time in the queue, where that is known. */
function tookMs({ startedAt, runningSince = startedAt, finishedAt }: Job): number | null {
  return runningSince === undefined || finishedAt === undefined ? null : finishedAt - runningSince;
}

export function insertAsset(db: Sqlite, asset: Asset): void {
  db.run(
    'insert into assets (id, principal, job_id, key, created_at, data) values (?, ?, ?, ?, ?, ?)',
    asset.id,
    asset.principal,
    asset.jobId ?? null,
    asset.key,
    asset.createdAt,
    encodeAsset(asset),
  );
}

/** What the other jobs over the provider of this one hold, of those that were created at or after `since`. */
export function operationsBeside(db: Sqlite, { id, provider }: Job, since: number): Json[] {
  const rows = db.all(
    `select data -> '$.operation' as operation from jobs
     where provider = ? and created_at >= ? and id <> ? and json_valid(data)`,
    provider,
    since,
    id,
  );
  return rows.flatMap(({ operation }) =>
    typeof operation === 'string' ? [toJson(JSON.parse(operation))] : [],
  );
}

export function idOf(row: SqlRow): string {
  return String(row['id']);
}

export function jobOf(row: SqlRow): Job {
  return decodeJob(row['data'], idOf(row));
}

export function assetOf(row: SqlRow): Asset {
  return decodeAsset(row['data'], idOf(row));
}
