import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { z } from 'zod';

/**
 * Watches every outgoing connection of this process: tests must reach nothing but loopback.
 *
 * Node tells of new sockets on three channels, and none of them sees all: `net.connect`, `http(s).request` and
 * undici (which is also the built-in `fetch`).
 */
export interface OutboundWatch {
  /** `host` of everything that is not loopback, in order. */
  readonly attempts: string[];
  stop(): void;
}

const httpRequest = z.object({ request: z.object({ host: z.string() }) });
const undiciConnect = z.object({ connectParams: z.object({ hostname: z.string() }) });

export function watchOutbound(): OutboundWatch {
  const attempts: string[] = [];
  const note = (host: string | undefined): void => {
    if (host !== undefined && !isLoopback(host)) attempts.push(host);
  };
  const onHttp = (message: unknown): void => note(httpRequest.safeParse(message).data?.request.host);
  const onUndici = (message: unknown): void =>
    note(undiciConnect.safeParse(message).data?.connectParams.hostname);
  const onNet = (message: unknown): void => {
    if (!hasSocket(message)) return;
    message.socket.once('connectionAttempt', (address: unknown) => {
      if (typeof address === 'string') note(address);
    });
  };
  subscribe('http.client.request.start', onHttp);
  subscribe('undici:client:beforeConnect', onUndici);
  subscribe('net.client.socket', onNet);
  return {
    attempts,
    stop() {
      unsubscribe('http.client.request.start', onHttp);
      unsubscribe('undici:client:beforeConnect', onUndici);
      unsubscribe('net.client.socket', onNet);
    },
  };
}

interface SocketMessage {
  socket: { once(event: string, listener: (...values: unknown[]) => void): unknown };
}

function hasSocket(message: unknown): message is SocketMessage {
  if (typeof message !== 'object' || message === null || !('socket' in message)) return false;
  const { socket } = message;
  return (
    typeof socket === 'object' && socket !== null && 'once' in socket && typeof socket.once === 'function'
  );
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
