import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { JsonObject } from '../../src/json.js';
import { isFinal } from '../../src/jobs/transition.js';
import { type JobView, viewJob } from '../../src/jobs/view.js';
import type { Job } from '../../src/store/types.js';
import { findModel } from '../../src/tools/models.js';
import type { Bench } from './bench.js';
import type { Cell, End } from './cells.js';

/** Puts one cell to the test and answers what was wrong, in words. */

const PRINCIPAL = 'local';
/** Nothing that is waited for here takes longer. */
const PATIENCE_MS = 60_000;
const SLOW_PATIENCE_MS = 400_000;
/** Attempts to fetch a file after which the fault is taken for one that stays. */
const ENOUGH_ATTEMPTS = 2;
/** So many were made after hours of it. */
const MANY_ATTEMPTS = 20;
const HOURS_MS = 80 * 3_600_000;

export async function runCell(bench: Bench, cell: Cell): Promise<string[]> {
  const complaints: string[] = [];
  const { expected } = cell;
  const patience = cell.slow ? SLOW_PATIENCE_MS : PATIENCE_MS;
  for (const { op, action, times } of cell.faults) bench.fault(op, action, times);
  if (cell.down) await bench.down();
  const id = await begin(bench, cell);
  if (cell.cancels) complaints.push(...(await cancelled(bench, id, cell, patience)));
  const job = await settled(bench, id, expected.ends, expected.says, patience);
  const view = await viewOf(bench, job);
  complaints.push(...(await checked(bench, cell, job, view, { ends: expected.ends, charged: expected.charged, says: expected.says }))); // prettier-ignore
  if (expected.later && view.status === 'running') {
    complaints.push(...(await afterHours(bench, cell, id, patience)));
  } else if (expected.healed !== undefined && endOf(job) !== 'failed') {
    await bench.mend();
    const well = await settled(bench, id, [expected.healed], undefined, patience);
    const told = await viewOf(bench, well);
    const after = await checked(bench, cell, well, told, { ends: [expected.healed] });
    complaints.push(...after.map((text) => `once it was over: ${text}`));
  }
  return complaints;
}

async function begin(bench: Bench, cell: Cell): Promise<string> {
  const model = findModel('pixal3d');
  if (!model) throw new Error('there is no pixal3d');
  const args: JsonObject = JSON.parse(
    JSON.stringify(model.input.parse({ image_url: bench.image(cell.image) })),
  );
  const { job } = await bench.jobs.generate({
    principal: PRINCIPAL,
    model,
    args,
    given: new Set(['image_url']),
    provider: cell.provider,
    forceNew: true,
  });
  return job.id;
}

async function viewOf(bench: Bench, job: Job): Promise<JobView> {
  const assets = await bench.jobs.assets.ofJob(job.id);
  return viewJob(job, assets, { locate: () => ({}), stalled: bench.jobs.stalled(job) });
}

function endOf({ state, error }: Job): End | undefined {
  switch (state) {
    case 'succeeded':
    case 'failed':
    case 'cancelled':
    case 'unconfirmed':
      return state;
    case 'searching':
      return 'unconfirmed';
    case 'storing':
      return error ? 'files' : undefined;
    default:
      return 'waits';
  }
}

/** The job once it stands as it may, or as it is when there is nothing more to come. */
async function settled(
  bench: Bench,
  id: string,
  ends: readonly End[],
  says: RegExp | undefined,
  patience: number,
): Promise<Job> {
  const until = performance.now() + patience;
  for (;;) {
    const job = await bench.jobs.get(PRINCIPAL, id);
    const end = endOf(job);
    if (isFinal(job) || performance.now() > until) return job;
    const told = (await viewOf(bench, job)).message;
    const there = end !== undefined && ends.includes(end) && (says?.test(told) ?? true);
    if (there && (end !== 'waits' || says !== undefined)) return job;
    // A missing file that was to come with the next attempts.
    if (end === 'files' && !ends.includes('files') && job.storeAttempts > 2 * ENOUGH_ATTEMPTS) return job;
    await elapse(bench, job);
    await pause(5);
  }
}

