import { access } from 'node:fs/promises';
import path from 'node:path';
import { MeshwrightError } from '../errors.js';
import { jobSchema } from '../jobs/view.js';
import type { Job } from '../store/types.js';
import { waitAndAnswer } from '../tools/model-tool.js';
import type { ToolContext } from '../tools/tool.js';
import { mainAsset, printOutcome } from './outcome.js';
import { type ProgressDisplay, progressDisplay } from './progress.js';
import { note, printJson } from './text.js';

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
/** What shells report of a program that Ctrl-C ended. */
const EXIT_INTERRUPTED = 130;

/** @returns the exit code: 1 when what was asked for did not happen */
export async function followJob(job: Job, context: ToolContext, options: FollowOptions): Promise<number> {
  const display = progressDisplay(options.json);
  const release = onInterrupt(job, display);
  let answer;
  try {
    answer = await waitAndAnswer(
      job,
      options.seconds ?? A_WEEK_S,
      { ...context, progress: (now) => display.update(now) },
      options.deduplicated,
    );
  } finally {
    release();
    display.stop();
  }
  const view = jobSchema.parse(answer.structured);
  const model = mainAsset(view, options.output);
  let savedAs: string | undefined;
  if (options.output !== undefined && view.status === 'succeeded' && model) {
    const { output, overwrite } = options;
    const saved = await context.jobs.assets.save(context.principal, model.asset_id, {
      path: output,
      overwrite,
    });
    savedAs = saved.path;
  }
  if (options.json) printJson(view);
  else printOutcome(view, savedAs);
  const missing = options.output !== undefined && savedAs === undefined;
  if (missing && !answer.isError)
    note(`Nothing was written to ${options.output} yet; add -o to \`jobs wait\`.`);
  return answer.isError || missing ? 1 : 0;
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
    display.say(
      job.provider === 'local'
        ? `Ctrl-C again leaves. The job is kept: \`meshwright jobs wait ${job.id}\` goes on with it.`
        : `Ctrl-C again leaves. The job goes on at ${job.provider}: \`meshwright jobs wait ${job.id}\` picks it up.`,
    );
  };
  process.on('SIGINT', interrupt);
  return () => process.off('SIGINT', interrupt);
}

/**
 * The absolute path of a target that a person typed.
 *
 * @throws MeshwrightError `conflict` when there is a file already, before anything is spent
 */
export async function outputPath(typed: string | undefined, overwrite: boolean): Promise<string | undefined> {
  if (typed === undefined) return undefined;
  const target = fromTyped(typed);
  if (!overwrite && path.extname(target) !== '' && (await exists(target))) {
    throw new MeshwrightError('conflict', `${target} exists already. Give another name, or add --overwrite.`);
  }
  return target;
}

/** A typed path is meant from the working folder; `~` is left to the rules for paths. */
export function fromTyped(typed: string): string {
  return typed.startsWith('~') ? typed : path.resolve(typed);
}

function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
