import { fork, type ChildProcess } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { hash } from './findings.js';
import { isRecord } from '../../src/json.js';

/** Searches one target in a process of its own, and sees to what that process cannot: hangs, memory and its death. */

export type FromChild =
  | { type: 'state'; execs: number; corpus: number; blocks: number; rssBytes: number; slowestMs: number }
  | { type: 'finding'; kind: FindingKind; summary: string; bytes: string }
  | { type: 'end' };

export type FindingKind = 'crash' | 'hang' | 'memory';

export interface Finding {
  kind: FindingKind;
  summary: string;
  /** Where the input was written. */
  file: string;
}

export interface Hunted {
  target: string;
  execs: number;
  seconds: number;
  corpus: number;
  /** Blocks of code that ran. */
  blocks: number;
  /** Most memory that the process ever had, bytes. */
  rssBytes: number;
  /** Most processor time that one input took. */
  slowestMs: number;
  findings: Finding[];
}

export interface HuntOptions {
  seconds: number;
  seed: number;
  /** Where inputs that broke something are written. */
  outDir: string;
  onState?: (hunted: Readonly<Hunted>) => void;
}

/** In place of an input's length: none is being run. */
export const NO_INPUT = 0xffff_ffff;
/** Longest time for one input, of the processor where the system tells it: the machine may have other things to do. */
export const MAX_HANG_MS = 5_000;
/** Longest time for one that does nothing but wait. */
const MAX_WAIT_MS = 30_000;
/** Most memory of the whole process, with all that it has loaded. */
export const MAX_RSS_BYTES = 512 * 1024 ** 2;
/** For what is garbage and not collected yet a process is given more, but the JavaScript heap is not. */
const HEAP_MB = 192;
const LOOK_MS = 250;
const MAX_FINDINGS = 20;
/** Starting takes a while on a slow machine. */
const START_MS = 60_000;

