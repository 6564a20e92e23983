import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { systemClock } from '@nestjs-rocketmq/foundation';

/* Certificates for specs, made when they are needed: X.509 version 3, ECDSA over P-256. */

/** A certificate with its key, as PEM texts. */
export interface Certified {
  readonly cert: string;
  readonly key: string;
}

export interface CertificateOf {
  /** DNS names and IPv4 addresses it is for. */
  readonly names?: readonly string[];
  /** Its days begin and end so many days from now [-1 to 30]. */
  readonly days?: readonly [number, number];
}

const oid = {
  ecdsaWithSha256: '06082a8648ce3d040302',
  commonName: '0603550403',
  basicConstraints: '0603551d13',
  subjectAltName: '0603551d11',
};

function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

const hex = (text: string): Buffer => Buffer.from(text, 'hex');
const sequence = (...parts: Uint8Array[]): Buffer => der(0x30, ...parts);
const algorithm = sequence(hex(oid.ecdsaWithSha256));
const isTrue = hex('0101ff');

function nameOf(commonName: string): Buffer {
  const value = der(0x0c, Buffer.from(commonName));
  return sequence(der(0x31, sequence(hex(oid.commonName), value)));
}

function time(daysFromNow: number): Buffer {
  const at = new Date(systemClock.now() + daysFromNow * 86_400_000).toISOString();
  return der(0x18, Buffer.from(`${at.slice(0, 19).replace(/[-:T]/g, '')}Z`));
}

function extension(id: string, isCritical: boolean, value: Buffer): Buffer {
  return sequence(hex(id), ...(isCritical ? [isTrue] : []), der(0x04, value));
}

function alternativeNames(names: readonly string[]): Buffer {
  const each = names.map((name) =>
    /^\d+(\.\d+){3}$/.test(name)
      ? der(0x87, Buffer.from(name.split('.').map(Number)))
      : der(0x82, Buffer.from(name)),
  );
  return extension(oid.subjectAltName, false, sequence(...each));
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}

interface Making extends CertificateOf {
  readonly subject: string;
  readonly issuer: string;
  readonly signer: KeyObject;
  readonly publicKey: KeyObject;
  readonly isAuthority: boolean;
}

function make(of: Making): string {
  const [from, to] = of.days ?? [-1, 30];
  const constraints = sequence(...(of.isAuthority ? [isTrue] : []));
  const names = of.names ?? [];
  const certificate = sequence(
    der(0xa0, hex('020102')),
    der(0x02, Buffer.from([0x01]), randomBytes(8)),
    algorithm,
    nameOf(of.issuer),
    sequence(time(from), time(to)),
    nameOf(of.subject),
    of.publicKey.export({ type: 'spki', format: 'der' }),
    der(
      0xa3,
      sequence(
        extension(oid.basicConstraints, true, constraints),
        ...(names.length > 0 ? [alternativeNames(names)] : []),
      ),
    ),
  );
  const signature = der(0x03, hex('00'), sign('sha256', certificate, of.signer));
  return pem('CERTIFICATE', sequence(certificate, algorithm, signature));
}

const pair = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });
const keyText = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

/** Somebody who vouches for certificates. */
export class CertificateAuthority {
  private readonly keys = pair();
  /** Its own certificate. */
  readonly cert: string;

  constructor(private readonly name = 'Authority of specs') {
    this.cert = make({
      subject: name,
      issuer: name,
      signer: this.keys.privateKey,
      publicKey: this.keys.publicKey,
      isAuthority: true,
    });
  }

  issue(subject: string, of: CertificateOf = {}): Certified {
    const { publicKey, privateKey } = pair();
    const signer = this.keys.privateKey;
    const made = { subject, issuer: this.name, signer, publicKey, isAuthority: false, ...of };
    return { cert: make(made), key: keyText(privateKey) };
  }
}
