import { CommanderError } from 'commander';
import { type ErrorCode, MeshwrightError } from '../errors.js';
import { redact } from '../log.js';
import { note, plain, printJson } from './text.js';

/** How the command line tells what went wrong. */

/** Refusals that something else on the command line, or another file, would have avoided. */
const WRONGLY_ASKED: ReadonlySet<ErrorCode> = new Set([
  'invalid_arguments',
  'invalid_image',
  'invalid_asset',
  'path_refused',
  'url_refused',
  'not_found',
  'conflict',
  'too_large',
  'configuration',
  'over_budget',
]);

/** Tells what went wrong; answers the exit code. What is no `MeshwrightError` is a defect and goes on. */
export function report(error: unknown, json: boolean): number {
  // Help and version end this way too, with code 0.
  if (error instanceof CommanderError && error.exitCode === 0) return 0;
  const known =
    error instanceof CommanderError
      ? new MeshwrightError('invalid_arguments', usageText(error))
      : error instanceof MeshwrightError
        ? error
        : undefined;
  if (!known) throw error;
  const { code, field, retryable, charged } = known;
  const message = asCommands(redact(known.message));
  if (json) printJson({ error: { code, message, field, retryable, charged } });
  note(`meshwright: ${plain(message)}`);
  return WRONGLY_ASKED.has(code) ? 2 : 1;
}

/** Agents call tools; a person has commands for the same. */
function asCommands(message: string): string {
  return message.replace(
    /Call list_(jobs|assets) to see the \1 there are\./,
    '`meshwright $1` lists those there are.',
  );
}

function usageText({ code, message }: CommanderError): string {
  // The help that lists them is printed already.
  if (code === 'commander.help') return 'Say which of these commands.';
  const text = message.replace(/^error: /, '').replaceAll('\n', ' ');
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}. \`meshwright --help\` tells more.`;
}
