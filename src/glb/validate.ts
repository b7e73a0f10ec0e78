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
  const result = await withoutEcho(() => validator.validateBytes(bytes, options));
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

/**
 * On some damaged images the validator reports its result and then throws, past any promise, that it has done so
 * already: that would end the process. Every other error that nobody catches still does.
 */
async function withoutEcho<Result>(work: () => Promise<Result>): Promise<Result> {
  if (process.hasUncaughtExceptionCaptureCallback()) return work();
  process.setUncaughtExceptionCaptureCallback((error) => {
    if (!error.message.includes('Future already completed')) throw error;
  });
  try {
    return await work();
  } finally {
    await new Promise(setImmediate);
    process.setUncaughtExceptionCaptureCallback(null);
  }
}