/** A job that waits for its moment does not wait for it here: all its times move into the past. */
async function elapse(bench: Bench, { id, dueAt, lease, state }: Job, least = 0): Promise<void> {
  const wait = Math.max(least, dueAt - Date.now());
  if (wait <= 0 || lease || state === 'searching') return;
  const before = (time: number | undefined): number | undefined =>
    time === undefined ? undefined : time - wait;
  await bench.jobs.store.jobs.change(id, (row) => {
    if (row.lease) return undefined;
    const { attempt, startedAt, completedAt } = row;
    return {
      job: {
        ...row,
        dueAt: row.dueAt - wait,
        createdAt: row.createdAt - wait,
        updatedAt: row.updatedAt - wait,
        ...(attempt ? { attempt: { ...attempt, at: attempt.at - wait } } : {}),
        ...(startedAt === undefined ? {} : { startedAt: before(startedAt) ?? 0 }),
        ...(completedAt === undefined ? {} : { completedAt: before(completedAt) ?? 0 }),
      },
    };
  });
  bench.jobs.store.waker.wake(id);
}

/** The fault stays, and nobody mends it. */
async function afterHours(bench: Bench, cell: Cell, id: string, patience: number): Promise<string[]> {
  const { later } = cell.expected;
  if (!later) return [];
  const until = performance.now() + patience;
  let job = await bench.jobs.get(PRINCIPAL, id);
  while (!isFinal(job) && performance.now() < until) {
    if (!job.lease) {
      await bench.jobs.store.jobs.change(id, (row) =>
        row.lease
          ? undefined
          : { job: { ...row, storeAttempts: Math.max(row.storeAttempts, MANY_ATTEMPTS) } },
      );
    }
    await elapse(bench, job, HOURS_MS);
    await pause(5);
    job = await bench.jobs.get(PRINCIPAL, id);
  }
  const view = await viewOf(bench, job);
  const complaints = await checked(bench, cell, job, view, { ends: [later.end], charged: later.charged, says: later.says }); // prettier-ignore
  return complaints.map((text) => `after hours: ${text}`);
}

async function cancelled(bench: Bench, id: string, cell: Cell, patience: number): Promise<string[]> {
  const until = performance.now() + patience;
  for (;;) {
    const { state, running } = await bench.jobs.get(PRINCIPAL, id);
    if (state === 'submitted' && running) break;
    if (performance.now() > until) return [`it never ran: ${state}`];
    await pause(5);
  }
  const job = await bench.jobs.cancel(PRINCIPAL, id, patience);
  const { message, status } = await viewOf(bench, job);
  const complaints: string[] = [];
  const { says } = cell.expected;
  const told = /runs on|cannot cancel|had finished|did not take|cancelled/i.test(message);
  if (!told) complaints.push(`it is not said what came of the cancellation: ${status} ${message}`);
  if (says && !says.test(message)) complaints.push(`the cause is not told (${String(says)}): ${message}`);
  await bench.mend();
  bench.finish();
  return complaints;
}

