import { type Config, withoutKeys } from './config.js';
import type { Jobs, ServiceDeps } from './jobs/service.js';
import type { Locate } from './jobs/view.js';
import { createLog, keepSecret, type Log } from './log.js';

/** How the jobs of this machine are opened, for whatever serves them: the stdio server and the command line. */

/** Whoever runs meshwright on this machine. */
export const LOCAL_PRINCIPAL = 'local';

/** What a server with many callers adds. */
type JobOptions = Pick<ServiceDeps, 'configOf' | 'callbackUrl' | 'observe'>;

/** The log of a configuration; its keys are never printed from here on. */
export function openLog(config: Config): Log {
  keepSecret(config.falKey, config.pixazoKey, config.scenarioKey, config.scenarioSecret);
  return createLog(config.log);
}

/**
 * Opens the jobs and takes up every unfinished one.
 *
 * @throws MeshwrightError `storage` when the data folder cannot be used
 */
export async function openJobs(config: Config, log: Log, options: JobOptions = {}): Promise<Jobs> {
  const jobs = await lookAtJobs(config, log, options);
  await jobs.list(LOCAL_PRINCIPAL, { limit: 1 });
  await jobs.start();
  return jobs;
}

/** Opens the jobs and carries none of them on. */
export async function lookAtJobs(config: Config, log: Log, options: JobOptions = {}): Promise<Jobs> {
  const [{ Jobs: Service }, { findModel, models }] = await Promise.all([
    import('./jobs/service.js'),
    import('./tools/models.js'),
  ]);
  // Who else has jobs here, and with which keys, the HTTP server knows: it alone sends them and asks about them.
  const others = withoutKeys(config);
  const configOf = (principal: string): Config => (principal === LOCAL_PRINCIPAL ? config : others);
  const jobs = new Service({
    configOf,
    ...options,
    config,
    log,
    model: (tool) => Promise.resolve(findModel(tool)),
  });
  for (const sentence of jobs.prices.strangers(models())) log.warn(sentence);
  return jobs;
}

/** Where the files lie, for callers on the same machine. */
export function locateOnDisk(jobs: Jobs): Locate {
  return (asset) => ({ path: jobs.assets.path(asset) });
}
