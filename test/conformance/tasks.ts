import {
  type CallToolResult,
  type InputRequests,
  ProtocolError,
  ProtocolErrorCode,
} from '@modelcontextprotocol/server';
import { randomUUID } from 'node:crypto';
import type { Task, TaskSource } from '../../src/server/tasks.js';

/** What a running task can do. */
export interface Running {
  /** Fires when the task is cancelled. */
  signal: AbortSignal;
  /** Waits until every question has its answer. */
  ask: (questions: InputRequests) => Promise<Record<string, unknown>>;
}

interface Entry {
  task: Task;
  stop: AbortController;
  ended: Promise<void>;
  answer: (responses: Record<string, unknown>) => void;
}

/** Tasks that can do all that the protocol knows, of one process. */
export class MemoryTasks implements TaskSource {
  readonly #entries = new Map<string, Entry>();

  /** Begins a task; an error that is thrown is one of the protocol, a result may say that the tool failed. */
  begin(work: (running: Running) => Promise<CallToolResult>): Task {
    const stop = new AbortController();
    const now = Date.now();
    const result: { value: CallToolResult } = { value: { content: [] } };
    const task: Task = {
      id: randomUUID(),
      status: 'working',
      message: 'It goes on.',
      createdAt: now,
      updatedAt: now,
      answer: () => Promise.resolve(result.value),
    };
    const change = (what: Partial<Task>): void => {
      Object.assign(task, what, { updatedAt: Date.now() });
    };
    const entry: Entry = { task, stop, ended: Promise.resolve(), answer: () => undefined };
    const ask = (questions: InputRequests): Promise<Record<string, unknown>> =>
      new Promise((resolve, reject) => {
        const answers: Record<string, unknown> = {};
        change({ status: 'input_required', inputRequests: { ...questions } });
        stop.signal.addEventListener('abort', () => reject(stop.signal.reason), { once: true });
        entry.answer = (responses) => {
          const open = Object.entries(task.inputRequests ?? {});
          for (const [key] of open) if (key in responses) answers[key] = responses[key];
          const left = open.filter(([key]) => !(key in responses));
          change({ inputRequests: Object.fromEntries(left) });
          if (left.length > 0) return;
          change({ status: 'working' });
          resolve(answers);
        };
      });
    entry.ended = work({ signal: stop.signal, ask }).then(
      (value) => {
        result.value = value;
        change({ status: value.isError ? 'failed' : 'completed' });
      },
      (error: unknown) => {
        if (stop.signal.aborted) return change({ status: 'cancelled' });
        const code = error instanceof ProtocolError ? error.code : ProtocolErrorCode.InternalError;
        change({ status: 'failed', error: { code, message: String(error) } });
      },
    );
    this.#entries.set(task.id, entry);
    return task;
  }

  async get(id: string): Promise<Task> {
    return this.#entry(id).task;
  }

  async cancel(id: string): Promise<Task> {
    const { task, stop, ended } = this.#entry(id);
    stop.abort();
    await ended;
    return task;
  }

  async update(id: string, responses: Record<string, unknown>): Promise<void> {
    this.#entry(id).answer(responses);
  }

  async wait(id: string): Promise<Task> {
    const { task, ended } = this.#entry(id);
    await ended;
    return task;
  }

  async list(): Promise<{ tasks: Task[] }> {
    return { tasks: [...this.#entries.values()].map(({ task }) => task) };
  }

  #entry(id: string): Entry {
    const entry = this.#entries.get(id);
    if (!entry) throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'There is no such task.');
    return entry;
  }
}
