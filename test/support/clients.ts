import {
  Client as ClientV2,
  StreamableHTTPClientTransport as HttpTransportV2,
} from '@modelcontextprotocol/client';
import { StdioClientTransport as TransportV2 } from '@modelcontextprotocol/client/stdio';
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as HttpTransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isRecord } from '../../src/json.js';
import { limited } from './limited.js';

/** Real clients of the real server, each with a data folder of its own unless told otherwise. */

export const CLI = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

export async function temporaryFolder(): Promise<string> {
  return mkdtemp(path.join(tmpdir(), 'meshwright-test-'));
}

export const removeFolder = (folder: string): Promise<void> => rm(folder, { recursive: true, force: true });

/** The environment of a server under test: nothing of the machine's own settings or keys. */
export function serverEnv(dataDir: string, extra: Record<string, string> = {}): Record<string, string> {
  return {
    PATH: process.env['PATH'] ?? '',
    HOME: process.env['HOME'] ?? '',
    MESHWRIGHT_DATA_DIR: dataDir,
    MESHWRIGHT_LOG: 'error',
    ...extra,
  };
}

export interface Progress {
  progress: number;
  total?: number | undefined;
  message?: string | undefined;
}

export interface CallOptions {
  onprogress?: (progress: Progress) => void;
  signal?: AbortSignal;
  timeout?: number;
}

/** What both generations of clients can do, under one name each. */
export interface TestClient {
  readonly kind: string;
  readonly pid: number | null;
  instructions(): string | undefined;
  listTools(): Promise<
    { name: string; description?: string | undefined; inputSchema: unknown; outputSchema?: unknown }[]
  >;
  call(name: string, args: Record<string, unknown>, options?: CallOptions): Promise<ToolResult>;
  read(uri: string): Promise<{ uri: string; mimeType?: string | undefined; text?: string; blob?: string }[]>;
  resources(): Promise<{ uri: string }[]>;
  templates(): Promise<{ uriTemplate: string }[]>;
  complete(uri: string, name: string, value: string): Promise<string[]>;
  subscribe(uri: string, onUpdate: (uri: string) => void): Promise<void>;
  close(): Promise<void>;
}

export interface ToolResult {
  isError: boolean;
  structured: Record<string, unknown> | undefined;
  text: string;
  content: Record<string, unknown>[];
}

export type ClientKind = 'v1' | 'v2 legacy' | 'v2 auto' | 'v2 modern';
export const CLIENT_KINDS: readonly ClientKind[] = ['v1', 'v2 legacy', 'v2 auto', 'v2 modern'];

const INFO = { name: 'meshwright-tests', version: '0.0.0' };

/** A client whose user can be asked. */
export interface Asked {
  /** What the client calls itself. */
  name?: string;
  /** Absent: it does not say that it can ask. */
  answer?: (message: string) => Promise<ElicitAnswer>;
}

export interface ConnectOptions extends Asked {
  /** The server can write no larger file, as on a disk that is nearly full. */
  maxFileKb?: number;
}

export interface ElicitAnswer {
  action: 'accept' | 'decline' | 'cancel';
  content?: Record<string, string>;
}

/** Starts a server and talks to it over stdio. */
export async function connect(
  kind: ClientKind,
  env: Record<string, string>,
  args: string[] = [],
  options: ConnectOptions = {},
): Promise<TestClient> {
  if (kind === 'v1') {
    const transport = new TransportV1(parameters(env, args, options));
    return connectV1(transport, () => transport.pid, options);
  }
  const transport = new TransportV2(parameters(env, args, options));
  return connectV2(kind, transport, () => transport.pid, options);
}

/** Talks to a server that is there over HTTP. */
export async function connectHttp(
  kind: ClientKind,
  url: string,
  headers: Record<string, string> = {},
  asked: Asked = {},
): Promise<TestClient> {
  const options = { requestInit: { headers } };
  return kind === 'v1'
    ? connectV1(new HttpTransportV1(new URL(url), options), () => null, asked)
    : connectV2(kind, new HttpTransportV2(new URL(url), options), () => null, asked);
}

const infoOf = ({ name = INFO.name }: Asked): typeof INFO => ({ ...INFO, name });
const capabilitiesOf = ({ answer }: Asked): { elicitation?: Record<string, never> } =>
  answer ? { elicitation: {} } : {};

function parameters(
  env: Record<string, string>,
  args: string[],
  { maxFileKb }: ConnectOptions,
): { command: string; args: string[]; env: Record<string, string>; stderr: 'ignore' } {
  const [command = '', ...rest] = limited([process.execPath, CLI, ...args], maxFileKb);
  return { command, args: rest, env, stderr: 'ignore' };
}

