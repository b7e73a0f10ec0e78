import type { EventStore, JSONRPCMessage } from '@modelcontextprotocol/server';

/**
 * What was sent to one session lately, so that a client whose connection broke gets the rest when it comes back
 * (protocol revisions before 2026-07-28). Bounded: the oldest events go first, and of an answer too large to be kept
 * a client is told to ask again.
 */

interface Kept {
  id: string;
  streamId: string;
  message: JSONRPCMessage;
  bytes: number;
  at: number;
}

/** Of one session, and of all: the more sessions there are, the less is kept of each. */
const MAX_BYTES = 2 * 1024 * 1024;
const MAX_BYTES_OF_ALL = 256 * 1024 * 1024;
const MAX_EVENTS = 2_000;
/** A file read as base64 is one such: it is cheaper to read it again. */
const MAX_MESSAGE_BYTES = 512 * 1024;
const MAX_AGE_MS = 15 * 60_000;

export class SessionEvents implements EventStore {
  readonly #sessions: () => number;
  readonly #events: Kept[] = [];
  #bytes = 0;
  #next = 1;

  /** @param sessions how many there are */
  constructor(sessions: () => number) {
    this.#sessions = sessions;
  }

  storeEvent(streamId: string, message: JSONRPCMessage): Promise<string> {
    const kept = this.#forKeeping(message);
    const id = `${this.#next++}_${streamId}`;
    this.#events.push({ id, streamId, at: Date.now(), ...kept });
    this.#bytes += kept.bytes;
    this.shrink();
    return Promise.resolve(id);
  }

  getStreamIdForEventId(eventId: string): Promise<string | undefined> {
    return Promise.resolve(/^\d+_(.*)$/.exec(eventId)?.[1]);
  }

  async replayEventsAfter(
    lastEventId: string,
    { send }: { send: (eventId: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const [, number = '0', streamId = ''] = /^(\d+)_(.*)$/.exec(lastEventId) ?? [];
    const after = Number(number);
    const missed = this.#events.filter(
      (event) => event.streamId === streamId && Number.parseInt(event.id, 10) > after,
    );
    for (const { id, message } of missed) await send(id, message);
    return streamId;
  }

  #forKeeping(message: JSONRPCMessage): { message: JSONRPCMessage; bytes: number } {
    // A long text is what makes a message large; to write all of it again only to measure it would double the work.
    const bytes = sizeOf(message);
    if (bytes <= MAX_MESSAGE_BYTES || !('id' in message) || message.id === undefined || 'method' in message) {
      return { message, bytes };
    }
    const text = 'The answer was too large to be kept for a connection that broke; ask again.';
    return {
      message: { jsonrpc: '2.0', id: message.id, error: { code: -32603, message: text } },
      bytes: 200,
    };
  }

  /** Lets go of what is too old or too much. */
  shrink(): void {
    const most = Math.min(MAX_BYTES, MAX_BYTES_OF_ALL / this.#sessions());
    const oldest = Date.now() - MAX_AGE_MS;
    let gone = 0;
    for (const event of this.#events) {
      const fits = this.#bytes <= most && this.#events.length - gone <= MAX_EVENTS;
      if (fits && event.at >= oldest) break;
      this.#bytes -= event.bytes;
      gone++;
    }
    if (gone > 0) this.#events.splice(0, gone);
  }
}

/** About as many bytes as the value takes as JSON. */
function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length + 2;
  if (typeof value !== 'object' || value === null) return 8;
  let size = 2;
  for (const [name, item] of Object.entries(value)) size += name.length + 4 + sizeOf(item);
  return size;
}
