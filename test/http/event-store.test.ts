import type { JSONRPCMessage } from '@modelcontextprotocol/server';
import { describe, expect, it } from 'vitest';
import { SessionEvents } from '../../src/http/event-store.js';

const progress = (n: number): JSONRPCMessage => ({
  jsonrpc: '2.0',
  method: 'notifications/progress',
  params: { progressToken: 't', progress: n, message: 'x'.repeat(1_000) },
});

async function replay(events: SessionEvents, after: string): Promise<JSONRPCMessage[]> {
  const messages: JSONRPCMessage[] = [];
  await events.replayEventsAfter(after, {
    send: (_id, message) => {
      messages.push(message);
      return Promise.resolve();
    },
  });
  return messages;
}

describe('what a session is kept for a client that comes back', () => {
  it('is what came after the last event of that stream, in order', async () => {
    const events = new SessionEvents(() => 1);
    const first = await events.storeEvent('call', progress(1));
    await events.storeEvent('other', progress(9));
    await events.storeEvent('call', progress(2));
    await events.storeEvent('call', progress(3));
    expect(await events.getStreamIdForEventId(first)).toBe('call');
    expect(await replay(events, first)).toEqual([progress(2), progress(3)]);
  });

  it('is the answer also after more progress than is kept', async () => {
    const events = new SessionEvents(() => 1);
    const first = await events.storeEvent('call', progress(0));
    for (let i = 1; i < 5_000; i++) await events.storeEvent('call', progress(i));
    const answer: JSONRPCMessage = { jsonrpc: '2.0', id: 1, result: { content: [] } };
    await events.storeEvent('call', answer);
    const messages = await replay(events, first);
    expect(messages.at(-1)).toEqual(answer);
    expect(JSON.stringify(messages).length).toBeLessThan(2.2 * 1024 ** 2);
    expect(messages.length).toBeGreaterThan(500);
  });

  it('is less of each, the more sessions there are', async () => {
    const events = new SessionEvents(() => 1_024);
    const first = await events.storeEvent('call', progress(0));
    for (let i = 1; i < 1_000; i++) await events.storeEvent('call', progress(i));
    expect(JSON.stringify(await replay(events, first)).length).toBeLessThan(300 * 1024);
  });

  it('is a word to ask again where the answer was a whole file', async () => {
    const events = new SessionEvents(() => 1);
    const first = await events.storeEvent('read', progress(0));
    const blob = 'A'.repeat(10 * 1024 ** 2);
    await events.storeEvent('read', { jsonrpc: '2.0', id: 5, result: { contents: [{ uri: 'x', blob }] } });
    expect(await replay(events, first)).toEqual([
      { jsonrpc: '2.0', id: 5, error: { code: -32603, message: expect.stringContaining('ask again') } },
    ]);
  });
});
