import { CredentialsError } from './access.errors.js';

/** Who asks, as `plain_acl.yml` or the users of a broker know it. Java: `SessionCredentials`. */
export interface SessionCredentials {
  /** The name of the account or user. */
  readonly accessKey: string;
  /** Its secret; never sent. */
  readonly secretKey: string;
  /** A token that came with temporary keys. */
  readonly securityToken?: string;
}

/** Credentials, or where the current ones are had; it is asked for each request, so it must be quick. */
export type Credentials = SessionCredentials | (() => SessionCredentials);

const example = "write credentials: { accessKey: 'name', secretKey: 'secret' }";

/** Throws `CredentialsError` for what cannot be credentials; the sentence never shows a secret. */
export function checkCredentials(given: SessionCredentials): SessionCredentials {
  for (const name of ['accessKey', 'secretKey', 'securityToken'] as const) {
    const value: unknown = (given as Partial<SessionCredentials> | null | undefined)?.[name];
    if (name === 'securityToken' && value === undefined) continue;
    if (typeof value === 'string' && value !== '') continue;
    const what = value === '' ? 'empty' : value === undefined ? 'missing' : 'no text';
    throw new CredentialsError(`'${name}' of the credentials is ${what}; ${example}.`, {
      details: { field: name },
    });
  }
  return given;
}
