import { expect, it, onTestFinished } from 'vitest';
import { localContext } from '../support/tool-context.js';
import * as z from 'zod';
import { loadConfig } from '../../src/config.js';
import { jobSchema } from '../../src/jobs/view.js';
import { silentLog } from '../../src/log.js';
import { LOCAL_PRINCIPAL, lookAtJobs } from '../../src/open.js';
import type { Job } from '../../src/store/types.js';
import { tool } from '../../src/tools/list_jobs.js';
import { temporaryFolder } from '../store/support/folder.js';
import { aJob } from '../store/support/rows.js';

const page = z.object({ jobs: z.array(jobSchema), next_cursor: z.string().optional() });

it('gives full pages of the status that is asked for, each job on one of them', async () => {
  const config = loadConfig({ MESHWRIGHT_DATA_DIR: await temporaryFolder() });
  const jobs = await lookAtJobs(config, silentLog);
  onTestFinished(() => jobs.stop());
  const all: Job[] = [];
  for (let n = 0; n < 3; n++) {
    for (const fields of [
      { state: 'intent' },
      { state: 'submitting' },
      { state: 'submitted', running: false },
      { state: 'submitted', running: true },
      { state: 'storing', running: true },
      { state: 'failed' },
    ] as const) {
      const job = aJob({ ...fields, principal: LOCAL_PRINCIPAL, createdAt: all.length });
      all.push(job);
      await jobs.store.jobs.create(job, undefined);
    }
  }
  const context = localContext(config, jobs);
  for (const [status, count] of [
    ['queued', 9],
    ['running', 6],
    ['failed', 3],
  ] as const) {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const { structured } = await tool.run({ status, limit: 2, cursor }, context);
      const { jobs: listed, next_cursor } = page.parse(structured);
      for (const job of listed) expect(job.status).toBe(status);
      if (next_cursor !== undefined) expect(listed).toHaveLength(2);
      seen.push(...listed.map(({ job_id }) => job_id));
      cursor = next_cursor;
    } while (cursor !== undefined);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toHaveLength(count);
  }
});
