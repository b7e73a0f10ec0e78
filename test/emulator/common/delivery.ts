import type { ServerResponse } from 'node:http';
import type { Delivery } from './actions.js';
import { bytesOf } from './actions.js';
import type { Reply, StreamSink } from './exchange.js';

/**
 * Puts a reply on the socket, whole or spoiled on purpose.
 *
 * @param cut told when the emulator itself breaks the connection
 */
export function deliver(
  response: ServerResponse,
  reply: Reply,
  delivery: Delivery | undefined,
  cut: () => void,
): void {
  if (response.destroyed) return;
  if (delivery?.kind === 'reset') {
    cut();
    response.socket?.resetAndDestroy();
  } else if (delivery?.kind === 'stall' && delivery.at === 'headers') {
    if (delivery.ms !== undefined) later(response, delivery.ms, () => send(response, reply));
  } else if (delivery?.kind === 'delay') {
    later(response, delivery.ms, () => send(response, reply));
  } else if (reply.stream) {
    openStream(response, reply, delivery?.kind === 'stream' ? delivery : undefined, cut);
  } else if (delivery?.kind === 'stall') {
    sendHalf(response, reply, delivery.ms);
  } else if (delivery?.kind === 'drip') {
    drip(response, reply, delivery.bytes, delivery.everyMs);
  } else if (delivery?.kind === 'cut') {
    sendCut(response, reply, delivery, cut);
  } else {
    send(response, reply);
  }
}

function send(response: ServerResponse, reply: Reply): void {
  if (reply.stream) {
    openStream(response, reply, undefined, () => undefined);
    return;
  }
  const body = bytesOf(reply);
  if (reply.chunked) {
    response.writeHead(reply.status, reply.headers);
    // Two writes: with one, Node would know the length and announce it.
    response.write(body.subarray(0, body.length >> 1));
    response.end(body.subarray(body.length >> 1));
  } else {
    head(response, reply, body.length);
    response.end(body);
  }
}

/** A `Content-Length` that the reply brings itself stays: the answer to HEAD has one without a body. */
function head(response: ServerResponse, reply: Reply, length: number): void {
  const bodiless = reply.status === 204 || reply.status === 304;
  response.writeHead(
    reply.status,
    bodiless ? reply.headers : { 'content-length': String(length), ...reply.headers },
  );
}

function sendHalf(response: ServerResponse, reply: Reply, ms: number | undefined): void {
  const body = bytesOf(reply);
  const middle = body.length >> 1;
  head(response, reply, body.length);
  response.write(body.subarray(0, middle));
  if (ms !== undefined) later(response, ms, () => response.end(body.subarray(middle)));
}

function drip(response: ServerResponse, reply: Reply, bytes: number, everyMs: number): void {
  const body = bytesOf(reply);
  head(response, reply, body.length);
  response.flushHeaders();
  let sent = 0;
  const timer = setInterval(() => {
    response.write(body.subarray(sent, sent + bytes));
    sent += bytes;
    if (sent < body.length) return;
    clearInterval(timer);
    response.end();
  }, everyMs);
  response.once('close', () => clearInterval(timer));
}

function sendCut(
  response: ServerResponse,
  reply: Reply,
  { byte, how }: { byte: number; how: 'reset' | 'close' },
  cut: () => void,
): void {
  const body = bytesOf(reply);
  head(response, reply, body.length);
  response.write(body.subarray(0, byte), () => {
    cut();
    const { socket } = response;
    // A reset makes the other side drop what it has not read yet, so it is given a moment to read.
    if (how === 'reset') later(response, 20, () => socket?.resetAndDestroy());
    else socket?.destroySoon();
  });
}

function openStream(
  response: ServerResponse,
  reply: Reply,
  fault: { afterEvents: number; how: 'end' | 'cut' | 'silence' } | undefined,
  cut: () => void,
): void {
  response.writeHead(reply.status, reply.headers);
  response.flushHeaders();
  let events = 0;
  let silent = false;
  const closers: (() => void)[] = [];
  response.once('close', () => closers.forEach((close) => close()));

  function spoil(next: string): void {
    silent = true;
    if (fault?.how === 'end') response.end();
    if (fault?.how === 'cut') {
      cut();
      response.write(next.slice(0, next.length >> 1), () => response.socket?.destroySoon());
    }
  }
  const sink: StreamSink = {
    write(text) {
      if (silent || response.destroyed) return;
      if (fault && events >= fault.afterEvents) {
        spoil(text);
        return;
      }
      events += 1;
      response.write(text);
      // A clean end does not wait for the next event: the client is left with the last one it got.
      if (fault?.how === 'end' && events >= fault.afterEvents) spoil('');
    },
    end() {
      if (!silent) response.end();
    },
    onClose(run) {
      if (response.destroyed) run();
      else closers.push(run);
    },
  };
  if (fault && fault.how === 'end' && fault.afterEvents === 0) spoil('');
  else reply.stream?.(sink);
}

/** Socket time is real time. */
function later(response: ServerResponse, ms: number, run: () => void): void {
  const timer = setTimeout(() => {
    if (!response.destroyed) run();
  }, ms);
  response.once('close', () => clearTimeout(timer));
}
