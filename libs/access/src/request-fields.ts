import { QueryMessage } from '@nestjs-rocketmq/protocol';
import type { ExtraFields, ExtraOfRequest } from '@nestjs-rocketmq/remoting';
import { checkCredentials, type Credentials, type SessionCredentials } from './credentials.js';
import { Signer } from './signer.js';

/** The version of requests whose mark of unique keys every official server leaves unsigned: 4.9.3. */
const markIsUnsigned = 399;

export interface RequestFields {
  /** Ext fields that every request carries, for example those of a namespace; signed as well. */
  readonly constants?: Readonly<Record<string, string>> | undefined;
  /** Without them nothing is signed. */
  readonly credentials?: Credentials | undefined;
}

/**
 * The ext fields that a client adds to each of its requests; undefined when there are none. Throws
 * `CredentialsError`; a function that gives wrong credentials later makes the request reject with it.
 */
export function requestFields(of: RequestFields): ExtraFields | undefined {
  const { constants = {}, credentials } = of;
  if (credentials === undefined) {
    if (Object.keys(constants).length === 0) return undefined;
    const always: ExtraOfRequest = { fields: constants };
    return () => always;
  }
  const signer = new Signer([...Object.keys(constants), 'AccessKey', 'SecurityToken']);
  const fields = new StandingFields(constants);
  const current = typeof credentials === 'function' ? credentials : () => credentials;
  fields.of(current());
  return (definition, asked, body) => {
    const now = current();
    const standing = fields.of(now);
    const Signature = signer.sign(now.secretKey, definition, asked, standing, body);
    const signed = { ...standing, Signature };
    const isMarked = definition === QueryMessage && asked['isUniqueKey'] !== undefined;
    return isMarked ? { fields: signed, version: markIsUnsigned } : { fields: signed };
  };
}

/** The fields beside the signature: always the same names, new texts when the credentials change. */
class StandingFields {
  private accessKey: string | undefined;
  private securityToken: string | undefined;
  private fields: Readonly<Record<string, string>> = {};

  constructor(private readonly constants: Readonly<Record<string, string>>) {}

  of(credentials: SessionCredentials): Readonly<Record<string, string>> {
    const { accessKey, securityToken } = checkCredentials(credentials);
    const isSame = accessKey === this.accessKey && securityToken === this.securityToken;
    if (isSame) return this.fields;
    const token = securityToken === undefined ? {} : { SecurityToken: securityToken };
    this.fields = { ...this.constants, AccessKey: accessKey, ...token };
    this.accessKey = accessKey;
    this.securityToken = securityToken;
    return this.fields;
  }
}
