import type { Clock } from './clock.js';

/** The part of a provider's job that time moves. All times are milliseconds on the emulator's clock. */
export interface Run {
  id: string;
  createdAt: number;
  /** Lengths of the two phases; Infinity: never over. */
  queueMs: number;
  runMs: number;
  state: 'waiting' | 'running' | 'done';
  startedAt?: number;
  doneAt?: number;
  /** `process.hrtime` at completion, comparable between the processes of one machine. */
  doneNs?: bigint;
}

/** Jobs that wait, run and end by the clock; runners are unlimited. */
export class Runs<Job extends Run> {
  readonly #clock: Clock;
  readonly #jobs = new Map<string, Job>();
  /** Called once for every job that came to its end, however it did. */
  onEnd: (job: Job, time: number) => void = () => undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(id: string): Job | undefined {
    return this.#jobs.get(id);
  }

  /** In the order of their submission. */
  all(): Job[] {
    return [...this.#jobs.values()];
  }

  add(job: Job): void {
    this.#jobs.set(job.id, job);
    this.#clock.at(job.createdAt + job.queueMs, (time) => this.#start(job, time));
  }

  /** Ends a job now, in whatever phase it is. */
  end(job: Job, time = this.#clock.now()): void {
    if (job.state === 'done' || this.#jobs.get(job.id) !== job) return;
    job.startedAt ??= time;
    job.state = 'done';
    job.doneAt = time;
    job.doneNs = process.hrtime.bigint();
    this.onEnd(job, time);
  }

  /** Ends a job as its plan says, without waiting: for tests in a hurry. */
  complete(id: string): void {
    const job = this.#jobs.get(id);
    if (!job) throw new Error(`The emulator has no job ${id}.`);
    this.end(job);
  }

  clear(): void {
    this.#jobs.clear();
  }

  #start(job: Job, time: number): void {
    if (job.state !== 'waiting' || this.#jobs.get(job.id) !== job) return;
    job.state = 'running';
    job.startedAt = time;
    this.#clock.at(time + job.runMs, (end) => this.end(job, end));
  }
}

/** Lengths of the two phases: from the job's plan, else from `jobMs` of the settings, else the usual ones. */
export function phases(
  plan: { queueMs?: number | 'never' | undefined; runMs?: number | 'never' | undefined },
  settings: { jobMs?: number | undefined; timeScale: number },
  usual: { queueMs: number; runMs: number },
): { queueMs: number; runMs: number } {
  const { jobMs, timeScale } = settings;
  const length = (planned: number | 'never' | undefined, otherwise: number): number =>
    planned === 'never' ? Infinity : (planned ?? otherwise);
  return {
    queueMs: length(plan.queueMs, jobMs === undefined ? usual.queueMs * timeScale : 0),
    runMs: length(plan.runMs, jobMs ?? usual.runMs * timeScale),
  };
}

/** What a plan's timeline says is reported now, if anything. */
export function toldStatus(
  job: Run,
  timeline: readonly { afterMs: number; status: string }[] | undefined,
  now: number,
): string | undefined {
  if (job.state === 'done') return undefined;
  return timeline?.findLast(({ afterMs }) => now >= job.createdAt + afterMs)?.status;
}
