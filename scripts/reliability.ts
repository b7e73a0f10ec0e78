import { z } from 'zod';

/** What `npm run proof` found, as the page that the README's promise leads to. */

/** Where it is kept, from the root of the project. */
export const RELIABILITY = 'docs/reliability.json';

export const trialsSchema = z.record(
  z.string(),
  z.strictObject({
    times: z.string(),
    found: z.string(),
    passed: z.boolean(),
    command: z.string(),
    /** `YYYY-MM-DD` */
    date: z.string(),
    minutes: z.number(),
  }),
);
export type Trials = z.output<typeof trialsSchema>;

/** What each is about, in the order of the page. */
const ABOUT: Readonly<Record<string, readonly [title: string, text: string]>> = {
  crash: [
    'Killed at any moment',
    'Two servers share one data folder and are killed with SIGKILL at random moments, now and then both at once, while clients order free and paid jobs over all providers, repeat every order whose answer they did not get, and now and then order one anew on purpose (`force_new`), so that there are more jobs than orders. At the end the rows, the files and the books of the providers are compared. An unconfirmed job is one whose submit was cut off at a provider that lists no jobs: it is told as such, and never sent again by itself.',
  ],
  faults: [
    'Every fault, at every step, at every provider',
    'Refusals, errors, cut and lost and garbled answers, silence, redirects to private addresses, files that are none: at every step of a job (upload, submit, list, status, stream, result, download, cancel), once and for ever. Each has to end in the true status, with a sentence that names the cause and the next step, with the right word on what was charged, with no second submit, no half file, and no key or signature in what is shown.',
  ],
  transitions: [
    'Any order of events',
    'What can happen to a job (leases, answers, cancellations, late and doubled events, clocks that jump) is generated in any order; after every step all promises on its state are checked.',
  ],
  weather: [
    'Bad weather',
    'A full disk, a database that is locked, a folder that cannot be written, a clock that is set back or forward, a provider that is down: jobs wait or carry on, the answer says why, `meshwright doctor` names it.',
  ],
  fuzz: [
    'Hostile bytes',
    'Every parser of bytes from outside is fed by a fuzzer that is led by the code it reaches: GLB, images, provider replies, webhooks, tokens, sessions, requests, arguments, URIs, settings.',
  ],
  addresses: [
    'Hostile addresses',
    'Loopback, private, link-local, mapped, decimal, octal, hex and rebinding forms, at every place where a URL comes in: arguments, replies of providers, redirects, webhooks.',
  ],
  principals: [
    'Somebody else’s things',
    'Over HTTP, one principal tries jobs, assets, links, sessions, subscriptions, tasks, budgets and duplicate windows of another.',
  ],
};

export function reliabilityPage(trials: Trials): string {
  const rows = Object.entries(ABOUT).flatMap(([name, [title, text]]) => {
    const trial = trials[name];
    return trial ? [{ title, text, ...trial }] : [];
  });
  return `# What was tried

The promise: **a job you paid for is never lost and never bought twice.** This page is written by \`npm run proof\`, which
anyone can run: it needs no key and no network, since the providers have emulators that keep books of what was bought.

| what | how often | what was found | |
|---|---|---|---|
${rows.map(({ title, times, found, passed }) => `| [${title}](#${slug(title)}) | ${times} | ${found} | ${passed ? 'held' : '**broken**'} |`).join('\n')}

${rows
  .map(
    ({ title, text, command, date, minutes }) =>
      `## ${title}\n\n${text}\n\n\`${command}\`, on ${date}, in ${minutes} min.`,
  )
  .join('\n\n')}

Short forms of all of them run in \`npm test\`.
`;
}

/** As GitHub makes anchors of headings. */
function slug(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-');
}
