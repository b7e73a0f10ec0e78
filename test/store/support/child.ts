import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { openStore } from '../../../src/store/index.js';
import { ownerId } from '../../../src/store/owner.js';
import { openSqlite } from '../../../src/store/sqlite.js';
import { aJob, anAsset } from './rows.js';

/**
 * Another meshwright process on the same data folder: `child.ts TASK FOLDER [ARGUMENT]`. It says `ready`, and works
 * once it is told anything.
 */

const [task = '', folder = '', argument = ''] = process.argv.slice(2);
const store = openStore(folder);
const { jobs, assets } = store;

function tell(message: object): void {
  process.send?.(message);
}

const tasks: Record<string, () => Promise<void>> = {
  /** The same calls that another process makes at the same moment. */
  async create() {
    for (let n = 0; n < Number(argument); n++) {
      const { job, existing } = await jobs.create(aJob({ digest: `call ${n}` }), 0);
      tell({ id: job.id, existing });
    }
  },

  /** Fifty changes of one job. */
  async change() {
    for (let n = 0; n < 50; n++) {
      await jobs.change(argument, (job) => ({ job: { ...job, storeAttempts: job.storeAttempts + 1 } }));
    }
  },

  /** One change of one job. */
  async progress() {
    await jobs.change(argument, (job) => ({ job: { ...job, progress: 0.5 } }));
  },

  /** Writes until it is killed, several at once, and reports each write once it is acknowledged. */
  async write() {
    const writer = async (): Promise<void> => {
      for (;;) {
        const job = aJob();
        await jobs.create(job, undefined);
        tell({ id: job.id, state: 'intent' });
        const asset = anAsset({ jobId: job.id });
        await jobs.change(job.id, (row) => ({ job: { ...row, state: 'succeeded' }, assets: [asset] }));
        tell({ id: job.id, state: 'succeeded', assetId: asset.id });
      }
    };
    await Promise.all([writer(), writer(), writer()]);
  },

  /** Stores files until it is killed. The name of each is the hash of its bytes. */
  async put() {
    for (let n = 0; ; n++) {
      const bytes = Buffer.alloc(3_000_000, `${process.pid} ${n} `);
      const key = `input_${createHash('sha256').update(bytes).digest('hex')}.png`;
      await assets.put(key, bytes);
      tell({ key });
    }
  },

  /** Begins a file and never ends it. */
  async begin() {
    await writeFile(await assets.temporary(), 'glTF');
    tell({ begun: true });
    await forever();
  },

  /** Brings a file with a row and one without, and writes no more rows. */
  async publish() {
    const asset = anAsset();
    for (const key of [asset.key, `asset_${process.pid}.glb`]) {
      const temporary = await assets.temporary();
      await writeFile(temporary, 'glTF');
      await assets.adopt(temporary, key);
    }
    await jobs.addAsset(asset);
    tell({ key: asset.key, rowless: `asset_${process.pid}.glb` });
    await forever();
  },

  /** Takes a job and keeps it. */
  async lease() {
    const lease = { owner: ownerId(), until: Date.now() + 3_600_000 };
    await jobs.change(argument, (job) => ({ job: { ...job, lease } }));
    tell({ owner: lease.owner });
    await forever();
  },

  /** Tries to use a folder that cannot be used. */
  async refused() {
    // Root may write everywhere; nobody may not.
    if (process.getuid?.() === 0) process.setuid?.(65_534);
    for (const attempt of [() => jobs.nextDue(), () => assets.put('asset_1.glb', Buffer.from('glTF'))]) {
      await attempt().then(() => tell({ message: 'it worked' }), report);
    }
  },

  /** Stores one large and one small file where files may not grow beyond a megabyte. */
  async full() {
    await assets.put('asset_large.glb', Buffer.alloc(4_000_000)).catch(report);
    await assets.put('asset_small.glb', Buffer.alloc(1_000));
  },

  /** Holds the write lock until it is told anything again. */
  async lock() {
    const db = await openSqlite(path.join(folder, 'jobs.db'));
    db.exec('begin immediate');
    tell({ locked: true });
    await once(process, 'message');
    db.exec('commit');
    db.close();
  },

  /** Leaves everything running that the store has, and expects to end all the same. */
  async idle() {
    store.waker.start(async () => undefined);
    store.bus.subscribe('job_1', () => undefined);
    await jobs.nextDue();
  },
};

async function forever(): Promise<void> {
  setInterval(() => undefined, 60_000);
  await new Promise(() => undefined);
}

function report(error: unknown): void {
  const { code, message, retryable }: Record<string, unknown> = Object(error);
  tell({ code, message, retryable });
}

process.once('message', () => {
  void tasks[task]?.().then(() => process.disconnect());
});
tell({ ready: true });