export async function hunt(target: string, options: HuntOptions): Promise<Hunted> {
  const { seconds, outDir, onState } = options;
  const hunted: Hunted = {
    target,
    execs: 0,
    seconds: 0,
    corpus: 0,
    blocks: 0,
    rssBytes: 0,
    slowestMs: 0,
    findings: [],
  };
  const folder = await mkdtemp(path.join(tmpdir(), 'meshwright-fuzz-'));
  const begun = performance.now();
  const end = begun + seconds * 1000;
  try {
    // A process that died or took too much is followed by another, with other random numbers.
    for (let round = 0; performance.now() < end && hunted.findings.length < MAX_FINDINGS; round++) {
      const before = { execs: hunted.execs };
      const left = Math.max(1, (end - performance.now()) / 1000);
      await oneProcess(target, { ...options, seconds: left, seed: options.seed + round }, folder, {
        state: (state) => {
          hunted.execs = before.execs + state.execs;
          hunted.corpus = Math.max(hunted.corpus, state.corpus);
          hunted.blocks = Math.max(hunted.blocks, state.blocks);
          hunted.rssBytes = Math.max(hunted.rssBytes, state.rssBytes);
          hunted.slowestMs = Math.max(hunted.slowestMs, state.slowestMs);
          hunted.seconds = (performance.now() - begun) / 1000;
          onState?.(hunted);
        },
        finding: async (kind, summary, bytes) => {
          await mkdir(outDir, { recursive: true });
          const file = path.join(outDir, `${target}-${kind}-${hash(bytes)}`);
          await writeFile(file, bytes);
          if (!hunted.findings.some((known) => known.summary === summary))
            hunted.findings.push({ kind, summary, file });
        },
      });
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  hunted.seconds = (performance.now() - begun) / 1000;
  return hunted;
}

interface Listener {
  state: (state: Extract<FromChild, { type: 'state' }>) => void;
  finding: (kind: FindingKind, summary: string, bytes: Uint8Array) => Promise<void>;
}

async function oneProcess(
  target: string,
  { seconds, seed }: HuntOptions,
  folder: string,
  listener: Listener,
): Promise<void> {
  const note = path.join(folder, 'input');
  await writeFile(note, Buffer.alloc(12));
  const child = fork(
    fileURLToPath(new URL('./child.ts', import.meta.url)),
    [target, String(seconds), String(seed), note],
    {
      execArgv: [...process.execArgv, `--max-old-space-size=${HEAP_MB}`],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    },
  );
  let errors = '';
  child.stderr?.on('data', (text: Buffer) => (errors = `${errors}${text.toString('utf8')}`.slice(-4000)));
  let ended = false;
  const writing: Promise<void>[] = [];
  child.on('message', (message: unknown) => {
    if (!isFromChild(message)) return;
    if (message.type === 'end') ended = true;
    else if (message.type === 'state') listener.state(message);
    else writing.push(listener.finding(message.kind, message.summary, Buffer.from(message.bytes, 'base64')));
  });
  const watch = new Watch(child, note);
  const looking = setInterval(() => void watch.look(), LOOK_MS);
  const code = await new Promise<string>((resolve) => {
    child.on('exit', (status, signal) => resolve(signal ?? String(status)));
  });
  clearInterval(looking);
  await Promise.all(writing);
  if (ended) return;
  const { kind, why } = watch.verdict ?? { kind: 'crash', why: `the process ended (${code})` };
  const { bytes } = await readNote(note);
  const last = errors.trim().split('\n').slice(0, 3).join(' ');
  await listener.finding(
    kind,
    `${why}${watch.verdict || last === '' ? '' : `: ${last.slice(0, 300)}`}`,
    bytes,
  );
}

/** Looks at a process from outside; what goes too far ends it. */
class Watch {
  verdict: { kind: FindingKind; why: string } | undefined;
  readonly #child: ChildProcess;
  readonly #note: string;
  #execs = 0;
  #since = performance.now();
  #cpuMs = 0;

  constructor(child: ChildProcess, note: string) {
    this.#child = child;
    this.#note = note;
  }

  async look(): Promise<void> {
    const { execs, idle } = await readNote(this.#note);
    const now = performance.now();
    if (execs !== this.#execs || (execs > 0 && idle)) {
      this.#execs = execs;
      this.#since = now;
      this.#cpuMs = (await cpuMsOf(this.#child.pid)) ?? 0;
    }
    const rss = await rssOf(this.#child.pid);
    const waited = now - this.#since;
    const worked = ((await cpuMsOf(this.#child.pid)) ?? now) - this.#cpuMs;
    const hangs = waited > MAX_HANG_MS && (worked > MAX_HANG_MS || waited > MAX_WAIT_MS);
    if (execs === 0 ? waited > START_MS : hangs) {
      this.#end('hang', `an input took longer than ${MAX_HANG_MS / 1000} s`);
    } else if (rss > 1.5 * MAX_RSS_BYTES) {
      this.#end('memory', `the process took ${Math.round(rss / 1024 ** 2)} MB`);
    }
  }

  #end(kind: FindingKind, why: string): void {
    this.verdict ??= { kind, why };
    this.#child.kill('SIGKILL');
  }
}

async function readNote(file: string): Promise<{ execs: number; idle: boolean; bytes: Uint8Array }> {
  const note = await readFile(file);
  const length = note.readUInt32LE(8);
  return { execs: note.readDoubleLE(0), idle: length === NO_INPUT, bytes: note.subarray(12, 12 + length) };
}

/** Time of the processor; undefined where the system does not tell (not Linux). */
async function cpuMsOf(pid: number | undefined): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid ?? 0}/stat`, 'latin1').catch(() => '');
  // The name of the program stands in brackets and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [user, system] = [Number(fields[11]), Number(fields[12])];
  return Number.isFinite(user + system) && stat !== '' ? (user + system) * 10 : undefined;
}

/** Bytes; 0 where the system does not tell (not Linux): the process's own figure counts there. */
async function rssOf(pid: number | undefined): Promise<number> {
  const pages = await readFile(`/proc/${pid ?? 0}/statm`, 'latin1').catch(() => '');
  return Number(pages.split(' ')[1] ?? 0) * 4096;
}

function isFromChild(value: unknown): value is FromChild {
  return (
    isRecord(value) && (value['type'] === 'state' || value['type'] === 'finding' || value['type'] === 'end')
  );
}
