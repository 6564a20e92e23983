import { CodedError } from '@nestjs-rocketmq/foundation';
import type { CodedErrorOptions } from '@nestjs-rocketmq/foundation';
import { describeResponseCode, isRetriable } from './response-code.js';

/** Bytes that are no frame of this protocol; whoever reads them closes the connection. */
export class FrameError extends CodedError {
  override readonly code = 'PROTOCOL_FRAME_BROKEN';
}

/** A header field is missing or is not what its declaration says; `details.field` names it. */
export class HeaderError extends CodedError {
  override readonly code = 'PROTOCOL_HEADER_INVALID';
}

/** A body is not what the command carries. */
export class BodyError extends CodedError {
  override readonly code = 'PROTOCOL_BODY_INVALID';
}

/** A text is not JSON, not even in the wider form that Java peers write. */
export class JsonError extends CodedError {
  override readonly code = 'PROTOCOL_JSON_INVALID';
}

/** A command was declared wrongly: a programming error, found when the module loads. */
export class DeclarationError extends CodedError {
  override readonly code = 'PROTOCOL_DECLARATION_INVALID';
}

/** The other side answered with a code that is not an outcome of the command, or a handler refuses. */
export class ResponseError extends CodedError {
  override readonly code = 'PROTOCOL_RESPONSE';
  readonly responseCode: number;
  /** Apache's name of the code, or `CODE_n`. */
  readonly responseName: string;
  /** What the answering side said; may be empty. */
  readonly remark: string;

  constructor(responseCode: number, remark = '', options: CodedErrorOptions = {}) {
    const responseName = describeResponseCode(responseCode);
    const where = options.details?.['address'];
    super(
      `${responseName} (${responseCode})${where === undefined ? '' : ` from ${String(where)}`}` +
        (remark === '' ? '' : `: ${remark}`),
      { retriable: isRetriable(responseCode), ...options },
    );
    this.responseCode = responseCode;
    this.responseName = responseName;
    this.remark = remark;
  }
}
