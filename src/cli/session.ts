import type { Command } from 'commander';
import { configFrom } from './settings.js';
import { locateOnDisk, LOCAL_PRINCIPAL, lookAtJobs, openJobs, openLog } from '../open.js';
import type { ToolContext } from '../tools/tool.js';

/** What a command of the terminal works with: the same context that a tool call has. */

export interface SessionOptions {
  /** Whether unfinished jobs are taken up meanwhile; looking at them needs nothing of the kind. */
  carryOn: boolean;
}

/** Opens the data folder for one command, and closes it again. */
export async function withSession<T>(
  command: Command,
  { carryOn }: SessionOptions,
  use: (context: ToolContext) => Promise<T>,
): Promise<T> {
  // A person reads stderr here: only what went wrong is worth a line, unless more was asked for.
  const config = configFrom(command.optsWithGlobals(), { MESHWRIGHT_LOG: 'error' });
  const log = openLog(config);
  const jobs = await (carryOn ? openJobs : lookAtJobs)(config, log);
  try {
    return await use({
      principal: LOCAL_PRINCIPAL,
      config,
      jobs,
      log,
      locate: locateOnDisk(jobs),
      signal: new AbortController().signal,
      progress: () => undefined,
    });
  } finally {
    await jobs.stop();
  }
}
