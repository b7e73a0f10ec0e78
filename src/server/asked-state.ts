import { createRequestStateCodec, type RequestStateCodec } from '@modelcontextprotocol/server';
import { randomBytes } from 'node:crypto';

/** What goes out with a question and comes back with its answer, through the client and so sealed. */
export interface AskedState {
  /** What the answer holds for. */
  about: string;
  /** The one job that it may begin: an answer that comes twice finds it. */
  jobId: string;
  /** When it was asked, in milliseconds since 1970. */
  at: number;
}

/** A person may leave a question open for so long. */
const TTL_SECONDS = 3_600;
const PROCESS_KEY = randomBytes(32);

/** The seal of one principal: what was sealed for another is refused. */
export function askedStates({
  principal,
  stateKey = PROCESS_KEY,
}: {
  principal: string;
  stateKey?: Uint8Array | undefined;
}): RequestStateCodec<AskedState> {
  return createRequestStateCodec<AskedState>({
    key: stateKey,
    ttlSeconds: TTL_SECONDS,
    bind: ({ mcpReq }) => JSON.stringify([mcpReq.method, principal]),
  });
}
