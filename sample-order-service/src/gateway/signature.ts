import { createHmac, timingSafeEqual } from 'node:crypto';

/** What the gateway tells about a charge. Money is cents. */
export interface GatewayNotice {
  readonly payId: string;
  readonly amount: number;
  /** The gateway's own number of the charge. */
  readonly reference: string;
}

/** Header of the callback that carries the signature. */
export const SIGNATURE_HEADER = 'x-gateway-signature';

/** HMAC-SHA256 over the three fields, in hex. */
export function signNotice(notice: GatewayNotice, secret: string): string {
  const text = [notice.payId, notice.amount, notice.reference].join('\n');
  return createHmac('sha256', secret).update(text).digest('hex');
}

/** Compares in constant time. */
export function isSignedBy(notice: GatewayNotice, signature: string, secret: string): boolean {
  const expected = Buffer.from(signNotice(notice, secret));
  const given = Buffer.from(signature);
  return given.length === expected.length && timingSafeEqual(given, expected);
}
