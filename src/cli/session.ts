import type { Command } from 'commander';
import { configFrom } from './settings.js';
import { locateOnDisk, lookAtJobs, openJobs, openLog } from '../open.js';
import type { ToolContext } from '../tools/tool.js';
import { principalCalled } from './whose.js';

/** What a command of the terminal works with: the same context that a tool call has. */

export interface SessionOptions {
  /** Whether unfinished jobs are taken up meanwhile; looking at them needs nothing of the kind. */
  carryOn: boolean;
}

/** Opens the data folder for one command, and closes it again; `--principal` says whose it is about. */
export async function withSession<T>(
  command: Command,
  { carryOn }: SessionOptions,
  use: (context: ToolContext) => Promise<T>,
): Promise<T> {
  // A person reads stderr here: only what went wrong is worth a line, unless more was asked for.
  const given: { [option: string]: unknown } = command.optsWithGlobals();
  const config = configFrom(given, { MESHWRIGHT_LOG: 'error' });
  const log = openLog(config);
  const jobs = await (carryOn ? openJobs : lookAtJobs)(config, log);
  try {
    return await use({
      principal: await principalCalled(given['principal'], config, jobs),
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
