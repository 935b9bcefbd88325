/** Refusals by status. Bare `429` and `503` carry no Retry-After. */
export const STATUS_FAULTS = [
  '400',
  '401',
  '403',
  '404',
  '408',
  '422',
  '425',
  '429',
  '429-seconds',
  '429-date',
  '429-garbage',
  '500',
  '502',
  '503',
  '503-seconds',
  '504',
] as const;
export type StatusFault = (typeof STATUS_FAULTS)[number];

/** Instead of an answer: reset, no answer, listener closed for a while, sent elsewhere. */
export const CONNECTION_FAULTS = ['reset', 'hang', 'refused', 'redirect'] as const;
export type ConnectionFault = (typeof CONNECTION_FAULTS)[number];

/**
 * A good body, badly sent: `truncated` stops before its Content-Length, `chunked-cut` without the last chunk,
 * `unframed-cut` has neither length nor chunks and just ends early; `short-length` announces less than it sends and
 * `long-length` more; `oversize` streams more bytes than any page may have.
 */
export const FRAMING_FAULTS = [
  'reset-mid-body',
  'hang-mid-body',
  'truncated',
  'chunked-cut',
  'unframed-cut',
  'short-length',
  'long-length',
  'oversize',
] as const;
export type FramingFault = (typeof FRAMING_FAULTS)[number];

/** Well framed answers with status 200 whose bytes are wrong. */
export const BODY_FAULTS = [
  'html',
  'invalid-json',
  'empty-json',
  'empty-body',
  'truncated-gzip',
  'corrupt-gzip',
  'invalid-utf8',
] as const;
export type BodyFault = (typeof BODY_FAULTS)[number];

/**
 * Readable pages that say something wrong or unusual. `odd-pagination` is start 4, end 6 for one row, as seen on the
 * platform; `no-pagination` leaves Content-Range to tell, `no-range` leaves neither; `duplicate-job` repeats the first
 * job in the place of the last but one with other content and a later `updated_at`.
 */
export const PAGE_FAULTS = [
  'short-page',
  'empty-page',
  'long-page',
  'total-fraction',
  'total-text',
  'total-negative',
  'no-pagination',
  'no-range',
  'odd-pagination',
  'numeric-code',
  'duplicate-job',
] as const;
export type PageFault = (typeof PAGE_FAULTS)[number];

/** Every fault of a page request. Token requests know those of status, connection, framing and body. */
export const FAULT_KINDS = [
  ...STATUS_FAULTS,
  ...CONNECTION_FAULTS,
  ...FRAMING_FAULTS,
  ...BODY_FAULTS,
  ...PAGE_FAULTS,
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export function isPageFault(kind: FaultKind): kind is PageFault {
  return PAGE_FAULTS.some((fault) => fault === kind);
}

export function isStatusFault(kind: FaultKind): kind is StatusFault {
  return STATUS_FAULTS.some((fault) => fault === kind);
}

export function isConnectionFault(kind: FaultKind): kind is ConnectionFault {
  return CONNECTION_FAULTS.some((fault) => fault === kind);
}

export function isBodyFault(kind: FaultKind): kind is BodyFault {
  return BODY_FAULTS.some((fault) => fault === kind);
}
