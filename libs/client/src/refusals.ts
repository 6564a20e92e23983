import { accessProblem } from '@nestjs-rocketmq/access';
import { ResponseError } from '@nestjs-rocketmq/protocol';
import { AccessDeniedError, BrokerRefusedError } from './client.errors.js';

/** A broker's refusal in the client's own words; other errors as they are. */
export function refusal(error: unknown, address: string, what: string): unknown {
  if (!(error instanceof ResponseError)) return error;
  const { responseCode, responseName, remark } = error;
  const words = remark === '' ? '' : `: ${remark}`;
  const sentence = `${address} refused ${what} with ${responseName} (${responseCode})${words}`;
  const said = { responseCode, responseName, remark, address };
  const advice = accessProblem(responseCode, remark);
  return advice === undefined
    ? new BrokerRefusedError(sentence, said, { cause: error, retriable: error.retriable })
    : new AccessDeniedError(`${address} refused ${what}; ${advice} (${remark})`, said, {
        cause: error,
      });
}

/** True when the broker answered one of these codes, or any refusal when none is named. */
export function isRefusal(error: unknown, ...codes: readonly number[]): boolean {
  if (!(error instanceof BrokerRefusedError)) return false;
  return codes.length === 0 || codes.includes(error.responseCode);
}
