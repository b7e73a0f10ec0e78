import { Session, type Profiler } from 'node:inspector/promises';

/** Which code ran, by V8's own block coverage, in the files that matter to a target. */
export class Coverage {
  /** Parts of the paths of the files that matter. */
  guides: readonly string[] = [];
  readonly #session: Session;
  /** By script: whether each character of its source ever ran. */
  readonly #ran = new Map<string, Uint8Array>();
  /** Script and offset of every block that ever ran. */
  readonly #blocks = new Set<string>();

  private constructor(session: Session) {
    this.#session = session;
  }

  /** To be called before the code is loaded: what was compiled before is known by whole functions only. */
  static async start(): Promise<Coverage> {
    const session = new Session();
    session.connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
    return new Coverage(session);
  }

  async stop(): Promise<void> {
    await this.#session.post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  get blocks(): number {
    return this.#blocks.size;
  }

  /**
   * Whether anything ran since the last look that had never run before.
   *
   * @param keep whether it counts as known from here on
   */
  async grew(keep: boolean): Promise<boolean> {
    const { result } = await this.#session.post('Profiler.takePreciseCoverage');
    let grew = false;
    for (const script of result) {
      if (this.guides.some((guide) => script.url.includes(guide))) grew = this.#learn(script, keep) || grew;
    }
    return grew;
  }

  #learn({ url, functions }: Profiler.ScriptCoverage, keep: boolean): boolean {
    const end = functions.reduce((most, { ranges }) => Math.max(most, ranges[0]?.endOffset ?? 0), 0);
    const now = new Uint8Array(end);
    // Outer ranges come before the inner ones, which know better.
    for (const { ranges } of functions) {
      for (const { startOffset, endOffset, count } of ranges) {
        now.fill(count > 0 ? 1 : 0, startOffset, endOffset);
        if (keep && count > 0) this.#blocks.add(`${url}:${startOffset}`);
      }
    }
    let ran = this.#ran.get(url);
    if (!ran || ran.length < end) {
      const longer = new Uint8Array(end);
      if (ran) longer.set(ran);
      ran = longer;
      this.#ran.set(url, ran);
    }
    let grew = false;
    for (let i = 0; i < end; i++) {
      if (now[i] !== 1 || ran[i] !== 0) continue;
      grew = true;
      if (!keep) return true;
      ran[i] = 1;
    }
    return grew;
  }
}
