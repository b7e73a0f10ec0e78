import { describe, expect, it } from 'vitest';
import { buy, expectNoneTwice, idOf, jobs, place, until } from './support/weather.js';

/** A clock that is set while jobs run: they end when they are done, and are bought once. */

describe('a clock that is set', () => {
  it('back by an hour while a job runs does not make it wait for an hour', async () => {
    const { fal, server, setClock } = await place({ jobMs: 700 });
    const client = await server();
    const job = await buy(client, 1, 0);
    await expect.poll(() => fal.ledger.accepted).toBe(1);
    await setClock(-1);
    await until(client, idOf(job), 'succeeded');
    // The job was made in what is the future now: it still answers the equal call.
    expect((await buy(client, 1, 5)).structured).toMatchObject({ deduplicated: true, job_id: idOf(job) });
    expect(fal.ledger.accepted).toBe(1);
  });

  it('back by three hours while a job waits to be sent again does not make it wait for them', async () => {
    const { fal, server, setClock } = await place();
    fal.fault({
      match: { op: 'submit' },
      action: { type: 'respond', status: 429, headers: { 'retry-after': '2' }, json: {} },
    });
    const client = await server();
    const job = await buy(client, 1, 0);
    await expect.poll(() => fal.journal.count('queue', 'submit')).toBe(1);
    await setClock(-3);
    await until(client, idOf(job), 'succeeded');
    expect(fal.ledger.accepted).toBe(1);
  });

  it('forward by a day while jobs run ends none of them, in either of two servers', async () => {
    const { fal, server, setClock } = await place({ jobMs: 700 });
    const clients = [await server(), await server()];
    const ids: unknown[] = [];
    for (const [seed, client] of clients.entries()) ids.push(idOf(await buy(client, seed, 0)));
    await expect.poll(() => fal.ledger.accepted).toBe(2);
    await setClock(24);
    for (const [at, client] of clients.entries()) await until(client, ids[at], 'succeeded');
    expect(fal.ledger.accepted).toBe(2);
    expectNoneTwice(fal);
  });

  it('wrong in a server that dies keeps no job from the next one', async () => {
    const { fal, server, setClock } = await place({ jobMs: 700 });
    await setClock(5);
    const first = await server();
    const job = await buy(first, 1, 0);
    // Its handle is written: killed before, it would rightly be unconfirmed.
    await expect
      .poll(async () => (await first.call('get_job', { job_id: idOf(job) })).structured?.['message'])
      .not.toMatch(/^(Waiting to be sent|Being sent)/);
    if (first.pid !== null) process.kill(first.pid, 'SIGKILL');
    await setClock(0);
    const second = await server();
    await until(second, idOf(job), 'succeeded');
    await until(second, idOf(await buy(second, 2, 0)), 'succeeded');
    // Newest first by what the clocks said; every page has each of them once.
    const rows = await jobs(second);
    expect(rows.map(({ status }) => status)).toEqual(['succeeded', 'succeeded']);
    expect(new Set(rows.map(({ job_id: id }) => id)).size).toBe(2);
    expectNoneTwice(fal);
  });
});
