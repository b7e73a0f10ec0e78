import {
  type JSONRPCRequest,
  ProtocolError,
  Server,
  type ServerContext,
  type ServerOptions,
} from '@modelcontextprotocol/server';
import { type Log, logFor } from '../log.js';
import { currentTrace, inTrace, traceOf } from '../trace.js';
import type { OpenCalls } from './open-calls.js';
import { requestIdOf } from './request-id.js';

/** Some refusals of the SDK say all that is wrong with what was sent. */
const MOST_CHARACTERS = 1_000;

export interface TracedDeps {
  log: Log;
  principal: string;
  calls: OpenCalls;
}

/**
 * A server that answers each request within the request's own trace, counts those that are not answered yet, and logs
 * those that are refused. Here and not where messages come in: the SDK hands on what arrives while a connection opens
 * from one queue, in the course of the first message.
 */
export class TracedServer extends Server {
  readonly #deps: TracedDeps;

  constructor(info: ConstructorParameters<typeof Server>[0], options: ServerOptions, deps: TracedDeps) {
    super(info, options);
    this.#deps = deps;
  }

  protected override _wrapHandler(
    ...[method, handler]: Parameters<Server['_wrapHandler']>
  ): ReturnType<Server['_wrapHandler']> {
    const wrapped = super['_wrapHandler'](method, handler);
    return (request: JSONRPCRequest, context: ServerContext) => {
      const { _meta: meta } = context.mcpReq;
      // Over HTTP a request is in the trace of its headers already.
      const trace = traceOf(meta) ?? (context.http ? currentTrace() : undefined);
      const answer = async (): ReturnType<typeof wrapped> => {
        try {
          return await wrapped(request, context);
        } catch (error) {
          this.#refused(method, error, context);
          throw error;
        }
      };
      return this.#deps.calls.run(() => inTrace(trace, answer));
    };
  }

  /** A refusal of the protocol's own; what a tool refuses is a result, and what broke has its line already. */
  #refused(method: string, error: unknown, context: ServerContext): void {
    if (!(error instanceof ProtocolError)) return;
    const { log, principal } = this.#deps;
    const { code, message } = error;
    logFor(log, { principal, request: requestIdOf(context) }).info('a protocol request was refused', {
      method,
      code,
      error: message.slice(0, MOST_CHARACTERS),
    });
  }
}
