import { DatabaseAccess } from './access.js';
import { costRows, spentUsd, tallyRows } from './costs.js';
import { pageOf, positionOf } from './cursor.js';
import { LIVE } from './schema.js';
import type { Sqlite } from './sqlite.js';
import {
  assetOf,
  findAsset,
  findJob,
  idOf,
  insertAsset,
  insertJob,
  jobOf,
  operationsBeside,
  updateJob,
} from './statements.js';
import { LONGEST_LEASE_MS, LONGEST_WAIT_MS } from './types.js';
import type {
  Allowance,
  Asset,
  AssetFilter,
  CostRow,
  Job,
  JobChange,
  JobFilter,
  JobStore,
  Json,
  TallyRow,
  Page,
} from './types.js';

/** Which rows other processes changed, for a bus. */
export interface ChangeLog {
  /** A number that changes when another process commits, and the ids of rows written after `revision`. */
  changes(since: Mark | undefined): Promise<{ mark: Mark; ids: string[] }>;
}

export interface Mark {
  /** SQLite's change counter of other connections. */
  dataVersion: number;
  /** The highest revision seen. */
  revision: number;
}

/** Jobs and asset rows in SQLite. Several processes may share the file. */
export class SqliteJobStore implements JobStore, ChangeLog {
  readonly #access: DatabaseAccess;

  /**
   * @param connect Opens the database; called on first use, and again after it failed.
   * @param folder The data folder, for error texts.
   * @param options.patienceMs How long a lock of another process is waited for.
   */
  constructor(connect: () => Promise<Sqlite>, folder: string, options: { patienceMs?: number } = {}) {
    this.#access = new DatabaseAccess(connect, folder, options);
  }

