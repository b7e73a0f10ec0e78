import type { Reply } from '../common/exchange.js';
import { textReply } from '../common/exchange.js';
import type { Json } from '../common/json.js';
import { infrastructureError, modelErrors, requestError } from './answers.js';
import { fieldError } from './validate.js';

/** What a job that failed leaves behind: the reply of its result, and two words in its last status. */
export interface Failure {
  reply: Reply;
  /** As in a status or webhook: "Invalid status code: 422". */
  error: string;
  errorType: string;
  billed: boolean;
}

export const failureNames = [
  'content-policy',
  'image-load',
  'no-media',
  'billed-422',
  'detail-text',
  'internal-error',
  'runner-error',
  'runner-disconnected',
  'generation-timeout',
  'request-timeout',
  'user-timeout',
  'html',
  'plain-text',
] as const;
export type FailureName = (typeof failureNames)[number];

/** @param field the input field that is to blame, where one is */
export function failureOf(name: FailureName, field: string, input: Json): Failure {
  switch (name) {
    case 'content-policy':
      return modelFailure(
        422,
        field,
        'The content could not be processed because it was flagged by a content checker.',
        'content_policy_violation',
        input,
      );
    case 'image-load':
      return modelFailure(
        422,
        field,
        'Failed to load the image. Please ensure the image file is not corrupted.',
        'image_load_error',
        input,
      );
    case 'no-media':
      return modelFailure(422, undefined, 'No media was generated for this input.', 'no_media_generated');
    case 'billed-422':
      return { ...failureOf('no-media', field, input), billed: true };
    case 'detail-text':
      return failed(requestError(422, 'The mesh could not be extracted.', 'unprocessable'), 'unprocessable');
    case 'internal-error':
      return modelFailure(500, undefined, 'An internal server error occurred.', 'internal_server_error');
    case 'runner-error':
      return failed(
        requestError(500, 'The runner encountered an internal server error', 'runner_server_error'),
        'runner_server_error',
      );
    case 'runner-disconnected':
      return failed(
        requestError(503, 'The runner disconnected unexpectedly', 'runner_disconnected'),
        'runner_disconnected',
      );
    case 'generation-timeout':
      return modelFailure(504, undefined, 'The generation took too long.', 'generation_timeout');
    case 'request-timeout':
      return failed(infrastructureError(504), 'request_timeout');
    case 'user-timeout':
      return failed(
        requestError(504, 'Request did not start within the requested time', 'request_timeout', {
          'x-fal-request-timeout-type': 'user',
        }),
        'request_timeout',
      );
    case 'html':
      return failed(
        textReply(502, '<html><body><h1>502 Bad Gateway</h1></body></html>', 'text/html'),
        'internal_error',
      );
    default:
      return failed(
        textReply(500, 'upstream connect error or disconnect/reset before headers'),
        'internal_error',
      );
  }
}

export function modelFailure(
  status: number,
  field: string | number | (string | number)[] | undefined,
  msg: string,
  type: string,
  input?: Json,
): Failure {
  const at = field === undefined ? [] : [field].flat();
  return failed(modelErrors(status, [fieldError(at, msg, type, input)]), type);
}

export function failed(reply: Reply, errorType: string, billed = false): Failure {
  return { reply, error: `Invalid status code: ${reply.status}`, errorType, billed };
}
