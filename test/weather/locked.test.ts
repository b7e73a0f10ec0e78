import { describe, expect, it } from 'vitest';
import { buy, expectNoneTwice, idOf, lock, place, until } from './support/weather.js';

/** A database that another program holds: a backup, a hung server. */

describe('a locked database', () => {
  it('is waited for by a call, which then goes its way', async () => {
    const { data, fal, server } = await place();
    const client = await server();
    await client.call('list_jobs', {});
    const unlock = await lock(data);
    let answered = false;
    const call = buy(client, 1, 10).finally(() => (answered = true));
    const models = await client.call('list_models', {});
    expect(models.isError, models.text).toBe(false);
    expect({ answered, sent: fal.journal.count('queue', 'submit') }).toEqual({ answered: false, sent: 0 });
    await unlock();
    expect((await call).structured).toMatchObject({ status: 'succeeded' });
    expect(fal.ledger.accepted).toBe(1);
  });

  it('while a provider answers a submit costs neither the job nor a second one', async () => {
    const { data, fal, server } = await place();
    fal.fault({ match: { op: 'submit' }, action: { type: 'delay', ms: 600 } });
    const clients = [await server(), await server()] as const;
    await clients[1].call('list_jobs', {});
    const job = buy(clients[0], 1, 0);
    await expect.poll(() => fal.journal.count('queue', 'submit')).toBe(1);
    const unlock = await lock(data);
    await expect.poll(() => fal.ledger.accepted).toBe(1);
    // By now the provider has done the job, and nobody could write anything of it.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await unlock();
    for (const client of clients) await until(client, idOf(await job), 'succeeded');
    expect(fal.ledger.accepted).toBe(1);
    expectNoneTwice(fal);
  });
});
