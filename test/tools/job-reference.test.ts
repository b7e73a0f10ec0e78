import { expect, it, onTestFinished } from 'vitest';
import { localContext } from '../support/tool-context.js';
import { loadConfig } from '../../src/config.js';
import { silentLog } from '../../src/log.js';
import { LOCAL_PRINCIPAL, lookAtJobs } from '../../src/open.js';
import { tools } from '../../src/tools/index.js';
import { temporaryFolder } from '../store/support/folder.js';
import { aJob } from '../store/support/rows.js';

/** A job is named by its id or by the URI of its resource, wherever one is asked for. */
it.each(['get_job', 'wait_for_job', 'cancel_job', 'list_assets'])(
  '%s takes the URI of a job like its id',
  async (name) => {
    const config = loadConfig({ MESHWRIGHT_DATA_DIR: await temporaryFolder() });
    const jobs = await lookAtJobs(config, silentLog);
    onTestFinished(() => jobs.stop());
    const job = aJob({ state: 'cancelled', finishedAt: 2_000, principal: LOCAL_PRINCIPAL });
    await jobs.store.jobs.create(job, undefined);
    const context = localContext(config, jobs);
    const call = async (reference: string): Promise<unknown> => {
      const answer = await tools()
        .find((tool) => tool.name === name)
        ?.run({ job_id: reference }, context);
      return answer?.structured;
    };
    const byUri = await call(`meshwright://jobs/${job.id}`);
    expect(byUri).toBeDefined();
    expect(byUri).toEqual(await call(job.id));
  },
);
