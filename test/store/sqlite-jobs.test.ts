import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { SqliteJobStore } from '../../src/store/jobs.js';
import { openSqlite, sqliteDrivers, type Sqlite, type SqliteDriver } from '../../src/store/sqlite.js';
import { jobStoreSuite } from './suites/job-store.js';
import { temporaryFolder } from './support/folder.js';
import { aJob } from './support/rows.js';
import { writeVersion1 } from './support/version-1.js';

interface Opened {
  store: SqliteJobStore;
  /** The connection that the store uses. */
  db: Sqlite;
}

async function openIn(
  folder: string,
  driver: SqliteDriver,
  options?: { patienceMs: number },
): Promise<Opened> {
  const db = await openSqlite(path.join(folder, 'jobs.db'), driver);
  const store = new SqliteJobStore(async () => db, folder, options);
  onTestFinished(() => store.close());
  return { store, db };
}

/** A store that has not opened its database yet. */
function storeIn(folder: string, driver: SqliteDriver): SqliteJobStore {
  const store = new SqliteJobStore(() => openSqlite(path.join(folder, 'jobs.db'), driver), folder);
  onTestFinished(() => store.close());
  return store;
}

describe.each(sqliteDrivers())('%s', (driver) => {
  jobStoreSuite('job store', async () => {
    const folder = await temporaryFolder();
    const { store } = await openIn(folder, driver);
    return { store, another: async () => (await openIn(folder, driver)).store };
  });

  test('the journal is safe for the version of SQLite that runs', async () => {
    const { db } = await openIn(await temporaryFolder(), driver);
    const value = (sql: string): unknown => Object.values(db.get(sql) ?? {})[0];
    const [, minor = 0, patch = 0] = String(value('select sqlite_version()')).split('.').map(Number);
    const fixed = minor > 51 || (minor === 51 && patch >= 3);
    expect(value('pragma journal_mode')).toBe(fixed ? 'wal' : 'truncate');
    expect(value('pragma synchronous')).toBe(3);
    expect(value('pragma mmap_size')).toBe(0);
  });

  test('a full disk is said in words, changes nothing, and is over when there is room again', async () => {
    const { store, db } = await openIn(await temporaryFolder(), driver);
    const job = aJob();
    await store.create(job, undefined);
    db.all(`pragma max_page_count = ${String(db.get('pragma page_count')?.['page_count'])}`);
    const large = aJob({ args: { text: 'x'.repeat(100_000) } });
    const refusal = {
      code: 'storage',
      retryable: true,
      charged: 'no',
      message: expect.stringContaining('full'),
    };
    await expect(store.create(large, undefined)).rejects.toMatchObject(refusal);
    expect(await store.get(large.id)).toBeUndefined();
    expect(await store.get(job.id)).toEqual(job);
    db.all('pragma max_page_count = 1000000');
    await store.create(large, undefined);
    expect(await store.get(large.id)).toEqual(large);
    expect(db.all('pragma integrity_check')).toEqual([{ integrity_check: 'ok' }]);
  });

  test('rows of the first version are kept and found, beside one that is damaged', async () => {
    const folder = await temporaryFolder();
    const ended = aJob({ state: 'succeeded', model: 'm', createdAt: 1, startedAt: 10, finishedAt: 40 });
    const held = aJob({ state: 'submitted', running: true, lease: { owner: 'somebody', until: 9 } });
    const unstarted = aJob({ state: 'succeeded', model: 'm', createdAt: 2, finishedAt: 40 });
    const damaged = aJob({ principal: 'bob', state: 'failed' });
    const eve = { principal: 'eve', estimateUsd: null };
    const billed = aJob({ ...eve, state: 'succeeded', billedUnits: 7 });
    const error = { code: 'provider_failed', message: 'No.', retryable: false, charged: 'no' } as const;
    const free = aJob({ ...eve, state: 'failed', error });
    const old = await openSqlite(path.join(folder, 'jobs.db'), driver);
    writeVersion1(old, [
      { job: ended },
      { job: held },
      { job: unstarted },
      { job: damaged, data: '{' },
      { job: billed },
      { job: free },
    ]);
    old.close();

    const { store, db } = await openIn(folder, driver);
    expect(db.get('pragma user_version')).toMatchObject({ user_version: 4 });
    expect(await store.costs('eve', 0)).toMatchObject([{ jobs: 2, free: 1, unknown: 1, billedUnits: 7 }]);
    for (const job of [ended, held, unstarted]) expect(await store.get(job.id)).toEqual(job);
    await expect(store.get(damaged.id)).rejects.toMatchObject({ code: 'storage' });
    expect(await store.durations('m', 9)).toEqual([30]);
    const running = await store.list({ principal: 'ada', states: ['submitted'], running: true, limit: 9 });
    expect(running.rows).toEqual([held]);
    expect(await store.due(2_000, (owner) => owner === 'somebody', 9)).toEqual([held.id]);

    const newer = aJob({ state: 'succeeded', model: 'm', createdAt: 3, startedAt: 10, finishedAt: 15 });
    await store.create(newer, undefined);
    await store.change(held.id, (row) => ({
      job: { ...row, state: 'succeeded', model: 'm', createdAt: 4, startedAt: 1, finishedAt: 8 },
    }));
    expect(await store.durations('m', 9)).toEqual([7, 5, 30]);
  });

  test('data of a newer version is left alone, with the way out', async () => {
    const folder = await temporaryFolder();
    const { db } = await openIn(folder, driver);
    db.exec('pragma user_version = 99');
    const opening = storeIn(folder, driver).get('job_1');
    await expect(opening).rejects.toMatchObject({
      code: 'storage',
      message: expect.stringMatching(/newer.*99.*Update/s),
    });
    expect(db.get('pragma user_version')).toMatchObject({ user_version: 99 });
  });

  test('a file named jobs.db that is no database is not touched', async () => {
    const folder = await temporaryFolder();
    const diary = 'Dear diary, this is not a database. '.repeat(100);
    await writeFile(path.join(folder, 'jobs.db'), diary);
    await expect(storeIn(folder, driver).get('job_1')).rejects.toMatchObject({
      code: 'storage',
      message: expect.stringContaining('jobs.db'),
    });
    expect(await readFile(path.join(folder, 'jobs.db'), 'utf8')).toBe(diary);
  });

  test("another program's database is not touched", async () => {
    const folder = await temporaryFolder();
    const { db } = await openIn(folder, driver);
    db.exec('pragma application_id = 7; pragma user_version = 0');
    await expect(storeIn(folder, driver).get('job_1')).rejects.toThrow('another program');
  });

  test('a damaged database is said in words', async () => {
    const folder = await temporaryFolder();
    const { store } = await openIn(folder, driver);
    const rows = Array.from({ length: 40 }, () => aJob({ args: { text: 'x'.repeat(500) } }));
    await Promise.all(rows.map((row) => store.create(row, undefined)));
    await store.close();
    const file = path.join(folder, 'jobs.db');
    await writeFile(file, (await readFile(file)).fill(0x5a, 4_096));
    const reading = storeIn(folder, driver).list({ principal: 'ada', limit: 50 });
    await expect(reading).rejects.toMatchObject({
      code: 'storage',
      message: expect.stringContaining('damaged'),
    });
  });

  test('a row that was changed by hand is named', async () => {
    const { store, db } = await openIn(await temporaryFolder(), driver);
    const job = aJob();
    await store.create(job, undefined);
    for (const data of ['{', '{}', '[]', JSON.stringify({ ...job, state: 'asleep' })]) {
      db.run('update jobs set data = ? where id = ?', data, job.id);
      await expect(store.get(job.id)).rejects.toMatchObject({
        code: 'storage',
        message: expect.stringContaining(job.id),
      });
    }
  });

  test('fields of a later version survive a change by this one', async () => {
    const { store, db } = await openIn(await temporaryFolder(), driver);
    const job = aJob();
    await store.create(job, undefined);
    db.run('update jobs set data = ? where id = ?', JSON.stringify({ ...job, colour: 'blue' }), job.id);
    await store.change(job.id, (row) => ({ job: { ...row, progress: 1 } }));
    expect(await store.get(job.id)).toEqual({ ...job, progress: 1, colour: 'blue' });
  });

  test('a locked database is tried again, and at last said in words', async () => {
    const folder = await temporaryFolder();
    const { db } = await openIn(folder, driver);
    const { store: patient } = await openIn(folder, driver);
    const { store } = await openIn(folder, driver, { patienceMs: 200 });
    const job = aJob();

    db.exec('begin immediate');
    const late = patient.create(job, undefined);
    // The first attempt is made, in vain, before this turn comes.
    await new Promise(setImmediate);
    db.exec('commit');
    expect(await late).toEqual({ job, existing: false });

    db.exec('begin immediate');
    const refusal = { code: 'storage', retryable: true, message: expect.stringContaining('locked') };
    await expect(store.create(aJob(), undefined)).rejects.toMatchObject(refusal);
    // Reading goes on meanwhile, and writing when the lock is gone.
    expect(await store.get(job.id)).toEqual(job);
    db.exec('commit');
    await store.create(aJob(), undefined);
  });

  test('a write behind others that wait for a lock does not wait for their time as well', async () => {
    const folder = await temporaryFolder();
    const { db } = await openIn(folder, driver);
    const { store } = await openIn(folder, driver, { patienceMs: 800 });
    // The clock of patience; pauses are real.
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => void vi.useRealTimers());
    db.exec('begin immediate');
    const gaveUp: string[] = [];
    const ask = (name: string): Promise<unknown> =>
      store.create(aJob(), undefined).catch(() => gaveUp.push(name));
    const first = ask('first');
    await new Promise(setImmediate);
    vi.advanceTimersByTime(250);
    const behind = ask('behind the first');
    vi.advanceTimersByTime(560);
    await first;
    expect(gaveUp).toEqual(['first']);
    vi.advanceTimersByTime(250);
    await behind;
    db.exec('commit');
    expect(gaveUp).toEqual(['first', 'behind the first']);
  });
});
