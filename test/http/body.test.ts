import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { BodyBudget, readBody } from '../../src/http/body.js';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections();
});

/** Answers with the length of the body, or why it was not read; holds the answer to "slow" back until it is let go. */
async function serve(budget: BodyBudget): Promise<{ url: string; letGo: () => void; asked: () => number }> {
  let letGo = (): void => undefined;
  let asked = 0;
  const gone = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const server = createServer((call, response) => {
    readBody({ request: call, response }, 1_000, budget)
      .then(async (body) => {
        asked++;
        if (body.includes('slow')) await gone;
        response.end(String(body.length));
      })
      .catch((error: unknown) => {
        call.resume();
        response.end(error instanceof Error ? error.name : '');
      });
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  return { url: `http://127.0.0.1:${port}/`, letGo, asked: () => asked };
}

const post = async (url: string, body: string): Promise<string> =>
  (await fetch(url, { method: 'POST', body })).text();

describe('a body', () => {
  it('is read up to its limit, also when it does not say how long it is', async () => {
    const { url } = await serve(new BodyBudget(10_000));
    expect(await post(url, 'x'.repeat(1_000))).toBe('1000');
    expect(await post(url, 'x'.repeat(1_001))).toBe('BodyTooLarge');
    const call = request(url, { method: 'POST' });
    const answered = once(call, 'response');
    for (let i = 0; i < 11; i++) call.write('x'.repeat(100));
    call.end();
    const [response] = await answered;
    expect(String(await response.toArray())).toBe('BodyTooLarge');
  });

  it('waits for another time when too much is there at once, and has room again after the answers', async () => {
    const { url, letGo, asked } = await serve(new BodyBudget(1_000));
    const slow = post(url, `slow${'x'.repeat(600)}`);
    await expect.poll(asked).toBe(1);
    expect(await post(url, 'x'.repeat(500))).toBe('TooManyBodies');
    expect(await post(url, 'x'.repeat(300))).toBe('300');
    letGo();
    expect(await slow).toBe('604');
    await expect.poll(() => post(url, 'x'.repeat(900))).toBe('900');
  });
});
