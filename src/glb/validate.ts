import * as z from 'zod';
import type { ValidationIssue, ValidationReport } from './types.js';

/** The Khronos glTF validator. */

const report = z.object({
  issues: z.object({
    numErrors: z.number(),
    numWarnings: z.number(),
    numInfos: z.number(),
    numHints: z.number(),
    messages: z.array(
      z.object({
        code: z.string(),
        message: z.string(),
        severity: z.number(),
        pointer: z.string().optional(),
      }),
    ),
  }),
});

const SEVERITIES = ['error', 'warning', 'info', 'hint'] as const;
const MAX_ISSUES = 20;

/** Of the glTF JSON and all data it refers to; compressed geometry is not looked into. */
export async function validate(bytes: Uint8Array): Promise<ValidationReport> {
  const { default: validator } = await import('gltf-validator');
  // More issues than are shown, so that errors that come late are among the first.
  const options = { format: 'glb', maxIssues: 1000, writeTimestamp: false } as const;
  const result = await guarded(() => validator.validateBytes(bytes, options));
  if (result instanceof Error) return gaveUp(result);
  const { numErrors, numWarnings, numInfos, numHints, messages } = report.parse(result).issues;
  const issues = messages
    .toSorted((a, b) => a.severity - b.severity)
    .slice(0, MAX_ISSUES)
    .map(({ code, message, severity, pointer }): ValidationIssue => {
      const issue = { code, severity: SEVERITIES[severity] ?? 'hint', message: message.slice(0, 300) };
      return pointer === undefined ? issue : { ...issue, pointer: pointer.slice(0, 200) };
    });
  return {
    valid: numErrors === 0,
    errors: numErrors,
    warnings: numWarnings,
    infos: numInfos,
    hints: numHints,
    issues,
  };
}

/** A file that the validator cannot go through is no valid one. */
function gaveUp({ message }: Error): ValidationReport {
  const text = `The validator could not read it to the end: ${message.slice(0, 200)}`;
  const issue: ValidationIssue = { code: 'VALIDATOR_GAVE_UP', severity: 'error', message: text };
  return { valid: false, errors: 1, warnings: 0, infos: 0, hints: 0, issues: [issue] };
}

/**
 * The validator throws past any promise: on some damaged images after it has reported its result, and on numbers
 * beyond all bounds in place of it. Both would end the process. Every other error that nobody catches still does.
 *
 * @returns what it threw in place of a result
 */
async function guarded<Result>(work: () => Promise<Result>): Promise<Result | Error> {
  if (process.hasUncaughtExceptionCaptureCallback()) return work();
  let fail: (error: Error) => void = () => undefined;
  const thrown = new Promise<Error>((resolve) => {
    fail = resolve;
  });
  process.setUncaughtExceptionCaptureCallback((error) => {
    if (error.message.includes('Future already completed')) return;
    if (!('dartException' in error)) throw error;
    fail(error);
  });
  try {
    return await Promise.race([work(), thrown]);
  } finally {
    await new Promise(setImmediate);
    process.setUncaughtExceptionCaptureCallback(null);
  }
}
