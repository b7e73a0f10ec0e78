import { setImmediate as turn } from 'node:timers/promises';
import { PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { LineTransport } from '../../src/server/line-transport.js';

/** A client on the other side of two pipes; it reads only when it is told to. */
function pipes(maxBytes?: number) {
  const input = new PassThrough();
  const held: (() => void)[] = [];
  const written: string[] = [];
  let reading = false;
  const output = new Writable({
    highWaterMark: 10,
    write(chunk: Buffer, _encoding, done) {
      written.push(chunk.toString());
      if (reading) done();
      else held.push(done);
    },
  });
  const transport = new LineTransport(input, output, maxBytes);
  const received: unknown[] = [];
  Object.assign(transport, { onmessage: (message: unknown) => received.push(message) });
  return {
    input,
    output,
    transport,
    received,
    written,
    read: () => {
      reading = true;
      for (const done of held.splice(0)) done();
    },
  };
}

const message = (id: number) => ({ jsonrpc: '2.0' as const, id, result: {} });

describe('what is sent to a client that does not read', () => {
  it('waits, forty messages without a warning, and goes out in order when it reads again', async () => {
    const warnings: Error[] = [];
    const warn = (warning: Error): void => void warnings.push(warning);
    process.on('warning', warn);
    const { transport, written, read } = pipes();
    const sends = Array.from({ length: 40 }, (_, id) => transport.send(message(id)));
    await turn();
    read();
    await Promise.all(sends);
    await turn();
    process.off('warning', warn);
    expect(warnings).toEqual([]);
    expect(written.map((line): unknown => JSON.parse(line))).toEqual(
      Array.from({ length: 40 }, (_, id) => message(id)),
    );
  });

  it('fails when the connection is closed, instead of waiting for ever', async () => {
    const { transport } = pipes();
    const sends = [transport.send(message(1)), transport.send(message(2))];
    await transport.close();
    for (const { status } of await Promise.allSettled(sends)) expect(status).toBe('rejected');
    await expect(transport.send(message(3))).rejects.toThrow(/gone/);
  });
});

describe('a line that is too long', () => {
  const LONG = 'A'.repeat(300_000);

  /** Sends one line in chunks as a pipe does, and answers the id that the error names. */
  async function refusedId(line: string): Promise<unknown> {
    const { input, transport, read, written, received } = pipes(100_000);
    read();
    await transport.start();
    const bytes = Buffer.from(`${line}\n`);
    for (let at = 0; at < bytes.length; at += 65_536) {
      input.write(bytes.subarray(at, at + 65_536));
      await turn();
    }
    await turn();
    expect(received).toEqual([]);
    const answer: unknown = written[0] === undefined ? undefined : JSON.parse(written[0]);
    return typeof answer === 'object' && answer && 'id' in answer ? answer.id : undefined;
  }

  it.each([
    ['first', `{"jsonrpc":"2.0","id":7,"method":"x","params":{"image":"${LONG}"}}`, 7],
    ['last', `{"method":"x","params":{"image":"${LONG}"},"jsonrpc":"2.0","id":8}`, 8],
    ['last, after spaces', `{"params":{"image":"${LONG}"}, "id" : "é 8" }`, 'é 8'],
    ['first, and others within', `{"id":9,"params":{"image":"${LONG}","a":[{"id":1}],"id":2}}`, 9],
    [
      'last, and others within',
      `{"params":{"id":1,"a":{"id":2},"image":"${LONG}","b":{"id":3}},"id":10}`,
      10,
    ],
  ])('is answered by its own id, which stands %s', async (_where, line, id) => {
    expect(await refusedId(line)).toBe(id);
  });

  it.each([
    [
      'thousands of others within',
      `{"params":{"image":"${LONG}","a":[${'{"id":1},'.repeat(7000)}0]},"id":12}`,
      12,
    ],
    [
      'texts that end in backslashes',
      String.raw`{"params":{"image":"${LONG}\","b":"\""},"id":13,"c":"\"}`,
      13,
    ],
    ['a text that is called like it', `{"a":"id","params":{"image":"${LONG}"},"b":"id","id":14}`, 14],
  ])('is answered by its own id among %s', async (_what, line, id) => {
    expect(await refusedId(line)).toBe(id);
  });

  it.each([
    ['only something within has one, at the end', `{"params":{"image":"${LONG}","id":3}}`],
    ['only something within has one, at the start', `{"params":{"id":3,"image":"${LONG}"}}`],
    ['only a text speaks of one', String.raw`{"params":{"image":"${LONG}{\"id\":3}"}}`],
    ['it is null', `{"id":null,"params":{"image":"${LONG}"}}`],
    ['it is no JSON', String.raw`{"id":"\q","params":{"image":"${LONG}"}}`],
  ])('is not answered when %s', async (_why, line) => {
    expect(await refusedId(line)).toBeUndefined();
  });
});

describe('a line that would keep the server busy', () => {
  it.each([
    ['nested by the thousand', `${'['.repeat(20_000)}${']'.repeat(20_000)}`, /nested more than 64 levels/],
    ['with hundreds of thousands of values', `[${'0,'.repeat(200_000)}0]`, /more than 50000 lists/],
  ])('is answered with an error when it is %s, and the next one is read', async (_what, value, why) => {
    const { input, transport, written, received } = pipes();
    await transport.start();
    input.write(`{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"a":${value}}}\n`);
    input.write(`${JSON.stringify(message(8))}\n`);
    await turn();
    expect(JSON.parse(written[0] ?? '')).toMatchObject({
      id: 7,
      error: { code: -32600, message: expect.stringMatching(why) },
    });
    expect(received).toEqual([message(8)]);
  });
});

describe('what a client of the 2026 protocol listens to', () => {
  it('is told by the id of the request, and so is its end', async () => {
    const { input, transport } = pipes();
    const told: unknown[] = [];
    transport.onlisten = (id, uris) => told.push(['listens', id, uris]);
    transport.oncancelled = (id) => told.push(['cancelled', id]);
    await transport.start();
    const write = (line: object): boolean => input.write(`${JSON.stringify({ jsonrpc: '2.0', ...line })}\n`);
    write({
      id: 'a',
      method: 'subscriptions/listen',
      params: { notifications: { resourceSubscriptions: ['meshwright://jobs/job_1', 5] } },
    });
    write({ method: 'notifications/cancelled', params: { requestId: 'a' } });
    await turn();
    expect(told).toEqual([
      ['listens', 'a', ['meshwright://jobs/job_1']],
      ['cancelled', 'a'],
    ]);
  });
});
