import { MeshwrightError } from '../errors.js';
import type { Sqlite } from './sqlite.js';
import { LIVE_STATES } from './types.js';

/**
 * The tables of `jobs.db`. `data` holds a row as JSON and is the truth; the other columns are copies of the parts
 * that are searched for. A migration is only ever added, never changed.
 */

/** `mesh`, in the file header (https://sqlite.org/pragma.html#pragma_application_id). */
const APPLICATION_ID = 0x6d657368;

/** `state` of the rows that the runner works with; the same text everywhere, or SQLite passes by the partial indices. */
export const LIVE = `state in (${LIVE_STATES.map((state) => `'${state}'`).join(', ')})`;

const MIGRATIONS = [
  `
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
    -- Rises with every write of any job: what another process reads to learn which rows changed.
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
  `,
  `
  alter table jobs add column model text;
  -- 1 or 0: what the provider last said, which tells running from queued in the state "submitted".
  alter table jobs add column running integer not null default 0;
  -- From submit to end, in milliseconds.
  alter table jobs add column took_ms integer;
  -- A row that was damaged by hand must not keep the others from being used.
  update jobs set
    model = cast(json_extract(data, '$.model') as text),
    running = coalesce(json_extract(data, '$.running') = 1, 0),
    took_ms = cast(json_extract(data, '$.finishedAt') - json_extract(data, '$.startedAt') as integer)
  where json_valid(data);
  create index jobs_by_model on jobs (model, created_at desc, id desc, took_ms)
    where state = 'succeeded';
  `,
  `
  alter table jobs add column billed_units real;
  -- 1: it ended, and it is known that it cost nothing.
  alter table jobs add column free integer not null default 0;
  update jobs set
    billed_units = cast(json_extract(data, '$.billedUnits') as real),
    free = state in ('failed', 'cancelled') and coalesce(json_extract(data, '$.error.charged') = 'no', 0)
  where json_valid(data);
  create index jobs_by_cost on jobs
    (principal, created_at, provider, model, free, estimate_usd, billed_usd, billed_units);
  `,
  `
  drop index jobs_live;
  create index jobs_live on jobs (due_at)
    where state in ('intent', 'submitting', 'searching', 'submitted', 'storing');
  `,
];

/**
 * Creates the tables, or adds what an older version did not have.
 *
 * @throws MeshwrightError `storage` for the data of a newer version, or of another program
 */
export function migrate(db: Sqlite, folder: string): void {
  if (versionOf(db, folder) === MIGRATIONS.length) return;
  db.transaction(() => {
    // Read again: another process may have done it while this one waited for the lock.
    const from = versionOf(db, folder);
    for (const migration of MIGRATIONS.slice(from)) db.exec(migration);
    db.exec(`pragma user_version = ${MIGRATIONS.length}; pragma application_id = ${APPLICATION_ID}`);
  });
}

function versionOf(db: Sqlite, folder: string): number {
  const version = Number(db.get('pragma user_version')?.['user_version']);
  const application = Number(db.get('pragma application_id')?.['application_id']);
  const empty = db.get('select 1 from sqlite_schema limit 1') === undefined;
  if (application !== APPLICATION_ID && !(application === 0 && version === 0 && empty)) {
    throw new MeshwrightError(
      'storage',
      `jobs.db in the data folder ${folder} belongs to another program. Move it away or set MESHWRIGHT_DATA_DIR to another folder.`,
    );
  }
  if (version > MIGRATIONS.length) {
    throw new MeshwrightError(
      'storage',
      `The data folder ${folder} was written by a newer meshwright (data version ${version}; this one knows up to ${MIGRATIONS.length}). Update meshwright, or set MESHWRIGHT_DATA_DIR to another folder.`,
    );
  }
  return version;
}
