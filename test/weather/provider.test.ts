import { expect, it } from 'vitest';
import { buy, expectNoneTwice, idOf, place, until } from './support/weather.js';

/** A provider that is down; that it may be so for hours is tried on its own clock in test/providers. */

it('keeps a job that is there waiting in words, and fetches the result when it is back', async () => {
  const { fal, server } = await place({ jobMs: 1_000 });
  const client = await server();
  const job = await buy(client, 1, 0);
  await expect.poll(() => fal.ledger.accepted).toBe(1);
  await fal.down('queue');
  await expect
    .poll(async () => (await client.call('get_job', { job_id: idOf(job) })).text, { timeout: 15_000 })
    .toMatch(/For \d+ s it could not be asked about: .* It goes on there, and is asked about again\./);

  const another = await until(client, idOf(await buy(client, 2, 0)), 'failed');
  expect(another.structured).toMatchObject({
    status: 'failed',
    error: { code: 'provider_unreachable', retryable: true, charged: 'no' },
  });

  await fal.up('queue');
  const done = await until(client, idOf(job), 'succeeded', 20_000);
  expect(done.text).not.toContain('could not be asked');
  expect(fal.ledger.accepted).toBe(1);
  expectNoneTwice(fal);
});
