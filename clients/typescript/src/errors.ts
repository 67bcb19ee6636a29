import type { ErrorCode } from './models.js';

/** The base of everything that this package throws. */
export class JobsprintError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** No answer came, after all attempts. Whether the last one was carried out is unknown; `cause` says more. */
export class ConnectionFailed extends JobsprintError {}

/** A webhook's request is not from the service, was changed, or is too old. The message says which. */
export class InvalidSignature extends JobsprintError {}

/** A field that is wrong, such as `body.url`, and why. */
export interface Detail {
  field: string;
  message: string;
}

/**
 * The service refused a request, failed, or waits for an approval. Every code, with its cause and its remedy, is in the
 * reference of the API: docs/reference/errors.md.
 */
export class ApiError extends JobsprintError {
  /** What went wrong, for programs, such as `webhook_paused`; `http_502` where the answer is not the API's own. */
  readonly code: ErrorCode | (string & {});
  /** What to do about it, where the answer says so. */
  readonly nextStep?: string;
  /** Every wrong field. */
  readonly details: Detail[];
  /** What another system answered when it failed. */
  readonly upstream?: { status: number; body?: unknown };
  /** The log entry of the action that failed. */
  readonly logId?: string;
  /** Names the request in the service's logs. */
  readonly requestId?: string;

  /**
   * @param status The HTTP status.
   * @param body The whole answer: JSON where it is JSON, else text.
   * @param retryAfter Seconds to wait before trying again.
   */
  constructor(
    readonly status: number,
    readonly body: unknown,
    readonly retryAfter?: number,
  ) {
    const answer = (typeof body === 'object' && body) || {};
    const { error = {}, requestId } = answer as { error?: Problem; requestId?: string };
    super(error.message ?? `The answer has status ${status}`);
    this.code = error.code ?? `http_${status}`;
    this.details = error.details ?? [];
    if (error.nextStep !== undefined) this.nextStep = error.nextStep;
    if (error.upstream !== undefined) this.upstream = error.upstream;
    if (error.logId !== undefined) this.logId = error.logId;
    if (requestId !== undefined) this.requestId = requestId;
  }
}

interface Problem {
  code?: string;
  message?: string;
  nextStep?: string;
  details?: Detail[];
  upstream?: { status: number; body?: unknown };
  logId?: string;
}

/**
 * 202 `pending_approval`: a person has to approve the call before it is made. Nothing was sent. Once another token has
 * approved it, send the same call with `approvalId`.
 */
export class ApprovalRequired extends ApiError {
  override readonly code = 'pending_approval';
  declare readonly requestId?: string;
  /** The approval of this call: `apr_…`. */
  readonly approvalId: string;
  /** Until when it can be approved and used. */
  readonly expiresAt: string;

  constructor(status: number, body: { data: PendingApproval }, requestId?: string) {
    super(status, body);
    this.approvalId = body.data.approvalId;
    this.expiresAt = body.data.expiresAt;
    if (requestId !== undefined) this.requestId = requestId;
    this.message =
      'Nothing was sent: a person has to approve this call first. ' +
      `Once another token has approved ${this.approvalId}, send the same call with the approval's id`;
  }
}

/** What a call that waits for an approval is answered with. */
export interface PendingApproval {
  status: 'pending_approval';
  approvalId: string;
  expiresAt: string;
}

/** 400: the request cannot be read, or its cursor is not valid here. */
export class BadRequest extends ApiError {}
/** 401: the token is missing, unknown, expired or revoked. */
export class Unauthenticated extends ApiError {}
/** 403: the token lacks the operation's scope. */
export class Forbidden extends ApiError {}
/** 404: the tenant has no such resource. */
export class NotFound extends ApiError {}
/** 409: the state of the resource does not allow this. */
export class Conflict extends ApiError {}
/** 413: the body has more than 256 KB. */
export class PayloadTooLarge extends ApiError {}
/** 422: fields are wrong; `details` has every one. */
export class InvalidFields extends ApiError {}
/** 429: too many requests, and waiting as long as `retryAfter` says was too long or did not help. */
export class RateLimited extends ApiError {}
/** 5xx: the service failed. */
export class ServerError extends ApiError {}
/** 502: another system failed; `upstream` has its answer. */
export class UpstreamFailed extends ServerError {}
/** 504: another system did not answer in time. Whether a call of it was carried out is unknown. */
export class UpstreamTimeout extends ServerError {}

const BY_STATUS: Record<number, typeof ApiError> = {
  400: BadRequest,
  401: Unauthenticated,
  403: Forbidden,
  404: NotFound,
  409: Conflict,
  413: PayloadTooLarge,
  422: InvalidFields,
  429: RateLimited,
  502: UpstreamFailed,
  504: UpstreamTimeout,
};

/** The error for an answer that is no success. */
export function errorOf(status: number, body: unknown, retryAfter?: number): ApiError {
  return new (BY_STATUS[status] ?? (status >= 500 ? ServerError : ApiError))(status, body, retryAfter);
}
