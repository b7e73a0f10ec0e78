import type { Sqlite } from '../../../src/store/sqlite.js';
import type { Job } from '../../../src/store/types.js';

/** `jobs.db` as the first version wrote it. */
const TABLES = `
  drop table jobs;
  drop table assets;
  create table jobs (
    id text primary key not null,
    principal text not null,
    provider text not null,
    state text not null,
    digest text not null,
    created_at integer not null,
    due_at integer not null,
    lease_owner text,
    lease_until integer,
    estimate_usd real,
    billed_usd real,
    revision integer not null,
    data text not null
  ) strict;
  create index jobs_by_principal on jobs (principal, created_at desc, id desc);
  create index jobs_by_digest on jobs (digest, created_at);
  create unique index jobs_by_revision on jobs (revision);
  create index jobs_live on jobs (due_at)
    where state in ('intent', 'submitting', 'submitted', 'storing');
  create table assets (
    sequence integer primary key autoincrement,
    id text not null unique,
    principal text not null,
    job_id text,
    key text not null,
    created_at integer not null,
    data text not null
  ) strict;
  create index assets_by_principal on assets (principal, created_at desc, id desc);
  create index assets_by_job on assets (job_id, sequence);
  create index assets_by_key on assets (key);
  pragma application_id = 0x6d657368;
  pragma user_version = 1;
`;

/** Turns an empty database back into one of the first version, with these rows; `data` stands in for a damaged row. */
export function writeVersion1(db: Sqlite, rows: readonly { job: Job; data?: string }[]): void {
  db.exec(TABLES);
  for (const [n, { job, data = JSON.stringify(job) }] of rows.entries()) {
    db.run(
      `insert into jobs (id, principal, provider, state, digest, created_at, due_at, lease_owner, lease_until,
                         estimate_usd, billed_usd, revision, data)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      job.id,
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
      n + 1,
      data,
    );
  }
}
