import { setTimeout as pause } from 'node:timers/promises';
import { expect, it, onTestFinished, vi } from 'vitest';
import { localContext } from '../support/tool-context.js';
import { loadConfig } from '../../src/config.js';
import type { Question } from '../../src/jobs/consent.js';
import { silentLog } from '../../src/log.js';
import { lookAtJobs } from '../../src/open.js';
import { tools } from '../../src/tools/index.js';
import { temporaryFolder } from '../store/support/folder.js';

it('the time that the answer took is not waited for a second time', async () => {
  const config = loadConfig({ MESHWRIGHT_DATA_DIR: await temporaryFolder(), FAL_KEY: 'id:secret' });
  const jobs = await lookAtJobs(config, silentLog);
  onTestFinished(() => jobs.stop());
  const wait = vi
    .spyOn(jobs, 'wait')
    .mockImplementation((principal: string, id: string) => jobs.get(principal, id));
  const asked: Question[] = [];
  await tools()
    .find(({ name }) => name === 'rodin')
    ?.run(
      { prompt: 'a mug', addons: 'HighPack', wait_seconds: 2 },
      {
        ...localContext(config, jobs),
        ask: async (question) => {
          asked.push(question);
          await pause(300);
          return { kind: 'yes' };
        },
      },
    );
  expect(asked).toHaveLength(1);
  expect(wait.mock.calls[0]?.[2].ms).toBeLessThanOrEqual(1_701);
});