  create(
    job: Job,
    since: number | undefined,
    allowance?: Allowance,
  ): Promise<{ job: Job; existing: boolean }> {
    return this.#access.write((db) => {
      const same = findJob(db, job.id);
      const equal = same?.principal === job.principal ? same : preflight(db, job, since, allowance);
      if (equal) return { job: equal, existing: true };
      insertJob(db, job);
      return { job, existing: false };
    });
  }

  preflight(job: Job, since: number | undefined, allowance?: Allowance): Promise<Job | undefined> {
    return this.#access.read((db) => preflight(db, job, since, allowance));
  }

  get(id: string): Promise<Job | undefined> {
    return this.#access.read((db) => findJob(db, id));
  }

  list({ principal, states, running, limit, cursor }: JobFilter): Promise<Page<Job>> {
    return this.#access.read((db) => {
      const { createdAt, id } = positionOf(cursor);
      const rows = db.all(
        `select id, data from jobs
         where principal = ? and (created_at, id) < (?, ?)
           and (? is null or state in (select value from json_each(?)))
           and (state <> 'submitted' or running = coalesce(?, running))
         order by created_at desc, id desc limit ?`,
        principal,
        createdAt,
        id,
        states ? 1 : null,
        JSON.stringify(states ?? []),
        running === undefined ? null : Number(running),
        limit + 1,
      );
      return pageOf(rows.map(jobOf), limit);
    });
  }

  principals(limit: number): Promise<string[]> {
    return this.#access.read((db) =>
      db
        .all(
          'select principal from jobs union select principal from assets order by principal limit ?',
          limit,
        )
        .map((row) => String(row['principal'])),
    );
  }

  change(id: string, step: (job: Job) => JobChange | undefined): Promise<Job | undefined> {
    return this.#access.write((db) => change(db, id, step));
  }

  bind(
    id: string,
    since: number,
    step: (job: Job, taken: readonly Json[]) => JobChange | undefined,
  ): Promise<Job | undefined> {
    return this.#access.write((db) => change(db, id, (job) => step(job, operationsBeside(db, job, since))));
  }

  due(now: number, isDead: (owner: string) => boolean, limit: number): Promise<string[]> {
    return this.#access.read((db) => {
      const owners = db.all(
        `select distinct lease_owner as owner from jobs
         where ${LIVE} and (due_at <= ? or due_at > ?) and lease_until > ?`,
        now,
        now + LONGEST_WAIT_MS,
        now,
      );
      const dead = owners.map((row) => String(row['owner'])).filter((owner) => isDead(owner));
      const rows = db.all(
        `select id from jobs
         where ${LIVE} and (due_at <= ? or due_at > ?)
           and (lease_owner is null or lease_until <= ? or lease_until > ?
             or lease_owner in (select value from json_each(?)))
         order by due_at, id limit ?`,
        now,
        now + LONGEST_WAIT_MS,
        now,
        now + LONGEST_LEASE_MS,
        JSON.stringify(dead),
        limit,
      );
      return rows.map(idOf);
    });
  }

  nextDue(after = -1): Promise<number | undefined> {
    return this.#access.read((db) => {
      const row = db.get(
        `select due_at from jobs where ${LIVE} and lease_owner is null and due_at > ? order by due_at limit 1`,
        after,
      );
      return row && Number(row['due_at']);
    });
  }

  durations(model: string, limit: number): Promise<number[]> {
    return this.#access.read((db) =>
      db
        .all(
          `select took_ms from jobs
           where state = 'succeeded' and model = ? and took_ms > 0
           order by created_at desc, id desc limit ?`,
          model,
          limit,
        )
        .map((row) => Number(row['took_ms'])),
    );
  }

  costs(principal: string, since: number): Promise<CostRow[]> {
    return this.#access.read((db) => costRows(db, principal, since));
  }

  tally(since: number): Promise<TallyRow[]> {
    return this.#access.read((db) => tallyRows(db, since));
  }

  usesBlob(key: string): Promise<boolean> {
    return this.#access.read(
      (db) =>
        db.get(
          `select 1 from jobs, json_tree(jobs.data, '$.images') as image
           where ${LIVE} and image.key = 'key' and image.atom = ? limit 1`,
          key,
        ) !== undefined,
    );
  }

  getAsset(id: string): Promise<Asset | undefined> {
    return this.#access.read((db) => findAsset(db, id));
  }

  listAssets({ principal, jobId, limit, cursor }: AssetFilter): Promise<Page<Asset>> {
    return this.#access.read((db) => {
      const { createdAt, id } = positionOf(cursor);
      const rows = db.all(
        `select id, data from assets
         where principal = ? and (created_at, id) < (?, ?) and (? is null or job_id = ?)
         order by created_at desc, id desc limit ?`,
        principal,
        createdAt,
        id,
        jobId ?? null,
        jobId ?? null,
        limit + 1,
      );
      return pageOf(rows.map(assetOf), limit);
    });
  }

  assetsOf(jobId: string): Promise<Asset[]> {
    return this.#access.read((db) =>
      db.all('select id, data from assets where job_id = ? order by sequence', jobId).map(assetOf),
    );
  }

  addAsset(asset: Asset): Promise<void> {
    return this.#access.write((db) => insertAsset(db, asset));
  }

  deleteAsset(id: string): Promise<Asset | undefined> {
    return this.#access.write((db) => {
      const asset = findAsset(db, id);
      if (asset) db.run('delete from assets where id = ?', id);
      return asset;
    });
  }

  hasAssetKey(key: string): Promise<boolean> {
    return this.#access.read((db) => db.get('select 1 from assets where key = ? limit 1', key) !== undefined);
  }

  changes(since: Mark | undefined): Promise<{ mark: Mark; ids: string[] }> {
    return this.#access.read((db) => {
      // Read first: a commit between the two reads is then seen again, never missed.
      const dataVersion = Number(db.get('pragma data_version')?.['data_version']);
      if (since?.dataVersion === dataVersion) return { mark: since, ids: [] };
      const revision = Number(
        db.get('select coalesce(max(revision), 0) as revision from jobs')?.['revision'],
      );
      const ids = since
        ? db
            .all('select id from jobs where revision > ? and revision <= ?', since.revision, revision)
            .map(idOf)
        : [];
      return { mark: { dataVersion, revision }, ids };
    });
  }

  close(): Promise<void> {
    return this.#access.close();
  }
}

function change(db: Sqlite, id: string, step: (job: Job) => JobChange | undefined): Job | undefined {
  const current = findJob(db, id);
  const next = current && step(current);
  if (!next) return undefined;
  if (next.job.id !== id) throw new TypeError(`A change of job ${id} answered job ${next.job.id}.`);
  updateJob(db, next.job);
  for (const asset of next.assets ?? []) insertAsset(db, asset);
  return next.job;
}

function preflight(
  db: Sqlite,
  { digest, principal }: Job,
  since: number | undefined,
  allowance: Allowance | undefined,
): Job | undefined {
  const equal =
    since === undefined
      ? undefined
      : db.get(
          `select id, data from jobs
           where digest = ? and principal = ? and created_at >= ? and (${LIVE} or state in ('succeeded', 'unconfirmed'))
           order by created_at desc, id desc limit 1`,
          digest,
          principal,
          since,
        );
  if (equal) return jobOf(equal);
  allowance?.check(spentUsd(db, principal, allowance.since));
  return undefined;
}
