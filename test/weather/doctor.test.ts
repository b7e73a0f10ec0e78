import { describe, expect, it } from 'vitest';
import { run } from '../cli/support.js';
import { buy, idOf, littleSpace, lock, place, type Place, until } from './support/weather.js';

/** `meshwright doctor` names what ails, and says that all is well only when nothing does. */

async function diagnose(
  { data, env }: Place,
  extra: Record<string, string> = {},
): Promise<{ code: number | null; stdout: string; verdict: string }> {
  const { code, stdout, stderr } = await run(data, ['doctor'], {
    env: { ...env(), MESHWRIGHT_ALLOWED_DIRS: '/', ...extra },
  });
  return { code, stdout, verdict: stderr.trim() };
}

describe('doctor', () => {
  it('finds a good day good, and tells the time by the provider', async () => {
    const here = await place();
    const client = await here.server();
    await until(client, idOf(await buy(client, 1, 0)), 'succeeded');
    const { code, stdout, verdict } = await diagnose(here);
    expect({ code, verdict }, stdout).toEqual({ code: 0, verdict: 'All is well.' });
    expect(stdout).toMatch(/^ok {4}database +can be written to$/m);
    expect(stdout).toMatch(/^ok {4}jobs +none is unfinished$/m);
    expect(stdout).toMatch(/^ok {4}clock +agrees with that of fal\.ai$/m);
  });

  it('names a clock that is wrong, a disk with little space and jobs that wait, and calls none of it well', async () => {
    const here = await place();
    const { fal, server, setClock } = here;
    fal.fault({
      match: { op: 'download' },
      times: 'always',
      action: { type: 'respond', status: 404, json: {} },
    });
    const client = await server();
    const job = await buy(client, 1, 0);
    await expect
      .poll(async () => (await client.call('get_job', { job_id: idOf(job) })).text, { timeout: 10_000 })
      .toMatch(/files are not here yet.*404/);
    await client.close();
    await setClock(2);
    const space = littleSpace(300 * 1024 ** 2);
    const { code, stdout, verdict } = await diagnose(here, {
      ...space,
      NODE_OPTIONS: `${here.env()['NODE_OPTIONS']} ${space['NODE_OPTIONS']}`,
    });
    expect({ code, verdict }, stdout).toEqual({
      code: 0,
      verdict: 'It works; what begins with warn needs a look.',
    });
    expect(stdout).toMatch(/^warn {2}clock +is \d h \d\d min ahead of that of fal\.ai$/m);
    expect(stdout).toMatch(/^warn {2}data folder .*\(300\.0 MiB free\)$/m);
    expect(stdout).toMatch(/^warn {2}jobs +1 of 1 unfinished wait, the oldest for .*404/m);
    expect(stdout).toContain(String(idOf(job)));
  });

  it('names who holds the database, a full disk and a provider that is down', async () => {
    const here = await place();
    await (await here.server()).call('list_jobs', {});
    const unlock = await lock(here.data);
    await here.fal.down('queue');
    const { code, stdout, verdict } = await diagnose(here, littleSpace(20 * 1024 ** 2));
    await unlock();
    expect({ code, verdict }, stdout).toEqual({ code: 1, verdict: 'Something needs attention.' });
    expect(stdout).toMatch(/^fail {2}database +Another process kept the data folder .* locked/m);
    if (process.platform === 'linux') expect(stdout).toContain(`It is locked by process ${unlock.pid} (`);
    expect(stdout).toMatch(/^fail {2}fal\.ai +127\.0\.0\.1:\d+ cannot be reached \(ECONNREFUSED\)$/m);
    expect(stdout).toMatch(/^fail {2}data folder .* has only 20\.0 MiB free\.$/m);
  });
});
