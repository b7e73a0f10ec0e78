import { PassThrough } from 'node:stream';
import { isRecord } from '../../../src/json.js';
import { LineTransport } from '../../../src/server/line-transport.js';
import { mutateJson } from '../mutate-json.js';
import { hold, json, type Target, text } from '../target.js';

const MOST = 4096;

export const target: Target = {
  about: 'lines on stdin, whole and in pieces',
  guides: ['/src/server/line-transport'],
  seeds: () => [
    json({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'x', arguments: {} } }),
    json({
      jsonrpc: '2.0',
      id: 'a',
      method: 'subscriptions/listen',
      params: { notifications: { resourceSubscriptions: ['meshwright://jobs/job_1'] } },
    }),
    json({
      jsonrpc: '2.0',
      method: 'notifications/cancelled',
      params: { requestId: 1, reason: 'timed out' },
    }),
    text(
      `{"jsonrpc":"2.0","id":7,"params":{"a":"${'x'.repeat(9000)}"}}\n{"jsonrpc":"2.0","id":8,"result":{}}\n`,
    ),
    text(`{"jsonrpc":"2.0","params":{"id":3,"a":"${'\\"'.repeat(4000)}"},"id":"end"}\n`),
    text(`{"params":[${'{"id":1},'.repeat(7000)}"${'\\\\'.repeat(1000)}"]}\n`),
    text('\n\r\n{}\n[]\nnull\n{"jsonrpc":"2.0"}\n'),
    text(`{"id":${'1'.repeat(5000)}}\n`),
    text(`${'{"a":'.repeat(3000)}1${'}'.repeat(3000)}\n`),
  ],
  mutate: (bytes, random, tokens) =>
    new Uint8Array(Buffer.concat([mutateJson(bytes, random, tokens), text('\n')])),
  tokens: ['\n', '"id":1', '"id":"x"', '"jsonrpc":"2.0"', '"method":"subscriptions/listen"', '\\"', '\\u0000', '"', '{', '}', '[', ']', '"params":{'], // prettier-ignore
  maxBytes: 64 * 1024,
  run: async (bytes) => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    output.resume();
    const transport = new LineTransport(input, output, MOST);
    let answers = 0;
    output.on('data', () => answers++);
    Object.assign(transport, {
      onerror: (error: Error) => hold(error.message.length < 500, 'a long error'),
      onmessage: (message: unknown) => hold(isRecord(message), 'a message is no object'),
      onlisten: (_id: unknown, uris: unknown[]) =>
        hold(
          uris.every((uri) => typeof uri === 'string'),
          'no URIs',
        ),
    });
    await transport.start();
    const cut = bytes.length % 97;
    input.emit('data', Buffer.from(bytes.subarray(0, cut)));
    input.emit('data', Buffer.from(bytes.subarray(cut)));
    input.emit('data', Buffer.from('\n'));
    await transport.close();
    hold(answers <= bytes.length, 'more answers than bytes');
  },
};
