import { expect } from 'vitest';

/** A client of the HTTP server's sessions that can be cut off in the middle of an answer. */

/** Opens a session of a revision that has them, and answers its headers. */
export async function openSession(origin: string, version = '2025-11-25'): Promise<Record<string, string>> {
  const opened = await sendIn(origin, {}, 1, 'initialize', {
    protocolVersion: version,
    capabilities: {},
    clientInfo: { name: 'meshwright-tests', version: '0' },
  });
  await opened.text();
  return { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '', 'mcp-protocol-version': version };
}

/** @param headers of the session */
export function sendIn(
  origin: string,
  headers: Record<string, string>,
  id: number,
  method: string,
  params: object,
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(`${origin}/mcp`, {
    method: 'POST',
    body: JSON.stringify({ jsonrpc: '2.0', id, method, params }),
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    ...(signal ? { signal } : {}),
  });
}

/** Calls a tool, loses the connection at the first progress, and comes back: answers the stream that goes on. */
export async function callAndResume(
  origin: string,
  headers: Record<string, string>,
  id: number,
  call: { name: string; arguments: object },
): Promise<Response> {
  const leaving = new AbortController();
  const params = { ...call, _meta: { progressToken: 'p' } };
  const first = await sendIn(origin, headers, id, 'tools/call', params, leaving.signal);
  let seen = '';
  for await (const chunk of first.body ?? []) {
    seen += Buffer.from(chunk).toString();
    if (seen.includes('notifications/progress')) break;
  }
  leaving.abort();
  const last = [...seen.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? '';
  expect(last).not.toBe('');
  const resume = (): Promise<Response> =>
    fetch(`${origin}/mcp`, { headers: { ...headers, accept: 'text/event-stream', 'last-event-id': last } });
  let resumed = await resume();
  // The server may not have seen yet that the first connection is gone.
  await expect
    .poll(async () => {
      if (resumed.status === 409) resumed = await resume();
      return resumed.status;
    })
    .toBe(200);
  return resumed;
}