function toolResult(raw: unknown): ToolResult {
  const result = isRecord(raw) ? raw : {};
  const content = Array.isArray(result['content']) ? result['content'].filter(isRecord) : [];
  const structured = result['structuredContent'];
  return {
    isError: result['isError'] === true,
    structured: isRecord(structured) ? structured : undefined,
    text: content.flatMap((block) => (typeof block['text'] === 'string' ? [block['text']] : [])).join('\n'),
    content,
  };
}

function contents(raw: {
  contents: unknown[];
}): { uri: string; mimeType?: string; text?: string; blob?: string }[] {
  return raw.contents.filter(isRecord).map((item) => ({
    uri: String(item['uri']),
    ...(typeof item['mimeType'] === 'string' ? { mimeType: item['mimeType'] } : {}),
    ...(typeof item['text'] === 'string' ? { text: item['text'] } : {}),
    ...(typeof item['blob'] === 'string' ? { blob: item['blob'] } : {}),
  }));
}

async function connectV1(
  transport: Parameters<ClientV1['connect']>[0],
  pid: () => number | null,
  asked: Asked,
): Promise<TestClient> {
  const { ElicitRequestSchema, ResourceUpdatedNotificationSchema } =
    await import('@modelcontextprotocol/sdk/types.js');
  const client = new ClientV1(infoOf(asked), { capabilities: capabilitiesOf(asked) });
  const { answer } = asked;
  if (answer) {
    client.setRequestHandler(ElicitRequestSchema, async ({ params }) => ({
      ...(await answer(params.message)),
    }));
  }
  await client.connect(transport);
  const listeners = new Set<(uri: string) => void>();
  client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) => {
    for (const listener of listeners) listener(params.uri);
  });
  return {
    kind: 'v1',
    pid: pid(),
    instructions: () => client.getInstructions(),
    listTools: async () => (await client.listTools()).tools,
    call: async (name, toolArgs, options) =>
      toolResult(
        await client.callTool({ name, arguments: toolArgs }, undefined, { timeout: 60_000, ...options }),
      ),
    read: async (uri) => contents(await client.readResource({ uri })),
    resources: async () => (await client.listResources()).resources,
    templates: async () => (await client.listResourceTemplates()).resourceTemplates,
    complete: async (uri, name, value) =>
      (await client.complete({ ref: { type: 'ref/resource', uri }, argument: { name, value } })).completion
        .values,
    subscribe: async (uri, onUpdate) => {
      listeners.add(onUpdate);
      await client.subscribeResource({ uri });
    },
    close: () => client.close(),
  };
}

async function connectV2(
  kind: ClientKind,
  transport: Parameters<ClientV2['connect']>[0],
  pid: () => number | null,
  asked: Asked,
): Promise<TestClient> {
  const mode = kind === 'v2 legacy' ? 'legacy' : kind === 'v2 auto' ? 'auto' : { pin: '2026-07-28' };
  const client = new ClientV2(infoOf(asked), {
    capabilities: capabilitiesOf(asked),
    versionNegotiation: { mode },
  });
  const { answer } = asked;
  if (answer) {
    client.setRequestHandler('elicitation/create', async ({ params }) => ({
      ...(await answer(params.message)),
    }));
  }
  await client.connect(transport);
  const listeners = new Set<(uri: string) => void>();
  client.setNotificationHandler('notifications/resources/updated', ({ params }) => {
    for (const listener of listeners) listener(params.uri);
  });
  const closers: (() => Promise<void>)[] = [];
  return {
    kind,
    pid: pid(),
    instructions: () => client.getInstructions(),
    listTools: async () => (await client.listTools()).tools,
    call: async (name, toolArgs, options) =>
      toolResult(await client.callTool({ name, arguments: toolArgs }, { timeout: 60_000, ...options })),
    read: async (uri) => contents(await client.readResource({ uri })),
    resources: async () => (await client.listResources()).resources,
    templates: async () => (await client.listResourceTemplates()).resourceTemplates,
    complete: async (uri, name, value) =>
      (await client.complete({ ref: { type: 'ref/resource', uri }, argument: { name, value } })).completion
        .values,
    subscribe: async (uri, onUpdate) => {
      listeners.add(onUpdate);
      if (kind === 'v2 legacy') {
        await client.subscribeResource({ uri });
      } else {
        const subscription = await client.listen({ resourceSubscriptions: [uri] });
        closers.push(() => subscription.close());
      }
    },
    close: async () => {
      for (const close of closers) await close();
      await client.close();
    },
  };
}
