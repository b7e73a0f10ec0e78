import {
  CLIENT_CAPABILITIES_META_KEY,
  CLIENT_INFO_META_KEY,
  inputRequired,
  type RequestStateCodec,
  SdkError,
  SdkErrorCode,
  type Server as McpServer,
  type ServerContext,
} from '@modelcontextprotocol/server';
import type { Config } from '../config.js';
import { MeshwrightError, messageOf } from '../errors.js';
import type { Answer, Ask, Question } from '../jobs/consent.js';
import { isRecord } from '../json.js';
import type { Log } from '../log.js';
import { AskFirst } from '../tools/tool.js';
import type { AskedState } from './asked-state.js';
import { declinedByItself } from './client-habits.js';
import type { ProgressReporter } from './progress.js';
import { isModern } from './tasks.js';

/**
 * Asking the user in both eras of the protocol. Until 2025-11-25 the server sends `elicitation/create` in the middle of
 * the call and waits; since 2026-07-28 the call itself is answered by the question, and comes again with the answer
 * and the sealed state that went out with it.
 */

export interface AskingDeps {
  server: McpServer;
  context: ServerContext;
  states: RequestStateCodec<AskedState>;
  progress: ProgressReporter;
  log: Log;
  config: Pick<Config, 'waitSeconds'>;
}

/** How long a person may take while a call waits, where nothing else is set: most clients cut calls after 60 s. */
const ASK_SECONDS = 45;
const KEY = 'price';
/** The whole answer is in the action: some clients send no content with an "accept". */
const YES_OR_NO = { type: 'object', properties: {} } as const;

const UNSEEN =
  'If no question was shown, the client declined by itself: the user can set MESHWRIGHT_ASK_USD to a higher price or to never.';

/** How this call's client asks its user; `undefined` when it cannot. */
export function askerOf(deps: AskingDeps): Ask | undefined {
  const { server, context } = deps;
  const modern = isModern(server);
  const capabilities = modern ? told(context, CLIENT_CAPABILITIES_META_KEY) : server.getClientCapabilities();
  if (!canElicit(capabilities)) return undefined;
  if (!modern) return (question) => askByRequest(deps, question);
  // What happens between its coming and the question, such as reading images, is no thinking.
  const arrivedAt = Date.now();
  return (question) => askByResult(deps, question, arrivedAt);
}

/** What the request itself says of its client: since 2026-07-28 every one does. */
function told({ mcpReq: { envelope } }: ServerContext, key: string): unknown {
  return isRecord(envelope) ? envelope[key] : undefined;
}

/** An empty capability means forms: the other mode came later. */
function canElicit(capabilities: unknown): boolean {
  const elicitation = isRecord(capabilities) ? capabilities['elicitation'] : undefined;
  return isRecord(elicitation) && ('form' in elicitation || !('url' in elicitation));
}

async function askByRequest(deps: AskingDeps, { text }: Question): Promise<Answer> {
  const { context, progress, log, config } = deps;
  const { signal } = context.mcpReq;
  const seconds = config.waitSeconds > 0 ? config.waitSeconds : ASK_SECONDS;
  progress.doing('Waiting for the user to agree to the price');
  const begun = performance.now();
  try {
    const { action } = await context.mcpReq.send(
      { method: 'elicitation/create', params: { message: text, requestedSchema: YES_OR_NO } },
      { timeout: seconds * 1000, signal },
    );
    return answerOf(deps, action, performance.now() - begun);
  } catch (error) {
    if (signal.aborted) {
      throw new MeshwrightError('cancelled', 'Cancelled before the job began; nothing was sent.', {
        cause: error,
      });
    }
    if (error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout) {
      const note = `That was ${seconds} s. Ask the user, then make the same call again: the question comes again.`;
      return { kind: 'late', note };
    }
    log.warn('the client cannot ask its user although it says so', { error: messageOf(error) });
    return { kind: 'unasked' };
  } finally {
    progress.doing('Working');
  }
}

async function askByResult(
  deps: AskingDeps,
  { text, about, jobId }: Question,
  arrivedAt: number,
): Promise<Answer> {
  const { context, states } = deps;
  const state: unknown = context.mcpReq.requestState();
  const response = context.mcpReq.inputResponses?.[KEY];
  const asked = isAsked(state) && state.about === about ? state : undefined;
  if (asked && isRecord(response) && typeof response['action'] === 'string') {
    const answer = answerOf(deps, response['action'], arrivedAt - asked.at);
    return answer.kind === 'yes' ? { ...answer, jobId: asked.jobId } : answer;
  }
  // Not asked yet, or about something else.
  const requestState = await states.mint({ about, jobId, at: Date.now() }, context);
  const price = inputRequired.elicit({ message: text, requestedSchema: YES_OR_NO });
  throw new AskFirst(inputRequired({ inputRequests: { [KEY]: price }, requestState }));
}

function isAsked(state: unknown): state is AskedState {
  return (
    isRecord(state) &&
    typeof state['about'] === 'string' &&
    typeof state['at'] === 'number' &&
    typeof state['jobId'] === 'string'
  );
}

function answerOf(deps: AskingDeps, action: string, tookMs: number): Answer {
  if (action === 'accept') return { kind: 'yes' };
  if (declinedByItself(clientName(deps), tookMs)) {
    deps.log.info('the client declined by itself: the caps decide', { ms: Math.round(tookMs) });
    return { kind: 'unasked' };
  }
  return { kind: action === 'decline' ? 'no' : 'dismissed', note: UNSEEN };
}

function clientName({ server, context }: AskingDeps): string | undefined {
  const info = told(context, CLIENT_INFO_META_KEY) ?? server.getClientVersion();
  const name = isRecord(info) ? info['name'] : undefined;
  return typeof name === 'string' ? name : undefined;
}
