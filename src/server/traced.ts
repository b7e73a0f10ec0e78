import {
  type JSONRPCRequest,
  Server,
  type ServerContext,
  type ServerOptions,
} from '@modelcontextprotocol/server';
import { currentTrace, inTrace, traceOf } from '../trace.js';
import type { OpenCalls } from './open-calls.js';

/**
 * A server that answers each request within the request's own trace, and counts those that are not answered yet. Here
 * and not where messages come in: the SDK hands on what arrives while a connection opens from one queue, in the course
 * of the first message.
 */
export class TracedServer extends Server {
  readonly #calls: OpenCalls;

  constructor(info: ConstructorParameters<typeof Server>[0], options: ServerOptions, calls: OpenCalls) {
    super(info, options);
    this.#calls = calls;
  }

  protected override _wrapHandler(
    ...[method, handler]: Parameters<Server['_wrapHandler']>
  ): ReturnType<Server['_wrapHandler']> {
    const wrapped = super['_wrapHandler'](method, handler);
    return (request: JSONRPCRequest, context: ServerContext) => {
      const { _meta: meta } = context.mcpReq;
      // Over HTTP a request is in the trace of its headers already.
      const trace = traceOf(meta) ?? (context.http ? currentTrace() : undefined);
      return this.#calls.run(() => inTrace(trace, () => wrapped(request, context)));
    };
  }
}
