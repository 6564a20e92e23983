import { ClientConfigurationError } from './client.errors.js';

const example = "write 'host1:9876;host2:9876'";

function invalid(text: string, why: string): ClientConfigurationError {
  return new ClientConfigurationError(
    `'${text}' is no name server address of the form host:port${why}; ${example}.`,
    { details: { nameServer: text } },
  );
}

function readAddress(text: string): string {
  // An `http://host:port` form is in use with Java clients; the scheme carries no meaning here.
  const address = text.replace(/^https?:\/\//, '').replace(/\/$/, '');
  const parts = /^(\[[0-9a-fA-F:.%\w]+\]|[^\s:[\]/]+):(\d{1,5})$/.exec(address);
  const port = Number(parts?.[2]);
  if (parts === null || port < 1 || port > 65_535) {
    const isIpv6 = address.includes('::') || address.split(':').length > 2;
    throw invalid(text, isIpv6 ? " (an IPv6 address stands in brackets: '[::1]:9876')" : '');
  }
  return address;
}

/** The addresses in a text with `;` between them, or an array; throws `ClientConfigurationError`. */
export function readAddresses(given: string | readonly string[] | undefined): string[] {
  const parts = typeof given === 'string' ? [given] : (given ?? []);
  const texts = parts.flatMap((part) => part.split(/[;,]/)).map((text) => text.trim());
  return [...new Set(texts.filter((text) => text !== '').map(readAddress))];
}

/** Reads the option `nameServers`; throws `ClientConfigurationError` when nothing usable is there. */
export function parseNameServers(given: string | readonly string[] | undefined): string[] {
  const addresses = readAddresses(given);
  if (addresses.length === 0) {
    throw new ClientConfigurationError(
      `No name server is given; set the option 'nameServers' (${example}) or 'nameServerAddressUrl'.`,
    );
  }
  return addresses;
}

/** The list of name servers: one is used and kept until it fails, then the next. */
export class NameServers {
  private list: readonly string[];
  private current: number;

  constructor(addresses: readonly string[], start = anyOf(addresses)) {
    this.list = addresses;
    this.current = start;
  }

  get addresses(): readonly string[] {
    return this.list;
  }

  /** The addresses to try, the one in use first. */
  inOrder(): string[] {
    return [...this.list.slice(this.current), ...this.list.slice(0, this.current)];
  }

  /** This one answered: keep it. */
  answered(address: string): void {
    const index = this.list.indexOf(address);
    if (index >= 0) this.current = index;
  }

  /** Another list; the one in use is kept if it is there. Answers those that are no longer there. */
  replace(addresses: readonly string[]): string[] {
    const before = this.list;
    const kept = addresses.indexOf(before[this.current] ?? '');
    this.list = addresses;
    this.current = kept >= 0 ? kept : anyOf(addresses);
    return before.filter((address) => !addresses.includes(address));
  }
}

function anyOf(addresses: readonly string[]): number {
  return Math.floor(Math.random() * addresses.length);
}
