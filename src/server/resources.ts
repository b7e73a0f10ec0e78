import type {
  CompleteResult,
  ListResourcesResult,
  ReadResourceResult,
  ResourceTemplateType,
  Server as McpServer,
} from '@modelcontextprotocol/server';
import { ProtocolError, ProtocolErrorCode } from '@modelcontextprotocol/server';
import { randomUUID } from 'node:crypto';
import { MeshwrightError, messageOf } from '../errors.js';
import { type Log, redact } from '../log.js';
import type { JobUpdates } from './job-updates.js';

/** Resources with templates, completion and subscriptions. */

/** Its errors are MeshwrightError and ProtocolError, which are shown; anything else is a defect. */
export interface ResourceSource {
  list: (cursor: string | undefined) => Promise<ListResourcesResult>;
  templates: ResourceTemplateType[];
  read: (uri: string, signal: AbortSignal) => Promise<ReadResourceResult>;
  /** Values of an argument, of a template or a prompt, that begin like this. */
  complete: (argument: string, value: string) => Promise<Completion>;
}

export type Completion = CompleteResult['completion'];

/** Registers the methods of resources, subscriptions to `updates`, and completion. */
export function serveResources(
  server: McpServer,
  source: ResourceSource,
  updates: JobUpdates,
  log: Log,
): void {
  const guard = async <Out>(work: Promise<Out>): Promise<Out> => {
    try {
      return await work;
    } catch (error) {
      throw protocolError(error, log);
    }
  };
  server.setRequestHandler('resources/list', ({ params }) => guard(source.list(params?.cursor)));
  server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: source.templates }));
  server.setRequestHandler('resources/read', ({ params }, { mcpReq }) =>
    guard(source.read(params.uri, mcpReq.signal)),
  );
  server.setRequestHandler('resources/subscribe', async ({ params }) => {
    await guard(updates.subscribe(params.uri));
    return {};
  });
  server.setRequestHandler('resources/unsubscribe', ({ params }) => {
    updates.unsubscribe(params.uri);
    return {};
  });
  server.setRequestHandler('completion/complete', async ({ params }) => ({
    completion: await guard(source.complete(params.argument.name, params.argument.value)),
  }));
}

/** Our own errors are shown; a defect becomes an id, and its text goes to the log. */
function protocolError(error: unknown, log: Log): unknown {
  if (error instanceof ProtocolError) return error;
  if (error instanceof MeshwrightError) {
    return new ProtocolError(ProtocolErrorCode.InvalidParams, redact(error.message), { code: error.code });
  }
  const id = randomUUID().slice(0, 8);
  log.error('a resource cannot be answered', { id, error: messageOf(error) });
  return new ProtocolError(
    ProtocolErrorCode.InternalError,
    `Something in meshwright broke (${id}); its log has the details.`,
  );
}
