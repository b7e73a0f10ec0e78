import { expect, it } from 'vitest';
import { buy, idOf, place } from './support/weather.js';

/** A disk on which the file of a paid job finds no room. */

it('says how much room there is and how much the model needs, keeps trying, and buys nothing again', async () => {
  const { fal, server } = await place();
  const modelBytes = 3 * 1024 ** 2;
  fal.fault({ match: { op: 'submit' }, action: { type: 'job', modelBytes } });
  const full = await server(undefined, { maxFileKb: 2 * 1024 });
  const job = await buy(full, 1, 0);
  expect(job.isError).toBe(false);
  await expect
    .poll(async () => (await full.call('get_job', { job_id: idOf(job) })).structured?.['message'])
    .toMatch(
      /^Done at fal, but its files are not here yet: .*full.* Free on that disk: [\d.]+ \wiB; \S+\.glb needs 3\.0 MiB\.$/,
    );
  await full.close();
  // Somebody has freed some space.
  const roomy = await server();
  const done = await roomy.call('wait_for_job', { job_id: idOf(job), wait_seconds: 20 });
  expect(done.structured).toMatchObject({ status: 'succeeded', assets: [{ size_bytes: modelBytes }] });
  expect(fal.ledger.accepted).toBe(1);
});
