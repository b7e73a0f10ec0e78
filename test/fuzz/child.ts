import { openSync, writeSync } from 'node:fs';
import { Coverage } from './coverage.js';
import { explore } from './explore.js';
import { describeError, shrink } from './findings.js';
import { type FromChild, MAX_RSS_BYTES, NO_INPUT } from './hunt.js';
import { Random } from './random.js';
import { loadTarget } from './targets.js';

/** The process that an input may kill: it notes every input in a file before it runs it. See `hunt.ts`. */

const [name = '', seconds = '60', seed = '1', noteFile = ''] = process.argv.slice(2);
const REPORT_MS = 1_000;
const MAX_FINDINGS = 10;

const coverage = await Coverage.start();
const target = await loadTarget(name);
coverage.guides = target.guides;
const note = openSync(noteFile, 'r+');
const end = performance.now() + Number(seconds) * 1000;
const header = Buffer.alloc(12);
let execs = 0;
let reportedAt = 0;
let current: Uint8Array = new Uint8Array();
let overMemory = false;
/** Processor time: what else the machine does is no fault of the input. */
let begun: NodeJS.CpuUsage | undefined;
let slowestMs = 0;
const broken = new Map<string, { summary: string; bytes: Uint8Array }>();

// Whoever started this is gone.
process.on('disconnect', () => process.exit(1));
// What is thrown where nobody waits would end the server.
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => found(error, current));
}

await explore(target, {
  random: new Random(Number(seed)),
  coverage,
  enough: () => overMemory || performance.now() >= end,
  before,
  idle,
  after: ({ corpus }) => {
    if (performance.now() - reportedAt > REPORT_MS) report(corpus);
  },
  found,
}).then(({ corpus }) => report(corpus));
for (const [id, { summary, bytes }] of broken) {
  tell('crash', summary, await shrink(target, bytes, id, before));
}
send({ type: 'end' });

function before(bytes: Uint8Array): void {
  const rssBytes = peakBytes();
  if (rssBytes > MAX_RSS_BYTES && !overMemory && execs > 0) {
    // The figure never falls, so another process has to go on.
    overMemory = true;
    tell('memory', `the process took ${Math.round(rssBytes / 1024 ** 2)} MB`, current);
  }
  execs++;
  measure();
  begun = process.cpuUsage();
  current = bytes;
  header.writeDoubleLE(execs, 0);
  header.writeUInt32LE(bytes.length, 8);
  writeSync(note, Buffer.concat([header, bytes]), 0, undefined, 0);
}

function measure(): void {
  if (!begun) return;
  const { user, system } = process.cpuUsage(begun);
  slowestMs = Math.max(slowestMs, (user + system) / 1000);
  begun = undefined;
}

/** Between inputs nothing hangs but the search itself. */
function idle(): void {
  measure();
  header.writeUInt32LE(NO_INPUT, 8);
  writeSync(note, header, 0, undefined, 0);
}

function found(error: unknown, bytes: Uint8Array): void {
  const { id, summary } = describeError(error);
  if (!broken.has(id) && broken.size < MAX_FINDINGS) broken.set(id, { summary, bytes });
}

function report(corpus: number): void {
  reportedAt = performance.now();
  send({ type: 'state', execs, corpus, blocks: coverage.blocks, rssBytes: peakBytes(), slowestMs });
}

function tell(kind: 'crash' | 'memory', summary: string, bytes: Uint8Array): void {
  send({ type: 'finding', kind, summary, bytes: Buffer.from(bytes).toString('base64') });
}

function peakBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}

function send(message: FromChild): void {
  process.send?.(message, () => message.type === 'end' && process.exit(0));
}
