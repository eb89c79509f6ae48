/** The one error that REST calls throw. `code` is a word of the protocol's §3.5. */
export class ApiError extends Error {
  /**
   * @param {object} problem
   * @param {number} problem.status HTTP status; 0 where no answer came
   * @param {string} problem.code
   * @param {string} problem.detail a sentence that can be shown
   * @param {Record<string, string[]>} [problem.errors] field → what is wrong with it
   * @param {number | null} [problem.retryAfter] seconds
   * @param {string | null} [problem.requestId]
   */
  constructor({ status, code, detail, errors = {}, retryAfter = null, requestId = null }) {
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.detail = detail;
    this.errors = errors;
    this.retryAfter = retryAfter;
    this.requestId = requestId;
  }

  /** Nothing is known to be done; asking again later makes sense. */
  get temporary() {
    return this.status === 0 || this.status >= 500 || this.status === 429;
  }
}

/** Storage on this device refused a write: a full disk, or a private window. */
export class StorageError extends Error {
  /** @param {unknown} cause */
  constructor(cause) {
    super("This device could not save it.", { cause });
    this.name = "StorageError";
  }
}

/** A waiting message that may already have reached the server can't be changed any more. */
export class AlreadySentError extends Error {
  constructor() {
    super("This message may already have been sent.");
    this.name = "AlreadySentError";
  }
}