/** What must hold of any job that has come to rest. */
async function checked(
  bench: Bench,
  { expected, cancels }: Cell,
  job: Job,
  view: JobView,
  hope: { ends: readonly End[]; charged?: readonly string[] | undefined; says?: RegExp | undefined },
): Promise<string[]> {
  const { journal, ledger, shop, secrets } = bench;
  const complaints: string[] = [];
  const complain = (wrong: boolean, text: string): void => {
    if (wrong) complaints.push(text);
  };
  const end = endOf(job);
  const text = `${view.message} ${view.error?.message ?? ''}`;
  const told = `"${view.message}" [${view.next}]`;
  complain(
    end === undefined || !hope.ends.includes(end),
    `is ${end ?? job.state}, not ${hope.ends.join(' or ')}: ${told}`,
  );

  // What an agent reads.
  complain(!view.message.endsWith('.') || view.message.length < 10, `no sentence: ${told}`);
  complain(
    !!hope.says && !cancels && end !== 'succeeded' && !hope.says.test(text),
    `the cause is not told (${String(hope.says)}): ${told}`,
  );
  const charged = view.error?.charged;
  const next = nextFor(end, charged);
  complain(!next.test(view.next), `the next step is not told (${String(next)}): ${told}`);
  complain(end !== 'succeeded' && end !== 'waits' && !view.error, `no error is shown: ${told}`);
  complain(end === 'files' && view.status !== 'running', `done there, but ${view.status}`);

  // Money.
  const posts = journal.count(shop, 'submit');
  complain(
    posts < expected.posts[0] || posts > expected.posts[1],
    `sent ${posts} times, not ${expected.posts.join(' to ')}: ${told}`,
  );
  complain(
    !expected.accepted.includes(ledger.accepted),
    `${ledger.accepted} jobs were bought, not ${expected.accepted.join(' or ')}: ${told}`,
  );
  const billed = ledger
    .entries()
    .some(({ state, units, usd }) => state === 'billed' && (units > 0 || usd > 0));
  complain(charged === 'no' && billed, `it says that nothing was charged, and it was: ${told}`);
  complain(charged === 'yes' && !billed, `it says that it was charged, and it was not: ${told}`);
  complain(
    view.error !== undefined && !!hope.charged && !hope.charged.includes(charged ?? ''),
    `charged is ${charged}, not ${hope.charged?.join(' or ')}: ${told}`,
  );

  // Nobody learns what is not his to know.
  for (const role of ['private', 'mirror']) complain(journal.count(role) > 0, `${role} was reached`);
  const warnings = journal
    .entries()
    .flatMap((entry) => entry.warnings.filter((warning) => /credential|key/i.test(warning)));
  complain(warnings.length > 0, warnings.join());
  const all = JSON.stringify(view) + bench.log.join();
  complain(
    secrets.some((secret) => all.includes(secret)),
    'a key was shown',
  );
  complain(/Signature=[0-9a-f]{16}/.test(all), 'a signature was shown');

  // Files: whole ones under their names, and nothing else.
  complaints.push(...(await filesOf(bench, end, view, expected.format)));
  return complaints;
}

async function filesOf(bench: Bench, end: End | undefined, view: JobView, format = 'glb'): Promise<string[]> {
  const { models, temporary } = await bench.files();
  if (end !== 'succeeded') {
    // A download may be on its way.
    const half = end === 'files' || end === 'waits' ? [] : temporary.map((name) => `${name} was left behind`);
    return [...half, ...(models.size > 0 ? ['a file is there although the job did not succeed'] : [])];
  }
  const complaints = temporary.map((name) => `${name} was left behind`);
  const [model] = view.assets.filter(({ role }) => role === 'model');
  if (model?.format !== format) complaints.push(`the model is ${model?.format}, not ${format}`);
  const bytes = models.get(model?.sha256 ?? '');
  if (!bytes) complaints.push('the file is not what its row says');
  else if (format === 'glb' && !view.assets[0]?.warnings?.length && bytes.readUInt32LE(8) !== bytes.length)
    complaints.push('the GLB is cut');
  else if (createHash('sha256').update(bytes).digest('hex') !== model?.sha256)
    complaints.push('the hash is wrong');
  return complaints;
}

/** What an agent must be told that it can do. */
function nextFor(end: End | undefined, charged: string | undefined): RegExp {
  switch (end) {
    case 'succeeded':
      return /view_asset|save_asset/;
    case 'failed':
      return charged === 'no' ? /call \w+ again/i : /tell the user|ask/i;
    case 'cancelled':
      return /again/;
    case 'unconfirmed':
      return /ask the user/i;
    default:
      return /wait_for_job/;
  }
}
