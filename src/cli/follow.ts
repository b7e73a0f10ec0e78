import path from 'node:path';
import type { Config } from '../config.js';
import { MeshwrightError } from '../errors.js';
import { resolveWritable } from '../jobs/paths.js';
import { jobSchema, type JobView } from '../jobs/view.js';
import type { Job } from '../store/types.js';
import { waitAndAnswer } from '../tools/model-tool.js';
import type { ToolContext } from '../tools/tool.js';
import { laterOf, mainAsset, noteOtherFormat, printOutcome } from './outcome.js';
import { type ProgressDisplay, progressDisplay } from './progress.js';
import { note, plain, printJson } from './text.js';
import { principalFlag } from './whose.js';

/** Stays with a job until it has ended, and puts its model where it was wanted. */

export interface FollowOptions {
  json: boolean;
  /** Absolute path that the model is copied to. */
  output: string | undefined;
  overwrite: boolean;
  /** Absent: until it has ended. */
  seconds: number | undefined;
  /** The job was there already. */
  deduplicated?: boolean;
}

/** Longer than any job lives, and still a span that timers take. */
const A_WEEK_S = 7 * 24 * 3600;
/** Longer than the upload of a picture and one attempt to submit usually take. */
const SENT_WITHIN_MS = 90_000;
/** What shells report of a program that Ctrl-C ended. */
const EXIT_INTERRUPTED = 130;

/** @returns the exit code: 1 when what was asked for did not happen */
export async function followJob(job: Job, context: ToolContext, options: FollowOptions): Promise<number> {
  const display = progressDisplay(options.json);
  const release = onInterrupt(job, display);
  const watched = { ...context, progress: (now: Job) => display.update(now) };
  let answer;
  try {
    answer = await waitAndAnswer(
      await untilSent(job, watched),
      options.seconds ?? A_WEEK_S,
      watched,
      options.deduplicated,
    );
  } finally {
    release();
    display.stop();
  }
  const view = jobSchema.parse(answer.structured);
  const savedAs = await saveModel(view, context, options);
  if (options.json) printJson(view);
  else printOutcome(view, savedAs, laterOf(await context.jobs.get(context.principal, job.id)));
  return answer.isError || (options.output !== undefined && savedAs === undefined) ? 1 : 0;
}

/** Whoever waits for no result still wants the job to be begun: it goes on without us only once it was sent. */
async function untilSent(job: Job, { jobs, principal, progress }: ToolContext): Promise<Job> {
  const isSent = ({ state }: Job): boolean => state !== 'intent' && state !== 'submitting';
  if (job.provider === 'local' || isSent(job)) return job;
  return jobs.wait(principal, job.id, { ms: SENT_WITHIN_MS, onUpdate: progress, until: isSent });
}

const waitCommand = (principal: string, id: string): string =>
  `meshwright jobs wait ${id}${principalFlag(principal)}`;

/** Where the model was copied to. What was made is told in any case, so a copy that fails is only noted. */
async function saveModel(
  job: JobView,
  { jobs, principal }: ToolContext,
  { output, overwrite }: FollowOptions,
): Promise<string | undefined> {
  if (output === undefined) return undefined;
  const model = mainAsset(job, output);
  if (job.status !== 'succeeded' || !model) {
    if (job.status === 'queued' || job.status === 'running') {
      note(
        `Nothing was written to ${output} yet; \`${waitCommand(principal, job.job_id)} -o\` does it later.`,
      );
    }
    return undefined;
  }
  try {
    const saved = await jobs.assets.save(principal, model.asset_id, { path: output, overwrite });
    noteOtherFormat(saved.path, model.format);
    return saved.path;
  } catch (error) {
    if (!(error instanceof MeshwrightError)) throw error;
    note(`meshwright: ${plain(error.message)}`);
    return undefined;
  }
}

/** The first Ctrl-C says what becomes of the job, the second one leaves. */
function onInterrupt(job: Job, display: ProgressDisplay): () => void {
  let asked = false;
  const interrupt = (): void => {
    if (asked) {
      display.stop();
      process.exit(EXIT_INTERRUPTED);
    }
    asked = true;
    const later = waitCommand(job.principal, job.id);
    display.say(
      job.provider === 'local'
        ? `Ctrl-C again leaves. The job is kept: \`${later}\` goes on with it.`
        : `Ctrl-C again leaves. The job goes on at ${job.provider}: \`${later}\` picks it up.`,
    );
  };
  process.on('SIGINT', interrupt);
  return () => process.off('SIGINT', interrupt);
}

/**
 * The absolute path of a target that a person typed, checked before anything is spent.
 *
 * @throws MeshwrightError `conflict` when there is a file already, `path_refused`, `not_found`
 */
export async function outputPath(
  typed: string | undefined,
  overwrite: boolean,
  { allowedDirs, dataDir }: Config,
): Promise<string | undefined> {
  if (typed === undefined) return undefined;
  const target = fromTyped(typed);
  const options = { overwrite, suggestedName: 'model.glb', closedDirs: [dataDir] };
  await resolveWritable(target, allowedDirs, options).catch((error: unknown) => {
    throw error instanceof MeshwrightError && error.code === 'conflict'
      ? new MeshwrightError('conflict', `${target} exists already. Give another name, or add --overwrite.`)
      : error;
  });
  return target;
}

/** A typed path is meant from the working folder; `~` and `file://` are left to the rules for paths. */
export function fromTyped(typed: string): string {
  const whole = path.isAbsolute(typed) || typed.startsWith('~') || /^file:/i.test(typed);
  return whole ? typed : path.join(process.cwd(), typed);
}
